import type { NDArray, Tree } from '@brownian/graph';
import { NonFiniteError, createStream } from '@brownian/runtime';
import { type Dataset, type Layer, type Learner, SolverError, batchIndices, createLearner } from 'brownian';
import type { RunConfig } from '../config/run-config.ts';
import type { Budget, Clock } from './budget.ts';
import { type Curves, record } from './curves.ts';
import type { Bench } from './experiment.ts';
import type { TrainedModel } from './judge.ts';

/** Seconds in milliseconds. */
export function milliseconds(seconds: number | null): number | null {
  return seconds === null ? null : 1000 * seconds;
}

/** A training of any model, without a folder. */
export interface Training {
  readonly label: string;
  /** The configuration for so many iterations, which its learning rate may follow. */
  readonly config: (iterations: number) => RunConfig;
  readonly data: Dataset;
  /** Fixed filters, for models that take them. */
  readonly filters?: Layer;
  readonly seed: number;
  readonly budget: Budget;
}

/** A model as it stands after some iterations. */
export interface ModelAt extends TrainedModel {
  readonly config: RunConfig;
  readonly iterations: number;
  /** Seconds of its steps by both clocks, without the first, which compile, and without what came between. */
  readonly seconds: Readonly<Record<Clock, number>>;
  /** Seconds of a step by both clocks; null before one was timed. */
  readonly pace: Readonly<Record<Clock, number | null>>;
  /** Metrics of all its iterations. */
  readonly curves: Curves;
}

/** A model at the end of its training; whoever asked for it disposes of the learner. */
export interface Trained extends ModelAt {
  /** Why it ended early; empty when it did not. */
  readonly stopped: string;
}

/** Something to do on the way, and how often, evenly over the iterations; the last time at the end. */
export interface Looks {
  readonly count: number;
  readonly look: (at: ModelAt) => Promise<void>;
}

/** Iterations that compile, and those after them whose time says how many there will be. */
const COMPILING = 5;
const TIMED = 8;

/** Seconds that steps are timed for, at most a tenth of the budget: the engine makes its own code faster while the first thousands of calls go by. */
const TIMING_SECONDS = 1;

/** Seconds that went by on both clocks. Processor time is that of all threads, so it is divided by their number. */
export function stopwatch(threads: number): () => Record<Clock, number> {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { wall: (performance.now() - wall) / 1000, cpu: (user + system) / 1e6 / threads };
  };
}

/** Why a model that was trained has no samples, for its row of a table. @throws what is no failure of a solver */
export function noSamples(error: unknown): string {
  if (error instanceof SolverError) return `no samples: ${error.reason}`;
  throw error;
}

/** Steps of a training, and the time they took. */
class Course {
  readonly #training: Training;
  readonly #bench: Bench;
  readonly #config: RunConfig;
  readonly #learner: Learner;
  readonly #curves: Curves = {};
  readonly #seconds = { wall: 0, cpu: 0 };
  #state: Tree<NDArray> = {};
  #done = 0;
  #seen = 0;

  constructor(training: Training, bench: Bench, iterations: number) {
    this.#training = training;
    this.#bench = bench;
    this.#config = training.config(iterations);
    const { model } = this.#config;
    this.#learner = createLearner(bench.runtime, model, this.#config, training.data.itemShape, training.filters);
  }

