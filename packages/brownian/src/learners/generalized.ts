import { type NDArray, ShapeError, type Tensor, ndarray } from '@brownian/graph';
import type { Compiled, Runtime, Stream } from '@brownian/runtime';
import type {
  Batch,
  Dataset,
  ExportedFunction,
  LatentView,
  Learner,
  Metrics,
  Moment,
  Params,
  SymbolicParams,
} from '../interfaces.ts';
import { type Sampler, driftScale, langevin } from '../samplers/langevin.ts';
import { putRows } from '../samplers/replay-buffer.ts';
import { type UpdateArguments, type UpdateResult, descriptiveUpdate, noisyData } from './descriptive-update.ts';
import type { GeneralizedLearner, GeneralizedModel, GeneralizedState, ItemLatents } from './generalized-model.ts';
import { GeneralizedSamples } from './generalized-samples.ts';
import { type GeneratorLatents, generatorLatents } from './generator-latents.ts';
import { type GeneratorUpdateArguments, type GeneratorUpdateResult, generatorUpdate } from './generator-update.ts';
import { hiddenRows, itemLabels, keptLatents } from './hidden.ts';
import { checkItemShape } from './item-shape.ts';
import { latentsFor, takeLatents } from './chain-latents.ts';
import { type Chains, drawMixture, putChains, takeChains } from './replay.ts';
import { marginalPotential, takeIntegers } from './labels.ts';
import { numbers } from './trajectory.ts';

class SymmetricLearner implements Learner<GeneralizedState> {
  readonly name: string;
  readonly #model: GeneralizedModel;
  readonly #sampler: Sampler;
  readonly #samples: GeneralizedSamples;
  readonly #updateSynthesizer: Compiled<UpdateArguments, UpdateResult>;
  readonly #updateGenerator: Compiled<GeneratorUpdateArguments, GeneratorUpdateResult>;
  readonly #value: Compiled<[SymbolicParams, Tensor], Tensor>;
  readonly #latents: GeneratorLatents;
  readonly classes?: number;
  readonly latent?: LatentView<GeneralizedState>;
  readonly complete?: NonNullable<GeneralizedLearner['complete']>;
  readonly inpaint?: NonNullable<GeneralizedLearner['inpaint']>;

