import { type NDArray, type Tensor, float32Data, ndarray } from '@brownian/graph';
import type { Compiled, Runtime, Stream } from '@brownian/runtime';
import type { ExportedFunction, Moment, Params, Potential, SymbolicParams } from '../interfaces.ts';
import { type Held, type Sampler, langevin } from '../samplers/langevin.ts';
import { takeRows } from '../samplers/replay-buffer.ts';
import { merge } from '../data/masked.ts';
import { block } from './columns.ts';
import { generalizedExports } from './generalized-exports.ts';
import type { GeneralizedModel, GeneralizedState, ItemLatents } from './generalized-model.ts';
import { drawPlaces, drawPlacesOf } from './hidden.ts';
import { checkLabels, givenLabels, takeIntegers } from './labels.ts';
import { maskedLatents } from './masked.ts';
import type { LangevinOptions } from './options.ts';
import { parameterCheck } from './parameter-shapes.ts';
import { follow } from './trajectory.ts';

/** Items that are generated at once. */
const CHUNK = 250;

type Generate = Compiled<[SymbolicParams, Tensor, readonly Tensor[]], Tensor>;

/** What a generalised model makes: items of its generator, and samples, which Langevin dynamics has refined. */
export class GeneralizedSamples {
  readonly #model: GeneralizedModel;
  readonly #runtime: Runtime;
  readonly #generate: Generate;
  readonly #checkGenerator: (params: Params, draw: Stream) => void;

  constructor(runtime: Runtime, model: GeneralizedModel) {
    this.#model = model;
    this.#runtime = runtime;
    this.#generate = this.#compiled([]);
    this.#checkGenerator = parameterCheck(model, (key) => model.generator.net.init(key));
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

  /** Latents that belong to items, if samples begin at some: learned rows, or latents of data. */
  #ofItems(state: ItemLatents): { rows: NDArray; labels: NDArray | undefined } | undefined {
    if (this.#model.hidden.sampling === 'rows' && state.hidden)
      return { rows: state.hidden, labels: state.hiddenLabels };
    return state.latents && { rows: state.latents, labels: state.latentLabels };
  }

  /**
   * Latents to draw samples from, N(0, I) or those of items, and for conditional models their labels: those that were asked for, or evenly drawn. A latent
   * of an item goes with no label but the item's.
   */
  latents(n: number, state: ItemLatents, draw: Stream, asked?: NDArray): { hidden: NDArray; labels?: NDArray } {
    const { hidden, generator, name } = this.#model;
    const items = this.#ofItems(state);
    if (items?.labels !== undefined) {
      const places = drawPlacesOf(items.labels, n, draw, asked);
      return { hidden: takeRows(items.rows, places), labels: takeIntegers(items.labels, places) };
    }
    if (items !== undefined && asked !== undefined)
      throw new RangeError(
        `${name}: this state was saved by an earlier version, which did not keep the labels of latents; train anew to ask for samples by label.`,
      );
    const places = items && drawPlaces(items.rows.shape[0] as number, n, draw);
    const drawn = items && places ? takeRows(items.rows, places) : draw.normal([n, hidden.dim]);
    const { classes } = generator.net;
    return classes === 0 ? { hidden: drawn } : { hidden: drawn, labels: asked ?? draw.integers([n], 0, classes) };
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
    const params = state.generatorAverage ?? state.generator;
    this.#checkGenerator(params, draw);
    const { hidden, labels } = this.latents(n, state, draw, asked);
    const generate = this.#compiled([0]);
    try {
      const x = await this.decode(params, hidden, labels, generate);
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