  at(): ModelAt {
    const timed = this.#done - COMPILING;
    const pace = (clock: Clock): number | null => (timed > 0 ? this.#seconds[clock] / timed : null);
    return {
      learner: this.#learner,
      state: this.#state,
      // Every look has the same draws, so that looks differ by the model alone.
      stream: createStream(this.#training.seed).split('samples'),
      config: this.#config,
      iterations: this.#done,
      seconds: { ...this.#seconds },
      pace: { wall: pace('wall'), cpu: pace('cpu') },
      curves: this.#curves,
    };
  }

  /**
   * @param limit tells by the seconds that went by whether time is up
   * @returns null when the user stopped it; the learner is disposed of then
   */
  async run(
    iterations: number,
    limit: (seconds: ModelAt['seconds']) => boolean,
    looks?: Looks,
  ): Promise<Trained | null> {
    const [{ data, seed, label }, { task, stop, threads }, learner] = [this.#training, this.#bench, this.#learner];
    const stream = createStream(seed);
    const order = batchIndices(stream.split('order'), data.size, this.#config.batchSize);
    const [draw, augment] = [stream.split('draw'), stream.split('augment')];
    const every = looks === undefined ? Infinity : Math.max(1, Math.ceil(iterations / looks.count));
    task.start(label, iterations, 'iterations');
    try {
      this.#state = await learner.init(stream.split('init'), data);
      while (this.#done < iterations && !limit(this.#seconds)) {
        if (stop.aborted) {
          await learner.dispose();
          return null;
        }
        const batch = await data.batch(order.indicesAt(this.#done), augment.split(this.#done));
        const spent = stopwatch(threads);
        const [next, metrics] = await learner.step(this.#state, batch, draw);
        this.#state = next;
        this.#done += 1;
        this.#count(spent());
        record(this.#curves, metrics);
        task.update(this.#done);
        if (this.#done % every === 0) await this.#look(looks);
      }
      await this.#look(looks);
      return { ...this.at(), stopped: '' };
    } catch (error) {
      if (error instanceof NonFiniteError)
        return { ...this.at(), stopped: `not finite in iteration ${this.#done + 1}` };
      if (error instanceof SolverError) return { ...this.at(), stopped: noSamples(error) };
      await learner.dispose();
      throw error;
    } finally {
      task.stop();
    }
  }

  /** Looks, unless it has seen this iteration: time may end a training right after a look. */
  async #look(looks: Looks | undefined): Promise<void> {
    if (looks === undefined || this.#seen === this.#done) return;
    this.#seen = this.#done;
    await looks.look(this.at());
  }

  #count(spent: ModelAt['seconds']): void {
    if (this.#done <= COMPILING) return;
    this.#seconds.wall += spent.wall;
    this.#seconds.cpu += spent.cpu;
  }
}

/** Seconds of a step of a learner that is thrown away; undefined when numbers were not finite, null when the user stopped it. */
async function paceOf(
  training: Training,
  bench: Bench,
  clock: Clock,
  iterations: number,
): Promise<number | null | undefined> {
  const course = new Course({ ...training, label: `${training.label}, timing` }, bench, iterations);
  const end = await course.run(iterations, () => false);
  if (end === null) return null;
  await end.learner.dispose();
  return end.stopped === '' ? (end.pace[clock] ?? undefined) : undefined;
}

/**
 * Trains a model for a number of iterations or for a time, as `brownian train` does. For a time, a few iterations of another learner tell how many
 * will fit, so that schedules of the learning rate end with it; where they are over at once, more of them do. Ends early, with word of it, when
 * numbers stop being finite or a look finds that the flow of a model cannot be followed.
 *
 * @returns null when the user stopped it
 */
export async function train(training: Training, bench: Bench, looks?: Looks): Promise<Trained | null> {
  const { budget } = training;
  if ('iterations' in budget)
    return await new Course(training, bench, budget.iterations).run(budget.iterations, () => false, looks);
  const { clock, seconds } = budget;
  let pace = await paceOf(training, bench, clock, COMPILING + TIMED);
  const enough = Math.min(TIMING_SECONDS, seconds / 10);
  if (pace && TIMED * pace < enough) pace = await paceOf(training, bench, clock, COMPILING + Math.ceil(enough / pace));
  if (pace === null) return null;
  // Numbers that are not finite at once will not be the second time either.
  const iterations = COMPILING + (pace === undefined ? TIMED : Math.max(1, Math.round(seconds / pace)));
  return await new Course(training, bench, iterations).run(iterations, (spent) => spent[clock] >= seconds, looks);
}
