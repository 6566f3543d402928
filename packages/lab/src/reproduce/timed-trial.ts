import type { NDArray, Tree } from '@brownian/graph';
import { NonFiniteError, type Runtime, createStream } from '@brownian/runtime';
import { type Dataset, type Layer, type Learner, batchIndices, createLearner } from 'brownian';
import type { RunConfig } from '../config/run-config.ts';
import { UserError } from '../errors.ts';
import { gridPng } from '../images/grid.ts';
import type { Bench, Measured } from './experiment.ts';
import { type Curves, record } from './curves.ts';
import type { Judge } from './judge.ts';

/** What time is measured by: the wall clock, or the processor time of this process, for a machine that others use too. */
export type Clock = 'wall' | 'cpu';

/** @throws UserError unless the text names a clock */
export function parseClock(text: string): Clock {
  if (text === 'wall' || text === 'cpu') return text;
  throw new UserError(`--clock is ${JSON.stringify(text)}; it must be wall or cpu.`, { exitCode: 2 });
}

/** A training for a given time on a data set. */
export interface TimedTrial {
  readonly label: string;
  /** The configuration for so many iterations, which its learning rate may follow. */
  readonly config: (iterations: number) => RunConfig;
  readonly data: Dataset;
  /** Fixed filters, for models that take them. */
  readonly filters?: Layer;
  /** Seconds of training, without the first iterations, which compile. */
  readonly seconds: number;
  readonly clock: Clock;
  readonly seed: number;
}

/** Iterations whose time says how many there will be, after those that compile. */
const TIMED = 8;
const COMPILING = 5;

/** Seconds that went by. Processor time is that of all threads, so it is divided by their number. */
function stopwatch(clock: Clock, threads: number): () => number {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return clock === 'wall' ? (performance.now() - wall) / 1000 : (user + system) / 1e6 / threads;
  };
}

/** The learner of a configuration. */
function learnerOf(runtime: Runtime, config: RunConfig, { data, filters }: TimedTrial): Learner {
  return createLearner(runtime, config.model, config, data.itemShape, filters);
}

/** A model at the end of its time. */
export interface TrainedFor {
  readonly learner: Learner;
  readonly state: Tree<NDArray>;
  readonly curves: Curves;
  readonly iterations: number;
  readonly seconds: number;
  /** Why it ended early; empty when it did not. */
  readonly stopped: string;
}

/** Trains for a time or a number of iterations; null when the user stops it. The first iterations are not timed. */
async function run(
  trial: TimedTrial,
  { runtime, threads, stop, task }: Bench,
  iterations: number,
): Promise<TrainedFor | null> {
  const { config, data, seed, clock, label, seconds: limit } = trial;
  const settings = config(iterations);
  const learner = learnerOf(runtime, settings, trial);
  const stream = createStream(seed);
  const order = batchIndices(stream.split('order'), data.size, settings.batchSize);
  const [draw, augment] = [stream.split('draw'), stream.split('augment')];
  let state = await learner.init(stream.split('init'), data);
  const curves: Curves = {};
  let [seconds, done] = [0, 0];
  task.start(label, iterations, 'iterations');
  try {
    while (done < iterations + COMPILING && seconds < limit) {
      if (stop.aborted) {
        await learner.dispose();
        return null;
      }
      const batch = await data.batch(order.indicesAt(done), augment.split(done));
      const spent = stopwatch(clock, threads);
      const [next, metrics] = await learner.step(state, batch, draw);
      state = next;
      if (done >= COMPILING) seconds += spent();
      record(curves, metrics);
      done += 1;
      task.update(Math.max(0, done - COMPILING));
    }
    return { learner, state, curves, iterations: done, seconds, stopped: '' };
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error;
    return { learner, state, curves, iterations: done, seconds, stopped: `not finite in iteration ${done + 1}` };
  } finally {
    task.stop();
  }
}

/** A learner that says how long its samples took. */
function timed(learner: Learner, clock: Clock, threads: number): { learner: Learner; seconds: () => number } {
  let seconds = 0;
  const watched: Learner = {
    name: learner.name,
    init: (key, data) => learner.init(key, data),
    step: (state, batch, draw) => learner.step(state, batch, draw),
    sample: async (state, n, draw) => {
      const spent = stopwatch(clock, threads);
      const samples = await learner.sample(state, n, draw);
      seconds += spent();
      return samples;
    },
    particles: (state) => learner.particles(state),
    dispose: () => learner.dispose(),
  };
  return { learner: watched, seconds: () => seconds };
}

/**
 * Trains a model for a time. A few iterations of a first learner tell how many will fit, so that schedules of the learning rate end with the time.
 *
 * @returns null when the user stopped it; the caller disposes of the learner
 */
export async function trainFor(trial: TimedTrial, bench: Bench): Promise<TrainedFor | null> {
  const first = await run({ ...trial, label: `${trial.label}, timing` }, bench, TIMED);
  await first?.learner.dispose();
  if (first === null) return null;
  const pace = first.seconds / Math.max(1, first.iterations - COMPILING);
  return await run(trial, bench, Math.max(1, Math.round(trial.seconds / pace)));
}

/**
 * Trains a model for a time, judges it, and says how long an iteration and a sample take.
 *
 * @param samples that the judge draws
 * @returns null when the user stopped it
 */
export async function runTimedTrial(
  trial: TimedTrial & { readonly judge: Judge },
  bench: Bench,
  samples: number,
): Promise<Measured | null> {
  const end = await trainFor(trial, bench);
  if (end === null) return null;
  const { learner, state, curves, iterations, seconds, stopped } = end;
  try {
    const timing = { iterations, secondsPerIteration: seconds / Math.max(1, iterations - COMPILING) };
    const particles = { name: 'particles', format: 'png' as const, bytes: await gridPng(learner.particles(state)) };
    if (stopped !== '') return { measures: timing, curves, note: stopped, pictures: [particles] };
    const watched = timed(learner, trial.clock, bench.threads);
    const stream = createStream(trial.seed).split('samples');
    const { measures, pictures } = await trial.judge({ learner: watched.learner, state, stream });
    const secondsPerThousand = (1000 * watched.seconds()) / samples;
    return { measures: { ...measures, ...timing, secondsPerThousand }, curves, note: '', pictures };
  } finally {
    await learner.dispose();
  }
}
