import type { NDArray } from '@brownian/graph';
import { NonFiniteError, type Runtime, type Stream, createStream } from '@brownian/runtime';
import {
  type AdversarialState,
  type Dataset,
  type Learner,
  type Metrics,
  type ModelName,
  adversarialLearner,
  adversarialModel,
  batchIndices,
} from 'brownian';
import { type RunConfigOf, inFamily } from '../config/run-config.ts';
import { type Settings, mergeSettings, resolveConfig } from '../config/settings.ts';
import type { Bench, CellPicture, Measured } from './experiment.ts';

/** A generator as it stands at some iteration. */
export interface GeneratorAt {
  readonly config: RunConfigOf<'adversarial'>;
  readonly learner: Learner<AdversarialState>;
  readonly state: AdversarialState;
  readonly runtime: Runtime;
  /** The same at every look, so that looks differ by the model alone. */
  readonly stream: Stream;
}

/** Numbers by name. */
export type Numbers = Readonly<Record<string, number | null>>;

/** A training of an adversarial model that is looked at from time to time. */
export interface GeneratorTrial {
  readonly label: string;
  readonly model: ModelName<'adversarial'>;
  /** Options that differ from the model's defaults. */
  readonly settings: Settings;
  readonly data: Dataset;
  readonly iterations: number;
  readonly seed: number;
  /** How often it is looked at, evenly over the iterations. */
  readonly looks: number;
  /** What is measured at a look; the last one's numbers are those of the cell. */
  readonly look: (at: GeneratorAt) => Promise<Numbers>;
  /** Pictures of the trained model, and of what was seen at the looks. */
  readonly draw: (at: GeneratorAt, frames: readonly NDArray[]) => Promise<readonly CellPicture[]>;
}

/** Means of metrics between two looks. */
class Means {
  #sums: Record<string, number> = {};
  #count = 0;

  add(metrics: Metrics): void {
    for (const [name, value] of Object.entries(metrics)) this.#sums[name] = (this.#sums[name] ?? 0) + value;
    this.#count += 1;
  }

  take(): Numbers {
    const means = Object.entries(this.#sums).map(([name, sum]) => [name, sum / this.#count] as const);
    [this.#sums, this.#count] = [{}, 0];
    return Object.fromEntries(means);
  }
}

/** Options of a trial, completed and checked. @throws UserError when they contradict each other */
export function generatorConfig({
  model,
  settings,
  data,
  iterations,
  seed,
}: Pick<GeneratorTrial, 'model' | 'settings' | 'data' | 'iterations' | 'seed'>): RunConfigOf<'adversarial'> {
  const config = resolveConfig(mergeSettings({ data: data.name, model, iterations, seed }, settings), data);
  if (!inFamily(config, 'adversarial')) throw new TypeError(`${model} is an adversarial model.`);
  return config;
}

function finite(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(6));
}

/** Time that the threads of this process have computed: unlike the clock's it does not depend on what else the machine does. */
function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

class Training {
  readonly #trial: GeneratorTrial;
  readonly #bench: Bench;
  readonly #curves: Record<string, (number | null)[]> = {};
  readonly #frames: NDArray[] = [];
  #last: Numbers = {};

  constructor(trial: GeneratorTrial, bench: Bench) {
    this.#trial = trial;
    this.#bench = bench;
  }

  /** Looks, and keeps what is seen under the iteration; a number that was not there at earlier looks begins with gaps. */
  async #see(at: GeneratorAt, iteration: number, means: Numbers): Promise<void> {
    this.#last = await this.#trial.look(at);
    this.#frames.push(at.learner.particles(at.state));
    const before = this.#curves['iteration']?.length ?? 0;
    for (const [name, value] of Object.entries({ iteration, ...means, ...this.#last }))
      (this.#curves[name] ??= Array<number | null>(before).fill(null)).push(finite(value));
  }

  async run(learner: Learner<AdversarialState>, config: RunConfigOf<'adversarial'>): Promise<Measured | null> {
    const [trial, bench] = [this.#trial, this.#bench];
    const { data, iterations, looks, seed } = trial;
    const key = createStream(seed);
    const order = batchIndices(key.split('order'), data.size, config.batchSize);
    const draw = key.split('draw');
    let state = await learner.init(key.split('init'), data);
    const at = (): GeneratorAt => ({ config, learner, state, runtime: bench.runtime, stream: key.split('look') });
    const every = Math.max(1, Math.ceil(iterations / looks));
    const means = new Means();
    let [note, training, processor] = ['', 0, 0];
    this.#frames.push(learner.particles(state));
    bench.task.start(trial.label, iterations, 'iterations');
    for (let i = 1; i <= iterations; i++) {
      if (bench.stop.aborted) return null;
      const batch = await data.batch(order.indicesAt(i - 1));
      const [before, used] = [performance.now(), processorSeconds()];
      try {
        const [next, metrics] = await learner.step(state, batch, draw);
        state = next;
        means.add(metrics);
      } catch (error) {
        if (!(error instanceof NonFiniteError)) throw error;
        note = `not finite in iteration ${i}`;
        break;
      }
      training += performance.now() - before;
      processor += processorSeconds() - used;
      if (i % every === 0 || i === iterations) {
        bench.task.update(i);
        await this.#see(at(), i, means.take());
      }
    }
    const measures = {
      ...this.#last,
      trainingSeconds: finite(training / 1000),
      processorSeconds: finite(processor),
    };
    return { measures, curves: this.#curves, note, pictures: await trial.draw(at(), this.#frames) };
  }
}

/**
 * Trains a generator, looks at it from time to time, and draws it at the end. Ends early, with word of it, when numbers stop being finite.
 *
 * @returns null when it was stopped by the user
 */
export async function runGeneratorTrial(trial: GeneratorTrial, bench: Bench): Promise<Measured | null> {
  const config = generatorConfig(trial);
  const learner = adversarialLearner(bench.runtime, adversarialModel(trial.model, config, trial.data.itemShape));
  try {
    return await new Training(trial, bench).run(learner, config);
  } finally {
    bench.task.stop();
    await learner.dispose();
  }
}

/** Features that a model's discriminator gives to items, `[n, ...item]` → `[n, features]`. @throws RangeError for a model without one */
export async function featuresOf({ config, state, runtime, learner }: GeneratorAt, x: NDArray): Promise<NDArray> {
  const { discriminator } = adversarialModel(config.model, config, x.shape.slice(1));
  if (discriminator === undefined || state.discriminator === undefined)
    throw new RangeError(`${learner.name} has no discriminator, so its items have no features.`);
  const compiled = runtime.compile(discriminator.net.apply.bind(discriminator.net), { name: 'features' });
  try {
    return await compiled(state.discriminator, x);
  } finally {
    await compiled.dispose();
  }
}
