import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError, fileProblem } from '../errors.ts';
import { lastIteration } from './database.ts';
import { lockHolder } from './lock.ts';
import { type Run, type RunRecord, openRun, runFiles } from './run.ts';
import { type Score, readScores } from './scores.ts';

/** How a run is doing. `killed`: it had not ended, and no process works on it. */
export type RunState = RunRecord['status'] | 'killed';

/** A run at a glance. */
export interface RunSummary extends Run {
  readonly state: RunState;
  readonly iterations: number;
  readonly scores: readonly Score[];
}

/** Whether a run goes on at this moment, or how it ended. */
export function stateOf({ path, record }: Run): RunState {
  if (record.status === 'running') return lockHolder(path) === undefined ? 'killed' : 'running';
  return record.status;
}

/** Summarises the run in a folder. @throws UserError when it is none, or damaged. */
export async function summarize(path: string): Promise<RunSummary> {
  const run = await openRun(path);
  const state = stateOf(run);
  const ended = state === 'finished' || state === 'out of time' || state === 'interrupted';
  const iterations = ended ? run.record.iterations : lastIteration(runFiles(path).database);
  return { ...run, state, iterations, scores: await readScores(path) };
}

/** The runs of a folder, oldest first, and what is wrong with those that cannot be read. */
export async function listRuns(folder: string): Promise<{ runs: RunSummary[]; problems: string[] }> {
  let names: string[];
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  } catch (error) {
    throw new UserError(`Cannot read ${folder}: ${fileProblem(error)}.`, { cause: error });
  }
  const runs: RunSummary[] = [];
  const problems: string[] = [];
  for (const name of names) {
    try {
      runs.push(await summarize(join(folder, name)));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push(error.message);
    }
  }
  return { runs: runs.toSorted((a, b) => a.record.created.localeCompare(b.record.created)), problems };
}
