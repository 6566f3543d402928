import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseJson } from '../config/settings.ts';
import { UserError, fileProblem, systemCode } from '../errors.ts';
import { writeAtomically } from './atomic.ts';
import { runFiles } from './run.ts';

/** One figure of merit of a run's samples. */
export interface Score {
  readonly name: string;
  readonly value: number;
  /** What it was measured with: feature network, number of samples, what real data scores. */
  readonly note: string;
}

const SCORES: z.ZodType<readonly Score[]> = z.array(
  z.strictObject({ name: z.string(), value: z.number(), note: z.string() }),
);

/** Writes `scores.json` of the run at `path`; the report shows it as a table. */
export async function writeScores(path: string, scores: readonly Score[]): Promise<void> {
  await writeAtomically(runFiles(path).scores, [`${JSON.stringify(scores, null, 2)}\n`]);
}

/** The scores of the run at `path`; none when it was not scored. @throws UserError when the file is damaged. */
export async function readScores(path: string): Promise<readonly Score[]> {
  const file = runFiles(path).scores;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw new UserError(`Cannot read ${file}: ${fileProblem(error)}.`, { cause: error });
  }
  const parsed = SCORES.safeParse(parseJson(text, file));
  if (!parsed.success) throw new UserError(`${file} is damaged: it must be a list of { name, value, note }.`);
  return parsed.data;
}
