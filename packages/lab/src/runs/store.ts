import { rename, rm } from 'node:fs/promises';
import { UserError, fileProblem } from '../errors.ts';
import type { Picture } from '../images/picture.ts';
import type { RunStore } from '../loop.ts';
import { writeAtomically } from './atomic.ts';
import { type Checkpoint, isDamage, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { RunDatabase } from './database.ts';
import { numberedFiles, runFiles, tidyRun } from './run.ts';
import { removeTrajectory } from './trajectory.ts';

/** Checkpoints that are kept: of all the newest, and of those that were due the newest, which a rollback goes to. */
const KEPT = 3;

async function removeAll(files: readonly string[]): Promise<void> {
  await Promise.all(files.map((file) => rm(file, { force: true })));
}

/** The checkpoints that are neither among the newest nor among the newest that were due. */
function superseded(iterations: readonly number[], every: number): number[] {
  const due = iterations.filter((iteration) => iteration % every === 0);
  const kept = new Set([...iterations.slice(-KEPT), ...due.slice(-KEPT)]);
  return iterations.filter((iteration) => !kept.has(iteration));
}

/**
 * The store of a run's folder. Old checkpoints are deleted only after a newer one is safely on disk.
 *
 * @param every the iterations from one checkpoint that is due to the next.
 */
export function folderStore(path: string, database: RunDatabase, picture: Picture, every: number): RunStore {
  const files = runFiles(path);
  return {
    appendMetrics: (records) => database.append(records),
    addEvent: (kind, iteration, message) =>
      database.addEvent({ time: new Date().toISOString(), kind, iteration, message }),
    async writeCheckpoint(checkpoint) {
      await writeCheckpoint(files.checkpoint(checkpoint.iteration), checkpoint);
      const old = superseded(await numberedFiles(files.checkpoints, 'safetensors'), every);
      await removeAll(old.map((iteration) => files.checkpoint(iteration)));
    },
    async writeGrid(iteration, particles) {
      await writeAtomically(files.grid(iteration), [await picture.particles(particles)]);
    },
    async rollBack(isGood) {
      const target = await goodCheckpoint(path, every, isGood);
      const iteration = target?.iteration ?? 0;
      const later = (await numberedFiles(files.checkpoints, 'safetensors')).filter((other) => other > iteration);
      // The newest first: whenever this is cut short, a resumed run diverges in the same way and comes here again.
      for (const other of later.toReversed()) await rm(files.checkpoint(other), { force: true });
      await rewindRun(path, database, iteration);
      return target;
    },
  };
}

/**
 * The newest of the checkpoints that were due and are good, else the oldest of them, else undefined: the beginning. Checkpoints
 * written when the user interrupted the run do not count, so that an interrupted run is rolled back like one that was not.
 */
async function goodCheckpoint(
  path: string,
  every: number,
  isGood: (checkpoint: Checkpoint) => boolean,
): Promise<Checkpoint | undefined> {
  const files = runFiles(path);
  const due = (await numberedFiles(files.checkpoints, 'safetensors')).filter((iteration) => iteration % every === 0);
  let oldest: Checkpoint | undefined;
  for (const iteration of due.slice(-KEPT).toReversed()) {
    const checkpoint = await readCheckpoint(files.checkpoint(iteration)).catch((error: unknown) => {
      if (isDamage(error)) return undefined;
      throw error;
    });
    if (checkpoint === undefined) continue;
    if (isGood(checkpoint)) return checkpoint;
    oldest = checkpoint;
  }
  return oldest;
}

/** The newest whole checkpoint of a run. */
export interface LatestCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly file: string;
  /** Newer ones that are damaged, with a sentence about each. */
  readonly damaged: readonly { readonly file: string; readonly problem: string }[];
}

/**
 * The newest whole checkpoint of a run, or undefined when it has none at all.
 *
 * @throws UserError when one cannot be read, or when all of them are damaged.
 */
export async function latestCheckpoint(path: string): Promise<LatestCheckpoint | undefined> {
  const files = runFiles(path);
  const iterations = await numberedFiles(files.checkpoints, 'safetensors');
  const damaged: { file: string; problem: string }[] = [];
  for (const iteration of iterations.toReversed()) {
    const file = files.checkpoint(iteration);
    try {
      return { checkpoint: await readCheckpoint(file), file, damaged };
    } catch (error) {
      if (!isDamage(error)) throw error;
      damaged.push({ file, problem: error.message });
    }
  }
  const [first] = damaged;
  if (first === undefined) return undefined;
  const problem = first.problem.replace(/\.$/, '');
  const others = damaged.length === 1 ? 'there is no other' : `none of the ${damaged.length} there are is whole`;
  throw new UserError(`${problem}, and ${others}; delete ${files.checkpoints} to start the run from its beginning.`);
}

/** Puts a damaged checkpoint out of the way under another name, for a person to look at. */
export async function setAside(file: string): Promise<string> {
  const aside = `${file}.damaged`;
  try {
    await rename(file, aside);
  } catch (error) {
    throw new UserError(`Cannot rename ${file}: ${fileProblem(error)}.`, { cause: error });
  }
  return aside;
}

/** Brings a run's folder back to the moment of a checkpoint, so that the iterations after it can be done again. */
export async function rewindRun(path: string, database: RunDatabase, iteration: number): Promise<void> {
  const files = runFiles(path);
  await tidyRun(path);
  database.rewind(iteration);
  const later = (await numberedFiles(files.samples, 'png')).filter((grid) => grid > iteration);
  await removeAll([...later.map((grid) => files.grid(grid)), files.finalGrid, files.scores, files.trainingFilm]);
  await removeTrajectory(path);
}
