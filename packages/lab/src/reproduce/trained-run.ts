import { readdirSync } from 'node:fs';
import type { NDArray, Tree } from '@brownian/graph';
import { type Learner, createLearner } from 'brownian';
import { UserError } from '../errors.ts';
import { requireSameRun } from '../loop.ts';
import { readCheckpoint } from '../runs/checkpoint.ts';
import { openRun, runFiles } from '../runs/run.ts';
import type { LearnedFrom } from '../tasks/detection-sets.ts';
import { readFilters } from '../weights/filter-file.ts';
import type { Bench } from './experiment.ts';

/**
 * The newest checkpoint of a run, by its iteration: cells that judge a run have it among their settings, so that one that was trained on is
 * judged anew.
 *
 * @throws UserError when there is none
 */
export function newestIteration(path: string): number {
  let names: string[] = [];
  try {
    names = readdirSync(runFiles(path).checkpoints);
  } catch {
    // A folder that cannot be read has none.
  }
  const iterations = names.flatMap((name) => /^iteration-(\d+)\.safetensors$/.exec(name)?.[1] ?? []).map(Number);
  if (iterations.length === 0)
    throw new UserError(`--run is ${JSON.stringify(path)}, where there is no checkpoint of a run; train one first.`, {
      exitCode: 2,
    });
  return Math.max(...iterations);
}

/** A run opened at one of its checkpoints; whoever asked for it disposes of the learner. */
export interface OpenedRun {
  readonly learner: Learner;
  readonly state: Tree<NDArray>;
  readonly from: LearnedFrom;
}

/** Opens a run at an iteration. @throws UserError when its files are damaged or do not belong together */
export async function openRunAt(path: string, iteration: number, { runtime }: Bench): Promise<OpenedRun> {
  const { config, record } = await openRun(path);
  const file = runFiles(path).checkpoint(iteration);
  const checkpoint = await readCheckpoint(file);
  requireSameRun(checkpoint, config, file);
  const { itemShape } = record.data;
  const learner = createLearner(runtime, config.model, config, itemShape, await readFilters(path, config));
  return { learner, state: checkpoint.state, from: { path, config, itemShape } };
}
