import { type NDArray, type Tensor, float32Data, ndarray } from '@brownian/graph';
import type { Compiled, Runtime, Stream } from '@brownian/runtime';
import type { ExportedFunction, Moment, Params, Potential, SymbolicParams } from '../interfaces.ts';
import { type Held, type Sampler, langevin } from '../samplers/langevin.ts';
import { merge } from '../data/masked.ts';
import { block } from './columns.ts';
import { generalizedExports } from './generalized-exports.ts';
import type { GeneralizedModel, GeneralizedState } from './generalized-model.ts';
import { drawRows } from './hidden.ts';
import { checkLabels, givenLabels, takeIntegers } from './labels.ts';
import { maskedLatents } from './masked.ts';
import type { LangevinOptions } from './options.ts';
import { follow } from './trajectory.ts';

/** Items that are generated at once. */
const CHUNK = 250;

type Generate = Compiled<[SymbolicParams, Tensor, readonly Tensor[]], Tensor>;

/** What a generalised model makes: items of its generator, and samples, which Langevin dynamics has refined. */
export class GeneralizedSamples {
  readonly #model: GeneralizedModel;
  readonly #runtime: Runtime;
  readonly #generate: Generate;

  constructor(runtime: Runtime, model: GeneralizedModel) {
    this.#model = model;
    this.#runtime = runtime;
    this.#generate = this.#compiled([]);
  }

  /** @param frozen positions of arguments that are built in */
  #compiled(frozen: readonly number[]): Generate {
    const { name, generator } = this.#model;
    return this.#runtime.compile(
      (params: SymbolicParams, z: Tensor, [labels]: readonly Tensor[]) => generator.net.apply(params, z, labels),
      { name: `${name} generator`, frozen },
    );
  }

  /**
   * Items from latents, in chunks, so that memory does not grow with their number.
   *
   * @param generate default: the one that is kept for training, whose parameters change
   */
  async decode(
    params: Params,
    hidden: NDArray,
    labels: NDArray | undefined,
    generate: Generate = this.#generate,
  ): Promise<NDArray> {
    const [n, dim] = hidden.shape as readonly [number, number];
    const { outputShape } = this.#model.generator.net;
    const size = outputShape.reduce((a, b) => a * b, 1);
    const data = new Float32Array(n * size);
    for (let from = 0; from < n; from += CHUNK) {
      const end = Math.min(n, from + CHUNK);
      const z = block(hidden, [from, end], 0, dim);
      const y =
        labels &&
        takeIntegers(
          labels,
          Array.from({ length: end - from }, (_, i) => from + i),
        );
      data.set(float32Data(await generate(params, z, y ? [y] : [])), from * size);
    }
    return ndarray(data, [n, ...outputShape]);
  }

  /** Labels, evenly drawn, of conditional models. */
  labels(n: number, draw: Stream): { labels?: NDArray } {
    const { classes } = this.#model.generator.net;
    return classes === 0 ? {} : { labels: draw.integers([n], 0, classes) };
  }

  /** Latents to draw samples from: N(0, I), learned rows, or latents of data. */
  latents(n: number, state: Pick<GeneralizedState, 'hidden' | 'latents'>, draw: Stream): NDArray {
    const { hidden } = this.#model;
    if (hidden.sampling === 'rows' && state.hidden) return drawRows(state.hidden, n, draw);
    return state.latents ? drawRows(state.latents, n, draw) : draw.normal([n, hidden.dim]);
  }

  /** Langevin dynamics as samples are drawn with, which may be at another temperature than training. */
  get #finalDynamics(): LangevinOptions {
    const { langevin: options, sampling } = this.#model;
    return { ...options, temperature: sampling.temperature ?? options.temperature };
  }

  /** Does something with a sampler of finished samples on Φ given their labels. */
  async #withSampler<T>(
    labels: NDArray | undefined,
    held: Held | undefined,
    use: (sampler: Sampler, potential: Potential) => Promise<T>,
  ): Promise<T> {
    const potential = givenLabels(this.#model.potential, labels);
    const sampler = langevin(this.#runtime, potential, this.#finalDynamics, { frozen: true, ...(held && { held }) });
    try {
      return await use(sampler, potential);
    } finally {
      await sampler.dispose();
    }
  }

  /** What the generator makes for new samples, and their labels. */
  async #begun(state: GeneralizedState, n: number, draw: Stream, asked?: NDArray): Promise<[NDArray, NDArray?]> {
    if (asked !== undefined)
      checkLabels({ name: this.#model.name, classes: this.#model.generator.net.classes }, asked, n);
    const hidden = this.latents(n, state, draw);
    const labels = asked ?? this.labels(n, draw).labels;
    const generate = this.#compiled([0]);
    try {
      const x = await this.decode(state.generatorAverage ?? state.generator, hidden, labels, generate);
      return labels ? [x, labels] : [x];
    } finally {
      await generate.dispose();
    }
  }

  async sample(state: GeneralizedState, n: number, draw: Stream, asked?: NDArray): Promise<NDArray> {
    const [x, labels] = await this.#begun(state, n, draw, asked);
    const { steps } = this.#model.sampling;
    if (steps === 0) return x;
    return await this.#withSampler(labels, undefined, async (sampler) => {
      const [end] = await sampler.run(sampler.init(state.average ?? state.params, x), steps, draw);
      return end.x;
    });
  }

  /** Masked images as the generator completes them, in one pass (generalised GCN, section 5.6). */
  async complete(state: GeneralizedState, x: NDArray, known: NDArray): Promise<NDArray> {
    return await this.decode(state.generatorAverage ?? state.generator, maskedLatents(x, known), undefined);
  }

  async trajectory(state: GeneralizedState, n: number, draw: Stream, moments: number): Promise<readonly Moment[]> {
    const [x, labels] = await this.#begun(state, n, draw);
    const { langevin: options, sampling } = this.#model;
    return await this.#withSampler(labels, undefined, async (sampler, potential) => {
      const way = { sampler, potential, langevin: options, params: state.average ?? state.params };
      return await follow(this.#runtime, way, x, { steps: sampling.steps, count: moments, draw });
    });
  }

  async inpaint(state: GeneralizedState, x: NDArray, known: NDArray, draw: Stream, from?: NDArray): Promise<NDArray> {
    const [start] = from === undefined ? await this.#begun(state, x.shape[0] as number, draw) : [from];
    const steps = Math.max(this.#model.sampling.steps, this.#model.langevin.steps);
    return await this.#withSampler(undefined, { x, known }, async (sampler) => {
      const begin = sampler.init(state.average ?? state.params, merge(x, known, start));
      const [end] = await sampler.run(begin, steps, draw);
      return end.x;
    });
  }

  exports(state: GeneralizedState): readonly ExportedFunction[] {
    const { potential, itemShape, generator, hidden } = this.#model;
    return generalizedExports({
      net: generator.net,
      start: hidden.start,
      generator: state.generatorAverage ?? state.generator,
      potential,
      params: state.average ?? state.params,
      itemShape,
      langevin: this.#finalDynamics,
    });
  }

  /** Frees compiled functions. */
  async dispose(): Promise<void> {
    await this.#generate.dispose();
  }
}
