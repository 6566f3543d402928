import { appendFile, readFile } from 'node:fs/promises';
import { UserError, fileProblem, systemCode } from '../errors.ts';
import { writeAtomically } from './atomic.ts';

/** What one iteration measured: a line of `metrics.jsonl`. */
export interface MetricsRecord {
  /** Iterations done, from 1. */
  readonly iteration: number;
  /** Seconds since training began, over all resumes. */
  readonly seconds: number;
  readonly metrics: Readonly<Record<string, number>>;
}

function isRecord(value: unknown): value is MetricsRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { iteration, seconds, metrics } = value as Partial<MetricsRecord>;
  return (
    typeof iteration === 'number' && typeof seconds === 'number' && typeof metrics === 'object' && metrics !== null
  );
}

/**
 * The records of a metrics file, in order; a missing file has none.
 *
 * A last line without its line break is what a killed process left, and is dropped.
 *
 * @throws UserError naming the line that is no record.
 */
export async function readMetrics(path: string): Promise<MetricsRecord[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw new UserError(`Cannot read ${path}: ${fileProblem(error)}.`, { cause: error });
  }
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line, i) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      value = undefined;
    }
    if (!isRecord(value)) throw new UserError(`${path} is damaged: line ${i + 1} is not a metrics record.`);
    return value;
  });
}

/** Adds records to a metrics file, one line each. @throws UserError when it cannot be written. */
export async function appendMetrics(path: string, records: readonly MetricsRecord[]): Promise<void> {
  try {
    await appendFile(path, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  } catch (error) {
    throw new UserError(`Cannot write ${path}: ${fileProblem(error)}.`, { cause: error });
  }
}

/** Drops the records after an iteration: a resumed run writes them again. */
export async function truncateMetrics(path: string, iteration: number): Promise<void> {
  const records = await readMetrics(path);
  const kept = records.filter((record) => record.iteration <= iteration);
  await writeAtomically(path, [kept.map((record) => `${JSON.stringify(record)}\n`).join('')]);
}
