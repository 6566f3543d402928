import { UserError } from '../errors.ts';
import { makeFolderOf, writeAtomically } from '../runs/atomic.ts';
import { readMetrics } from '../runs/database.ts';
import { runFiles } from '../runs/run.ts';

/** What an export made. */
export interface Exported {
  readonly what: string;
  readonly file: string;
}

/** A field of a CSV file (RFC 4180). */
function field(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Writes a run's metrics as CSV: a line per iteration, a column per metric, numbers with all their digits.
 *
 * @param out the file.
 * @throws UserError when the run has no metrics, or the file cannot be written.
 */
export async function writeCsv(path: string, out: string): Promise<Exported> {
  const records = readMetrics(runFiles(path).database);
  if (records.length === 0) throw new UserError(`${path} has no metrics yet; train it first.`);
  const names = [...new Set(records.flatMap(({ metrics }) => Object.keys(metrics)))];
  const lines = [
    ['iteration', 'seconds', ...names],
    ...records.map(({ iteration, seconds, metrics }) => [
      iteration,
      seconds,
      ...names.map((name) => metrics[name] ?? ''),
    ]),
  ].map((row) => `${row.map(field).join(',')}\r\n`);
  await makeFolderOf(out);
  await writeAtomically(out, [lines.join('')]);
  return { what: `${records.length} iterations of ${names.length} metrics`, file: out };
}
