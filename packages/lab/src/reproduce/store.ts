import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError, fileProblem, systemCode } from '../errors.ts';
import { removeLeftovers, writeAtomically } from '../runs/atomic.ts';
import type { Cell, CellResult, Measured } from './experiment.ts';

const CELLS = 'cells';
const finite = z.number().nullable();

const RESULT: z.ZodType<CellResult> = z.object({
  settings: z.record(z.string(), z.union([z.string(), z.number()])),
  measures: z.record(z.string(), finite),
  curves: z.record(z.string(), z.array(finite)),
  note: z.string(),
  seconds: z.number(),
  ended: z.string(),
  machine: z.string(),
  pictures: z.record(z.string(), z.string()),
});

/** Characters of a cell's name: file systems take 255 bytes, and the names of pictures and of a file being written follow. */
const LONGEST = 180;

/** The name of a cell's files: its settings, in order; what is too long for a file system ends in a hash of all of them. */
export function cellKey({ settings }: Cell): string {
  const key = Object.entries(settings)
    .map(([name, value]) => `${name}-${String(value).replaceAll(/[^\w.+-]+/g, '_')}`)
    .join('_');
  if (key.length <= LONGEST) return key;
  const hash = createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
  return `${key.slice(0, LONGEST - hash.length - 1)}-${hash}`;
}

function parseResult(text: string, file: string): CellResult {
  try {
    return RESULT.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`${file} is not the result of a cell; delete it, and the cell will be run again.`, {
      cause: error,
    });
  }
}

/** The results in an experiment's folder, by the keys of their cells; empty when there is no such folder. @throws UserError when one is damaged */
export async function readResults(folder: string): Promise<ReadonlyMap<string, CellResult>> {
  const cells = join(folder, CELLS);
  const names = await readdir(cells).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw new UserError(`Cannot read ${cells}: ${fileProblem(error)}.`, { cause: error });
  });
  const files = names.filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  const results = await Promise.all(
    files.map(async (name) => parseResult(await readFile(join(cells, name), 'utf8'), join(cells, name))),
  );
  return new Map(results.map((result) => [cellKey(result), result]));
}

/** Makes the folder of an experiment, and clears what a killed process left half-written. */
export async function prepareFolder(folder: string): Promise<void> {
  const cells = join(folder, CELLS);
  try {
    await mkdir(cells, { recursive: true });
    await removeLeftovers(cells);
  } catch (error) {
    throw new UserError(`Cannot write ${cells}: ${fileProblem(error)}.`, { cause: error });
  }
}

/** Keeps the result of a cell: its pictures first, so that a result on disk is complete. */
export async function writeResult(
  folder: string,
  cell: Cell,
  measured: Measured,
  facts: Pick<CellResult, 'seconds' | 'ended' | 'machine'>,
): Promise<void> {
  const key = cellKey(cell);
  const pictures: Record<string, string> = {};
  for (const { name, format, bytes } of measured.pictures) {
    const path = join(CELLS, `${key}_${name}.${format}`);
    await writeAtomically(join(folder, path), [bytes]);
    pictures[name] = path;
  }
  const { measures, curves, note } = measured;
  const result: CellResult = { settings: cell.settings, measures, curves, note, ...facts, pictures };
  await writeAtomically(join(folder, CELLS, `${key}.json`), [`${JSON.stringify(result, null, 1)}\n`]);
}
