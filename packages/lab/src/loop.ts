import type { NDArray, Tree } from '@brownian/graph';
import { NonFiniteError, type Stream } from '@brownian/runtime';
import type { Batch, BatchOrder, Dataset, Learner, Metrics } from 'brownian';
import type { RunConfig } from './config/schema.ts';
import { lookAhead } from './data/look-ahead.ts';
import { UserError } from './errors.ts';
import type { Progress } from './progress.ts';
import type { Checkpoint, TimeSpent } from './runs/checkpoint.ts';
import type { MetricsRecord } from './runs/metrics.ts';
import { configHash } from './runs/run.ts';

/** Where a loop leaves its results: the run's folder, or memory in tests. */
export interface RunStore {
  appendMetrics(records: readonly MetricsRecord[]): Promise<void>;
  writeCheckpoint(checkpoint: Checkpoint): Promise<void>;
  /** Draws particles as they stand after an iteration. */
  writeGrid(iteration: number, particles: NDArray): Promise<void>;
}

/** All that a training loop needs. */
export interface Training {
  readonly config: RunConfig;
  readonly data: Dataset;
  readonly learner: Learner;
  /** The stream of `config.seed`, at its beginning. */
  readonly stream: Stream;
  /** The items of each batch: a function of the iteration alone, so that a resumed run sees the same. */
  readonly order: BatchOrder;
  readonly store: RunStore;
  readonly progress: Progress;
  /** Aborted when the user asks to stop: the iteration under way is finished and a checkpoint written. */
  readonly stop: AbortSignal;
  /** Where to go on from; absent at the start of a run. */
  readonly from?: Checkpoint;
  /** Milliseconds on a clock that never goes back. */
  readonly now?: () => number;
}

/** How a loop ended. */
export interface Outcome {
  readonly status: 'finished' | 'out of time' | 'interrupted' | 'diverged';
  readonly iteration: number;
  /** The last state that was good. */
  readonly state: Tree<NDArray>;
  readonly seconds: TimeSpent;
  /** Why it ended, when that needs saying. */
  readonly message: string | null;
}

const FLUSH_SECONDS = 2;
/** Batches that are read and decoded while a step computes. */
const LOOK_AHEAD = 2;
// The first iterations change the picture most.
const EARLY_GRIDS: ReadonlySet<number> = new Set([0, 1, 2, 5, 10, 20, 50, 100, 200, 500]);

/** Whether particles are drawn after an iteration. */
export function isGridIteration(iteration: number, every: number): boolean {
  return iteration % every === 0 || (iteration < every && EARLY_GRIDS.has(iteration));
}

function badMetric(metrics: Metrics): string | undefined {
  const entry = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
  return entry === undefined ? undefined : `the metric "${entry[0]}" is ${entry[1]}`;
}

function divergence(iteration: number, reason: string, last: number): string {
  return (
    `Training diverged in iteration ${iteration} (${reason.replace(/[.\s]+$/, '')}); try a smaller --langevin.delta or ` +
    `--learning-rate, a larger --flow.beta, or --flow.energy-l2 0.1` +
    (last > 0 ? `, and note that the checkpoint of iteration ${last} is good.` : '.')
  );
}

/**
 * Trains until the iterations or the minutes of the configuration are used up, the user stops it, or it diverges. Given the
 * same configuration it computes the same numbers, whether it runs through or is stopped and resumed.
 *
 * @throws UserError when something cannot be written.
 */
export async function train(training: Training): Promise<Outcome> {
  const { config, data, learner, store, progress, from } = training;
  const now = training.now ?? ((): number => performance.now());
  const began = now();
  const hash = configHash(config);
  const draw = training.stream.split('draw');
  if (from !== undefined) draw.restore(from.stream);
  const augment = training.stream.split('augment');
  // Random changes to a batch are drawn from a stream of its own, so it is the same batch whoever asks for it, and when.
  const batches = lookAhead(
    (i) => data.batch(training.order.indicesAt(i), augment.split(i)),
    LOOK_AHEAD,
    config.iterations,
  );
  let state = from?.state ?? (await learner.init(training.stream.split('init'), data));
  let iteration = from?.iteration ?? 0;
  let saved = from === undefined ? -1 : iteration;
  let stepping = from?.seconds.training ?? 0;
  let pending: MetricsRecord[] = [];
  let flushed = 0;

  const spent = (): TimeSpent => ({ training: stepping, total: (from?.seconds.total ?? 0) + (now() - began) / 1000 });
  const flush = async (): Promise<void> => {
    if (pending.length > 0) await store.appendMetrics(pending);
    [pending, flushed] = [[], spent().total];
  };
  const save = async (): Promise<void> => {
    await flush();
    await store.writeCheckpoint({ iteration, state, stream: draw.state(), seconds: spent(), configHash: hash });
    saved = iteration;
  };
  const end = async (status: Outcome['status'], message: string | null = null): Promise<Outcome> => {
    if (status === 'diverged') await flush();
    else if (saved !== iteration) await save();
    progress.stop();
    return { status, iteration, state, seconds: spent(), message };
  };

  progress.start(config, { iteration, seconds: spent().total });
  if (from === undefined) await store.writeGrid(0, learner.particles(state));
  while (iteration < config.iterations) {
    if (training.stop.aborted) return await end('interrupted');
    if (config.minutes !== null && spent().total >= config.minutes * 60) return await end('out of time');
    const before = now();
    const batch = await batches.take(iteration);
    const [next, metrics, problem] = await guardedStep(learner, state, batch, draw);
    if (next === undefined) return await end('diverged', divergence(iteration + 1, problem, Math.max(saved, 0)));
    stepping += (now() - before) / 1000;
    state = next;
    iteration += 1;
    const { total } = spent();
    pending.push({ iteration, seconds: round(total), metrics });
    progress.update({ iteration, seconds: total, metrics });
    if (total - flushed >= FLUSH_SECONDS) await flush();
    if (isGridIteration(iteration, config.gridEvery)) await store.writeGrid(iteration, learner.particles(state));
    if (iteration % config.checkpointEvery === 0) await save();
  }
  return await end('finished');
}

type StepResult =
  | [state: Tree<NDArray>, metrics: Metrics, problem: '']
  | [state: undefined, metrics: Metrics, problem: string];

/** A step, with divergence as a value: the state is then undefined and the problem says what is not finite. */
async function guardedStep(learner: Learner, state: Tree<NDArray>, batch: Batch, draw: Stream): Promise<StepResult> {
  try {
    const [next, metrics] = await learner.step(state, batch, draw);
    const problem = badMetric(metrics);
    return problem === undefined ? [next, metrics, ''] : [undefined, metrics, problem];
  } catch (error) {
    if (error instanceof NonFiniteError) return [undefined, {}, error.message];
    throw error;
  }
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/**
 * Checks that a checkpoint belongs to a configuration.
 *
 * @throws UserError when the options that decide what is computed have changed since it was written.
 */
export function requireSameRun(checkpoint: Checkpoint, config: RunConfig, file: string): void {
  if (checkpoint.configHash === configHash(config)) return;
  throw new UserError(
    `${file} was made with other options than the run's config.json now holds; restore config.json, or start a new run.`,
  );
}
