import type { NDArray, Tree } from '@brownian/graph';
import { NonFiniteError, type Stream } from '@brownian/runtime';
import type { Batch, BatchOrder, Dataset, Learner, Metrics } from 'brownian';
import type { RunConfig } from './config/run-config.ts';
import { type Symptom, type Watch, isCalm, observe, particleSpread } from './divergence.ts';
import { type LookAhead, lookAhead } from './data/look-ahead.ts';
import { UserError } from './errors.ts';
import type { Progress } from './progress.ts';
import { explainDivergence } from './remedies/remedies.ts';
import type { Checkpoint, TimeSpent } from './runs/checkpoint.ts';
import type { MetricsRecord, RunEvent } from './runs/database.ts';
import { configHash } from './runs/run.ts';

/** Where a loop leaves its results: the run's folder, or memory in tests. */
export interface RunStore {
  appendMetrics(records: readonly MetricsRecord[]): void;
  addEvent(kind: RunEvent['kind'], iteration: number, message: string): void;
  writeCheckpoint(checkpoint: Checkpoint): Promise<void>;
  /** Draws particles as they stand after an iteration. */
  writeGrid(iteration: number, particles: NDArray): Promise<void>;
  /**
   * Forgets everything after the newest good checkpoint that was due.
   *
   * @returns that checkpoint, or undefined when there is none and the run begins again.
   */
  rollBack(isGood: (checkpoint: Checkpoint) => boolean): Promise<Checkpoint | undefined>;
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
  /** The last state that was finite. */
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

/** All that the next iteration depends on. */
interface Position {
  readonly iteration: number;
  readonly state: Tree<NDArray>;
  readonly watch: Watch;
}

class Loop {
  readonly #training: Training;
  readonly #hash: string;
  readonly #now: () => number;
  readonly #began: number;
  readonly #before: number;
  #stepping: number;
  readonly #batches: LookAhead<Batch>;
  #draw: Stream;
  #rollbacks: number;
  #saved = -1;
  /** The iteration that a rollback would go to; 0 is the beginning. */
  #good = 0;
  #pending: MetricsRecord[] = [];
  #flushed = 0;

  constructor(training: Training) {
    const { config, data, from, order, stream, now } = training;
    this.#training = training;
    this.#hash = configHash(config);
    this.#now = now ?? ((): number => performance.now());
    this.#began = this.#now();
    this.#before = from?.seconds.total ?? 0;
    this.#stepping = from?.seconds.training ?? 0;
    this.#rollbacks = from?.rollbacks ?? 0;
    this.#draw = stream.split('draw');
    const augment = stream.split('augment');
    // Random changes to a batch are drawn from a stream of its own, so it is the same batch whoever asks for it, and when.
    this.#batches = lookAhead((i) => data.batch(order.indicesAt(i), augment.split(i)), LOOK_AHEAD, config.iterations);
  }

  #spent(): TimeSpent {
    return { training: this.#stepping, total: this.#before + (this.#now() - this.#began) / 1000 };
  }

  #flush(): void {
    if (this.#pending.length > 0) this.#training.store.appendMetrics(this.#pending);
    [this.#pending, this.#flushed] = [[], this.#spent().total];
  }

  /** The position of a checkpoint, or of the beginning; the draws go on from there. */
  async #place(from: Checkpoint | undefined): Promise<Position> {
    const { learner, stream, data } = this.#training;
    this.#saved = from?.iteration ?? -1;
    if (from === undefined) {
      this.#good = 0;
      return { iteration: 0, state: await learner.init(stream.split('init'), data), watch: {} };
    }
    this.#draw.restore(from.stream);
    this.#noteGood(from.iteration, from.watch);
    return { iteration: from.iteration, state: from.state, watch: from.watch };
  }