  constructor(runtime: Runtime, model: GeneralizedModel) {
    const { name, potential, generator, hidden, ema } = model;
    this.name = name;
    this.#model = model;
    this.#sampler = langevin(runtime, potential, model.langevin);
    this.#samples = new GeneralizedSamples(runtime, model);
    this.#updateSynthesizer = runtime.compile(descriptiveUpdate(model), { name: `${name} synthesizer update` });
    const update = { ...generator, potential, ema, scale: driftScale(model.langevin) };
    this.#updateGenerator = runtime.compile(generatorUpdate({ ...update, hidden: hidden.learned ? hidden : null }), {
      name: `${name} generator update`,
    });
    const unlabelled = marginalPotential(potential, generator.net.classes);
    this.#value = runtime.compile((params: SymbolicParams, x: Tensor) => unlabelled.apply(params, x), {
      name: `${name} potential`,
    });
    this.#latents = generatorLatents(runtime, name, generator.net);
    if (generator.net.classes > 0) this.classes = generator.net.classes;
    else {
      // Φ of a conditional model moves an item by its label.
      this.inpaint = async (state, x, ...rest) => {
        checkItemShape(this.#model, x.shape.slice(1), 'what is to be inpainted');
        return await this.#samples.inpaint(state, x, ...rest);
      };
    }
    if (hidden.start === 'masked')
      this.complete = async (state, x, known) => {
        checkItemShape(this.#model, x.shape.slice(1), 'what is to be inpainted');
        return await this.#samples.complete(state, x, known);
      };
    // The law of latents that come from data is known only to a state.
    if (hidden.start === 'normal')
      this.latent = this.#latents.view((state: GeneralizedState) => state.generatorAverage ?? state.generator);
  }

  /** New chains at latents of the start, for the first particles and the buffer. */
  async #fill(generator: Params, n: number, state: ItemLatents, draw: Stream): Promise<Chains> {
    if (state.hidden === undefined) {
      const latents = this.#samples.latents(n, state, draw);
      return { images: await this.#samples.decode(generator, latents.hidden, latents.labels), ...latents };
    }
    const items = draw.integers([n], 0, state.hidden.shape[0] as number);
    const labels = state.hiddenLabels && takeIntegers(state.hiddenLabels, items.data as Int32Array);
    const images = await this.#samples.decode(generator, takeLatents(state.hidden, items), labels);
    return { images, items, ...(labels && { labels }) };
  }

  /** Latents that belong to items of the data, with the labels of these. */
  async #latentsOfItems(key: Stream, data: Dataset): Promise<ItemLatents> {
    const { start, dim, learned } = this.#model.hidden;
    const ofItems = learned || start !== 'normal';
    const labels = ofItems && this.classes !== undefined ? await itemLabels(data) : undefined;
    const kept = start === 'normal' ? undefined : await keptLatents(start, dim, data, key.split('latents'), labels);
    return {
      ...(learned && { hidden: await hiddenRows(start, dim, data, key.split('hidden')) }),
      ...(learned && labels && { hiddenLabels: labels }),
      ...(kept && { latents: kept.latents }),
      ...(kept && labels && { latentLabels: takeIntegers(labels, kept.items) }),
    };
  }

  async init(key: Stream, data: Dataset): Promise<GeneralizedState> {
    checkItemShape(this.#model, data.itemShape, `the data set "${data.name}"`);
    const { potential, optimizer, generator, chains, ema } = this.#model;
    const params = potential.init(key.split('params'));
    const xi = generator.net.init(key.split('generator'));
    const latents = await this.#latentsOfItems(key, data);
    const { images, labels } = await this.#fill(xi, chains.particles, latents, key.split('particles'));
    return {
      params,
      optimizer: optimizer.init(params),
      generator: xi,
      generatorOptimizer: generator.optimizer.init(xi),
      ...(ema > 0 && { average: params, generatorAverage: xi }),
      particles: images,
      ...(labels && { labels }),
      ...latents,
      ...(chains.fresh < 1 && { replay: await this.#fill(xi, chains.bufferSize, latents, key.split('replay')) }),
      iteration: ndarray(0, []),
    };
  }

  #checkBatch({ x, labels, indices }: Batch): void {
    const { generator, hidden } = this.#model;
    checkItemShape(this.#model, x.shape.slice(1), 'the batch');
    if (x.shape[0] === 0) throw new ShapeError(`${this.name}: the batch is empty; a step needs at least one item.`);
    if (generator.net.classes > 0 && labels === undefined)
      throw new TypeError(`${this.name}: the model is conditional on labels, and the batch has none.`);
    if (hidden.learned && indices === undefined)
      throw new TypeError(`${this.name}: hidden rows belong to items, and the batch does not say which items it has.`);
  }

  /** The latents that chains began at: as they were drawn, or the rows of their items as they are now. */
  #hiddenOf(state: GeneralizedState, { hidden, items }: Omit<Chains, 'images'>): NDArray {
    return hidden ?? takeLatents(state.hidden as NDArray, items as NDArray);
  }

  /**
   * Where this iteration's chains begin (Algorithm 2, lines 1-3), the rows of the buffer they go back to, and the images that their latents were
   * masked from.
   */
  async #begin(
    state: GeneralizedState,
    batch: Batch,
    draw: Stream,
  ): Promise<{ chains: Chains; rows?: Int32Array; originals?: NDArray }> {
    const { bufferSize, particles, fresh: share } = this.#model.chains;
    const { latents, originals } = latentsFor(this.#model, state, batch, draw);
    if (state.replay === undefined) {
      const images = await this.#samples.decode(state.generator, this.#hiddenOf(state, latents), latents.labels);
      return { chains: { images, ...latents }, ...(originals && { originals }) };
    }
    const { rows, fresh } = drawMixture(bufferSize, particles, share, draw);
    const kept = takeChains(state.replay, rows);
    if (fresh.length === 0) return { chains: kept, rows };
    const begun = takeChains({ images: kept.images, ...latents }, fresh);
    const images = await this.#samples.decode(state.generator, this.#hiddenOf(state, begun), begun.labels);
    return { chains: putChains(kept, fresh, { ...begun, images }), rows };
  }

  /** The generator's turn, if it is one: its state, hidden rows and metrics. */
  async #learn(
    state: GeneralizedState,
    theta: Params,
    chains: Chains,
    originals: NDArray | undefined,
  ): Promise<
    [next: Pick<GeneralizedState, 'generator' | 'generatorOptimizer' | 'generatorAverage' | 'hidden'>, metrics: Metrics]
  > {
    const { generator, generatorOptimizer, generatorAverage, hidden } = state;
    const kept = {
      generator,
      generatorOptimizer,
      ...(generatorAverage && { generatorAverage }),
      ...(hidden && { hidden }),
    };
    if ((Number(state.iteration.data[0]) + 1) % this.#model.generator.every !== 0) return [kept, {}];
    const at = {
      hidden: this.#hiddenOf(state, chains),
      target: chains.images,
      ...(originals && { original: originals }),
      ...(chains.labels && { labels: chains.labels }),
    };
    const updated = await this.#updateGenerator(generator, generatorOptimizer, generatorAverage ?? [], theta, at);
    const [rows] = updated.hidden;
    const next = {
      generator: updated.params,
      generatorOptimizer: updated.optimizer,
      ...(generatorAverage && { generatorAverage: updated.average }),
      ...(hidden && chains.items && rows && { hidden: putRows(hidden, chains.items.data as Int32Array, rows) }),
    };
    return [next, numbers(updated.metrics)];
  }

  async step(state: GeneralizedState, batch: Batch, draw: Stream): Promise<[GeneralizedState, Metrics]> {
    this.#checkBatch(batch);
    const { langevin: options, dataNoise } = this.#model;
    const { chains, rows, originals } = await this.#begin(state, batch, draw);
    const start = this.#sampler.init(state.params, chains.images, chains.labels);
    const [{ x }, { gradientNorm }] = await this.#sampler.run(start, options.steps, draw);
    const labels = chains.labels &&
      state.labels && {
        labels: { data: batch.labels as NDArray, particles: chains.labels, previous: state.labels },
      };
    const gamma = ndarray(draw.next(), []);
    const data = noisyData(batch.x, dataNoise, options.clip, draw);
    const at = { data, particles: x, previous: state.particles, gamma, ...labels };
    const updated = await this.#updateSynthesizer(state.params, state.optimizer, state.average ?? [], at);
    const moved = { ...chains, images: x };
    const [generator, learned] = await this.#learn(state, updated.params, moved, originals);
    const next: GeneralizedState = {
      params: updated.params,
      optimizer: updated.optimizer,
      ...(state.average && { average: updated.average }),
      ...generator,
      particles: x,
      ...(chains.labels && { labels: chains.labels }),
      ...(state.latents && { latents: state.latents }),
      ...(state.hiddenLabels && { hiddenLabels: state.hiddenLabels }),
      ...(state.latentLabels && { latentLabels: state.latentLabels }),
      ...(state.replay && rows && { replay: putChains(state.replay, rows, moved) }),
      iteration: ndarray(Number(state.iteration.data[0]) + 1, []),
    };
    return [next, { ...numbers(updated.metrics), gradientNorm, ...learned }];
  }

  async sample(state: GeneralizedState, n: number, draw: Stream, labels?: NDArray): Promise<NDArray> {
    return await this.#samples.sample(state, n, draw, labels);
  }

  async trajectory(state: GeneralizedState, n: number, draw: Stream, moments: number): Promise<readonly Moment[]> {
    return await this.#samples.trajectory(state, n, draw, moments);
  }

  async potential(state: GeneralizedState, x: NDArray): Promise<NDArray> {
    checkItemShape(this.#model, x.shape.slice(1), 'what is scored');
    return await this.#value(state.average ?? state.params, x);
  }

  exports(state: GeneralizedState): readonly ExportedFunction[] {
    return this.#samples.exports(state);
  }

  particles(state: GeneralizedState): NDArray {
    return state.particles;
  }

  async dispose(): Promise<void> {
    await Promise.all([
      this.#sampler.dispose(),
      this.#samples.dispose(),
      this.#updateSynthesizer.dispose(),
      this.#updateGenerator.dispose(),
      this.#value.dispose(),
      this.#latents.dispose(),
    ]);
  }
}

/**
 * The symmetrical learning of generalised GCN (Algorithm 2): a generator puts particles at x = g(ζ), the sampler moves them to x̂ along the
 * synthesizer's ∇ₓΦ, the synthesizer learns from data and x̂ by its flow, and every n-th iteration the generator learns from the synthesizer, by
 * reconstruction of x̂ or amortised, and so do hidden rows if they are kept.
 */
export function generalizedLearner(runtime: Runtime, model: GeneralizedModel): GeneralizedLearner {
  return new SymmetricLearner(runtime, model);
}
