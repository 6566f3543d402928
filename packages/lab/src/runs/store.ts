import { rm } from 'node:fs/promises';
import { UserError } from '../errors.ts';
import type { Picture } from '../images/picture.ts';
import type { RunStore } from '../loop.ts';
import { writeAtomically } from './atomic.ts';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { appendMetrics, truncateMetrics } from './metrics.ts';
import { numberedFiles, runFiles, tidyRun } from './run.ts';

const KEPT_CHECKPOINTS = 3;

/** The store of a run's folder. Old checkpoints are deleted only after a newer one is safely on disk. */
export function folderStore(path: string, picture: Picture): RunStore {
  const files = runFiles(path);
  return {
    appendMetrics: (records) => appendMetrics(files.metrics, records),
    async writeCheckpoint(checkpoint) {
      await writeCheckpoint(files.checkpoint(checkpoint.iteration), checkpoint);
      const old = (await numberedFiles(files.checkpoints, 'safetensors')).slice(0, -KEPT_CHECKPOINTS);
      await Promise.all(old.map((iteration) => rm(files.checkpoint(iteration), { force: true })));
    },
    async writeGrid(iteration, particles) {
      await writeAtomically(files.grid(iteration), [await picture.particles(particles)]);
    },
  };
}

/** The newest checkpoint of a run and its file, or undefined when it has none. @throws UserError when it is corrupt. */
export async function latestCheckpoint(path: string): Promise<{ checkpoint: Checkpoint; file: string } | undefined> {
  const files = runFiles(path);
  const iterations = await numberedFiles(files.checkpoints, 'safetensors');
  const newest = iterations.at(-1);
  if (newest === undefined) return undefined;
  const file = files.checkpoint(newest);
  try {
    return { checkpoint: await readCheckpoint(file), file };
  } catch (error) {
    const before = iterations.at(-2);
    if (!(error instanceof UserError) || before === undefined) throw error;
    const remedy = `delete it to go on from iteration ${before}`;
    throw new UserError(`${error.message.replace(/\.$/, '')}; ${remedy}.`, { cause: error });
  }
}

/** Brings a run's folder back to the moment of a checkpoint, so that the iterations after it can be done again. */
export async function rewindRun(path: string, iteration: number): Promise<void> {
  const files = runFiles(path);
  await tidyRun(path);
  await truncateMetrics(files.metrics, iteration);
  const later = (await numberedFiles(files.samples, 'png')).filter((grid) => grid > iteration);
  await Promise.all(later.map((grid) => rm(files.grid(grid), { force: true })));
  await Promise.all([files.finalGrid, files.scores].map((file) => rm(file, { force: true })));
}