  async #save({ iteration, state, watch }: Position): Promise<void> {
    this.#flush();
    await this.#training.store.writeCheckpoint({
      iteration,
      state,
      stream: this.#draw.state(),
      seconds: this.#spent(),
      watch,
      rollbacks: this.#rollbacks,
      configHash: this.#hash,
    });
    this.#saved = iteration;
    this.#noteGood(iteration, watch);
  }

  #noteGood(iteration: number, watch: Watch): void {
    if (isCalm(watch) && iteration % this.#training.config.checkpointEvery === 0) this.#good = iteration;
  }

  /** One iteration: the position after it, or what went wrong. */
  async #advance(at: Position): Promise<[next: Position, symptom: Symptom | undefined]> {
    const { config, learner, progress, store } = this.#training;
    const before = this.#now();
    const batch = await this.#batches.take(at.iteration);
    const stepped = await finiteStep(learner, at.state, batch, this.#draw);
    if ('kind' in stepped) return [at, stepped];
    this.#stepping += (this.#now() - before) / 1000;
    const [state, measured] = stepped;
    const spread = particleSpread(learner.particles(state), batch.x);
    const metrics = spread === undefined ? measured : { ...measured, particleSpread: spread };
    const [watch, symptom] = observe(at.watch, metrics);
    if (symptom?.kind === 'not finite') return [at, symptom];
    const iteration = at.iteration + 1;
    const { total } = this.#spent();
    this.#pending.push({ iteration, seconds: round(total), metrics });
    progress.update({ iteration, seconds: total, metrics });
    if (total - this.#flushed >= FLUSH_SECONDS) this.#flush();
    if (isGridIteration(iteration, config.gridEvery)) await store.writeGrid(iteration, learner.particles(state));
    return [{ iteration, state, watch }, symptom];
  }

  /** Goes back to the last good checkpoint, and on from there with a stream that no earlier attempt has drawn from. */
  async #rollBack({ seen }: Symptom, iteration: number): Promise<Position> {
    const { config, progress, store, stream } = this.#training;
    this.#pending = [];
    const target = await store.rollBack((checkpoint) => isCalm(checkpoint.watch));
    const at = await this.#place(target);
    this.#rollbacks += 1;
    this.#draw = stream.split(`draw after rollback ${this.#rollbacks}`);
    const which = `rollback ${this.#rollbacks} of at most ${config.rollbacks}`;
    const message = `Diverged in iteration ${iteration} (${seen}): back to iteration ${at.iteration} with other noise, ${which}.`;
    store.addEvent('rolled back', at.iteration, message);
    progress.note(message);
    return at;
  }

  #end(status: Outcome['status'], { iteration, state }: Position, message: string | null = null): Outcome {
    this.#training.progress.stop();
    return { status, iteration, state, seconds: this.#spent(), message };
  }

  /** Ends in good order, with a checkpoint. */
  async #conclude(status: Outcome['status'], at: Position): Promise<Outcome> {
    if (this.#saved !== at.iteration) await this.#save(at);
    return this.#end(status, at);
  }

  async run(): Promise<Outcome> {
    const { config, from, learner, progress, stop, store } = this.#training;
    let at = await this.#place(from);
    progress.start(config, { iteration: at.iteration, seconds: this.#spent().total });
    if (from === undefined) await store.writeGrid(0, learner.particles(at.state));
    while (at.iteration < config.iterations) {
      if (stop.aborted) return await this.#conclude('interrupted', at);
      if (config.minutes !== null && this.#spent().total >= config.minutes * 60)
        return await this.#conclude('out of time', at);
      const [next, symptom] = await this.#advance(at);
      if (symptom === undefined) {
        at = next;
        if (at.iteration % config.checkpointEvery === 0) await this.#save(at);
        continue;
      }
      // An iteration that gave nothing finite has no position of its own.
      const iteration = Math.max(next.iteration, at.iteration + 1);
      if (config.onDivergence === 'rollback' && this.#rollbacks < config.rollbacks) {
        at = await this.#rollBack(symptom, iteration);
        continue;
      }
      this.#flush();
      const facts = { iteration, rollbacks: this.#rollbacks, good: this.#good };
      return this.#end('diverged', next, explainDivergence(symptom, config, facts));
    }
    return await this.#conclude('finished', at);
  }
}

/**
 * Trains until the iterations or the minutes of the configuration are used up, the user stops it, or it diverges. Given the
 * same configuration it computes the same numbers, whether it runs through or is stopped and resumed.
 *
 * @throws UserError when something cannot be written.
 */
export async function train(training: Training): Promise<Outcome> {
  return await new Loop(training).run();
}

/** A step, with divergence as a value. */
async function finiteStep(
  learner: Learner,
  state: Tree<NDArray>,
  batch: Batch,
  draw: Stream,
): Promise<[state: Tree<NDArray>, metrics: Metrics] | Symptom> {
  try {
    return await learner.step(state, batch, draw);
  } catch (error) {
    if (error instanceof NonFiniteError) return { kind: 'not finite', seen: error.message.replace(/[.\s]+$/, '') };
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
