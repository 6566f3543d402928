import {
  type NDArray,
  ShapeError,
  type Tensor,
  type Tree,
  clip,
  flatten,
  formatShape,
  mapTree,
  ndarray,
  sameShape,
} from '@brownian/graph';
import type { Compiled, Runtime, Stream } from '@brownian/runtime';
import type { Flow, FlowPoint } from '../flows/flow.ts';
import type { Batch, Dataset, Learner, Metrics, Moment, Params, Potential, SymbolicParams } from '../interfaces.ts';
import { responseDistance } from '../metrics/response-distance.ts';
import { averageParams } from '../optim/ema.ts';
import { globalNorm } from '../optim/scaling.ts';
import { type SymbolicState, type Transform, type TransformState, applyUpdates } from '../optim/transform.ts';
import { type Held, type Sampler, langevin } from '../samplers/langevin.ts';
import { chooseRows, putRows, takeRows } from '../samplers/replay-buffer.ts';
import { startParticles } from '../samplers/start.ts';
import { merge } from '../data/masked.ts';
import { descriptiveExports } from './descriptive-exports.ts';
import { checkLabels, givenLabels, takeIntegers } from './labels.ts';
import { potentialValues } from './potential-values.ts';
import type { ChainOptions, LangevinOptions, SamplingOptions } from './options.ts';
import { follow, meanEnergy, numbers } from './trajectory.ts';

/** What a descriptive model is made of. */
export interface DescriptiveModel {
  readonly name: string;
  /** Shape of one particle, such as `[1, 28, 28]`. */
  readonly itemShape: readonly number[];
  readonly potential: Potential;
  readonly flow: Flow;
  readonly optimizer: Transform;
  readonly langevin: LangevinOptions;
  readonly chains: ChainOptions;
  readonly sampling: SamplingOptions;
  /** Standard deviation of noise added to data; 0 adds none. */
  readonly dataNoise: number;
  /** Labels that Φ is conditional on; 0 or absent for none. */
  readonly classes?: number;
  /** Decay of the moving average of parameters that `sample` uses; 0 uses the parameters themselves. */
  readonly ema: number;
  /** Largest absolute value of a parameter after an update; null or absent leaves them free. */
  readonly weightClip?: number | null;
}

/** State of a descriptive learner. */
export type DescriptiveState = {
  readonly params: Params;
  readonly optimizer: TransformState;
  /** Moving average of the parameters, with `ema` above 0. */
  readonly average?: Params;
  /** Particles of the last iteration, which the JKO flow looks back at. `[particles, ...item]` */
  readonly particles: NDArray;
  /** Replay buffer, `[bufferSize, ...item]`, when chains are drawn from one. */
  readonly buffer?: NDArray;
  /** Labels of the particles and of the chains in the buffer, int32, for conditional models: a chain keeps its label. */
  readonly labels?: NDArray;
  readonly bufferLabels?: NDArray;
};

/** Particles, and their labels for conditional models. */
interface Labelled {
  readonly x: NDArray;
  readonly labels?: NDArray;
}

/** A learner whose particles may also be started from outside, as those of a grid are from the grid before. */
export interface DescriptiveLearner extends Learner<DescriptiveState> {
  /** One outer iteration that moves these particles, `[particles, ...item]`. */
  stepFrom(state: DescriptiveState, x: NDArray, batch: Batch, draw: Stream): Promise<[DescriptiveState, Metrics]>;
  /** Samples that begin at these particles. */
  sampleFrom(state: DescriptiveState, x: NDArray, draw: Stream): Promise<NDArray>;
  /** The way of these particles to samples, in at most so many looks. */
  trajectoryFrom(state: DescriptiveState, x: NDArray, draw: Stream, moments: number): Promise<Moment[]>;
}

/** Arguments of {@link descriptiveUpdate}'s function. */
export type UpdateArguments = [params: SymbolicParams, optimizer: SymbolicState, average: Tree<Tensor>, at: FlowPoint];
/** Its result. */
export type UpdateResult = {
  params: SymbolicParams;
  optimizer: SymbolicState;
  average: Tree<Tensor>;
  metrics: Record<string, Tensor>;
};

function clipped(params: SymbolicParams, largest: number | null): SymbolicParams {
  if (largest === null) return params;
  return mapTree<Tensor, Tensor, SymbolicParams>((leaf) => clip(leaf, -largest, largest), params);
}

/** One update of the parameters, as a function to be compiled: the flow, the optimizer, the average, the diagnostics. */
export function descriptiveUpdate({
  potential,
  flow,
  optimizer,
  ema,
  langevin: options,
  weightClip = null,
}: Pick<DescriptiveModel, 'potential' | 'flow' | 'optimizer' | 'ema' | 'langevin' | 'weightClip'>): (
  ...args: UpdateArguments
) => UpdateResult {
  return function update(params, optimizerState, average, at) {
    const { gradients, metrics } = flow.gradients(potential, params, at);
    const [updates, nextOptimizer] = optimizer.update(gradients, optimizerState, params);
    const next = clipped(applyUpdates(params, updates), weightClip);
    const distance = responseDistance(potential, params, at.particles, at.data);
    return {
      params: next,
      optimizer: nextOptimizer,
      average: ema > 0 ? averageParams(average, next, ema) : [],
      metrics: {
        ...metrics,
        parameterGradientNorm: globalNorm(gradients),
        ...(distance && { responseDistance: distance }),
        // Without a reference it is minus the potential.
        ...(options.reference && {
          energy: meanEnergy(potential.apply(params, at.particles).mean(), at.particles, options),
        }),
      },
    };
  };
}

function isEmpty(tree: unknown): boolean {
  return flatten(tree).leaves.length === 0;
}

/** Data with Gaussian noise of a standard deviation, within bounds. */
export function noisyData(x: NDArray, std: number, bounds: readonly [number, number] | null, draw: Stream): NDArray {
  if (std === 0) return x;
  const [low, high] = bounds ?? [-Infinity, Infinity];
  const noise = draw.normal(x.shape).data as Float32Array;
  return {
    ...x,
    data: (x.data as Float32Array).map((v, i) => Math.min(high, Math.max(low, v + std * (noise[i] as number)))),
  };
}

class LangevinLearner implements DescriptiveLearner {
  readonly name: string;
  readonly #model: DescriptiveModel;
  readonly #sampler: Sampler;
  readonly #runtime: Runtime;
  readonly #update: Compiled<UpdateArguments, UpdateResult>;
  // These are left out of a conditional model, whose Φ is of an item and a label.
  readonly potential?: NonNullable<DescriptiveLearner['potential']>;
  readonly inpaint?: NonNullable<DescriptiveLearner['inpaint']>;
  readonly exports?: NonNullable<DescriptiveLearner['exports']>;
  readonly classes?: number;

  constructor(runtime: Runtime, model: DescriptiveModel) {
    this.name = model.name;
    this.#model = model;
    this.#runtime = runtime;
    this.#sampler = langevin(runtime, model.potential, model.langevin);
    this.#update = runtime.compile(descriptiveUpdate(model), { name: `${model.name} update` });
    if (model.classes !== undefined && model.classes > 0) this.classes = model.classes;
    else {
      this.potential = async (state, x) => {
        this.#checkItems(x.shape.slice(1), 'what is scored');
        return potentialValues(runtime, model.potential, state.average ?? state.params, x);
      };
      this.inpaint = (...given) => this.#inpaint(...given);
      this.exports = (state) =>
        descriptiveExports({ ...model, params: state.average ?? state.params, langevin: this.#finalDynamics });
    }
  }

  #drawLabels(n: number, draw: Stream): NDArray | undefined {
    return this.classes === undefined ? undefined : draw.integers([n], 0, this.classes);
  }

  #start(count: number, draw: Stream): NDArray {
    const { chains, langevin: options, itemShape } = this.#model;
    return startParticles(chains, [count, ...itemShape], options.sigma, draw);
  }

  /** Broadcasting and convolutions would take items of some other shapes too, and learn something else. */
  #checkItems(shape: readonly number[], what: string): void {
    const { itemShape } = this.#model;
    if (!sameShape(shape, itemShape))
      throw new ShapeError(
        `${this.name}: ${what} has items of shape ${formatShape(shape)}, the model takes ${formatShape(itemShape)}.`,
      );
  }

  async init(key: Stream, data: Dataset): Promise<DescriptiveState> {
    this.#checkItems(data.itemShape, `the data set "${data.name}"`);
    const { potential, optimizer, chains, ema } = this.#model;
    const params = potential.init(key.split('params'));
    const labels = this.#drawLabels(chains.particles, key.split('labels'));
    const bufferLabels = this.#drawLabels(chains.bufferSize, key.split('buffer labels'));
    return {
      params,
      optimizer: optimizer.init(params),
      ...(labels && { labels }),
      ...(chains.kind === 'buffer' && bufferLabels && { bufferLabels }),
      particles: this.#start(chains.particles, key.split('particles')),
      ...(ema > 0 && { average: params }),
      ...(chains.kind === 'buffer' && { buffer: this.#start(chains.bufferSize, key.split('buffer')) }),
    };
  }

  /** Where this iteration's particles start, and the rows of the buffer they came from. */
  #begin(state: DescriptiveState, draw: Stream): { x: NDArray; rows: Int32Array | undefined } {
    const { chains } = this.#model;
    const rows = state.buffer && chooseRows(chains.bufferSize, chains.particles, draw);
    const x = state.buffer && rows ? takeRows(state.buffer, rows) : state.particles;
    const fresh = Math.round(chains.fresh * chains.particles);
    if (fresh === 0) return { x, rows };
    const restarted = chooseRows(chains.particles, fresh, draw);
    return { x: putRows(x, restarted, this.#start(fresh, draw)), rows };
  }

  #checkBatch({ x, labels }: Batch): void {
    if (this.classes !== undefined && labels === undefined)
      throw new TypeError(`${this.name}: the model is conditional on labels, and the batch has none.`);
    this.#checkItems(x.shape.slice(1), 'the batch');
    if (x.shape[0] === 0) throw new ShapeError(`${this.name}: the batch is empty; a step needs at least one item.`);
  }

  async stepFrom(
    state: DescriptiveState,
    x: NDArray,
    batch: Batch,
    draw: Stream,
    labels = state.labels,
  ): Promise<[DescriptiveState, Metrics]> {
    this.#checkBatch(batch);
    const { langevin: options, dataNoise } = this.#model;
    const start = this.#sampler.init(state.params, x, labels);
    const [moved, { gradientNorm }] = await this.#sampler.run(start, options.steps, draw);
    const gamma = ndarray(draw.next(), []);
    const data = noisyData(batch.x, dataNoise, options.clip, draw);
    const told = labels &&
      state.labels && { labels: { data: batch.labels as NDArray, particles: labels, previous: state.labels } };
    const at = { data, particles: moved.x, previous: state.particles, gamma, ...told };
    const updated = await this.#update(state.params, state.optimizer, state.average ?? [], at);
    const next: DescriptiveState = {
      params: updated.params,
      optimizer: updated.optimizer,
      particles: moved.x,
      ...(!isEmpty(updated.average) && { average: updated.average }),
      ...(labels && { labels }),
      ...(state.bufferLabels && { bufferLabels: state.bufferLabels }),
    };
    return [next, { ...numbers(updated.metrics), gradientNorm }];
  }

  async step(state: DescriptiveState, batch: Batch, draw: Stream): Promise<[DescriptiveState, Metrics]> {
    this.#checkBatch(batch);
    const { x, rows } = this.#begin(state, draw);
    const labels = rows && state.bufferLabels ? takeIntegers(state.bufferLabels, rows) : state.labels;
    const [next, metrics] = await this.stepFrom(state, x, batch, draw, labels);
    if (state.buffer === undefined || rows === undefined) return [next, metrics];
    return [{ ...next, buffer: putRows(state.buffer, rows, next.particles) }, metrics];
  }

  /** Parameters of another size would broadcast, or fail inside a convolution. */
  #checkParams(params: Params, draw: Stream): void {
    const own = flatten<NDArray>(this.#model.potential.init(draw.split('shapes')));
    const given = flatten<NDArray>(params);
    own.leaves.forEach(({ shape }, i) => {
      const got = given.leaves[i]?.shape;
      if (own.paths[i] === given.paths[i] && got !== undefined && sameShape(got, shape)) return;
      throw new ShapeError(
        `${this.name}: "${own.paths[i]}" has the shape ${got === undefined ? 'of nothing' : formatShape(got)}, items of ` +
          `${formatShape(this.#model.itemShape)} take ${formatShape(shape)}; weights per channel and no dense layer fit every size.`,
      );
    });
  }

  /** Where samples begin: the chains go on, if they are asked for and have items of this shape, and no label is wanted; else new particles. */
  #sampleStart(state: DescriptiveState, n: number, draw: Stream, asked?: NDArray): Labelled {
    if (asked !== undefined) checkLabels(this, asked, n);
    const chains = state.buffer ?? state.particles;
    const usable = this.#model.sampling.from === 'chains' && sameShape(chains.shape.slice(1), this.#model.itemShape);
    if (usable && asked === undefined) {
      const rows = chooseRows(chains.shape[0] as number, n, draw);
      const theirs = state.bufferLabels ?? state.labels;
      return { x: takeRows(chains, rows), ...(theirs && { labels: takeIntegers(theirs, rows) }) };
    }
    const labels = asked ?? this.#drawLabels(n, draw);
    return { x: this.#start(n, draw), ...(labels && { labels }) };
  }

  /** Langevin dynamics as samples are drawn with, which may be at another temperature than training. */
  get #finalDynamics(): LangevinOptions {
    const { langevin: options, sampling } = this.#model;
    return { ...options, temperature: sampling.temperature ?? options.temperature };
  }

  /** A sampler of finished samples on Φ given their labels, and the parameters that it moves them by. */
  #samplerOf(state: DescriptiveState, draw: Stream, labels: NDArray | undefined, held?: Held) {
    const params = state.average ?? state.params;
    this.#checkParams(params, draw);
    const potential = givenLabels(this.#model.potential, labels);
    const sampler = langevin(this.#runtime, potential, this.#finalDynamics, { frozen: true, ...(held && { held }) });
    return { sampler, params, potential };
  }

  async #finish(state: DescriptiveState, { x, labels }: Labelled, draw: Stream, held?: Held): Promise<NDArray> {
    const { sampler, params } = this.#samplerOf(state, draw, labels, held);
    try {
      const [end] = await sampler.run(sampler.init(params, x), this.#model.sampling.steps, draw);
      return end.x;
    } finally {
      await sampler.dispose();
    }
  }

  async #follow(state: DescriptiveState, { x, labels }: Labelled, draw: Stream, moments: number): Promise<Moment[]> {
    const { sampler, params, potential } = this.#samplerOf(state, draw, labels);
    const { langevin: options, sampling } = this.#model;
    try {
      const way = { sampler, potential, langevin: options, params };
      return await follow(this.#runtime, way, x, { steps: sampling.steps, count: moments, draw });
    } finally {
      await sampler.dispose();
    }
  }

  async trajectoryFrom(state: DescriptiveState, x: NDArray, draw: Stream, moments: number): Promise<Moment[]> {
    return this.#follow(state, { x }, draw, moments);
  }

  async sampleFrom(state: DescriptiveState, x: NDArray, draw: Stream): Promise<NDArray> {
    return this.#finish(state, { x }, draw);
  }

  async #inpaint(state: DescriptiveState, x: NDArray, known: NDArray, draw: Stream, from?: NDArray): Promise<NDArray> {
    this.#checkItems(x.shape.slice(1), 'what is to be inpainted');
    const start = from ?? this.#sampleStart(state, x.shape[0] as number, draw).x;
    return this.#finish(state, { x: merge(x, known, start) }, draw, { x, known });
  }

  /** The state may be that of a learner of items of another size: with a weight per channel, Φ applies to every size (texture). */
  async sample(state: DescriptiveState, n: number, draw: Stream, labels?: NDArray): Promise<NDArray> {
    return this.#finish(state, this.#sampleStart(state, n, draw, labels), draw);
  }

  async trajectory(state: DescriptiveState, n: number, draw: Stream, moments: number): Promise<readonly Moment[]> {
    return this.#follow(state, this.#sampleStart(state, n, draw), draw, moments);
  }

  particles(state: DescriptiveState): NDArray {
    return state.particles;
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#sampler.dispose(), this.#update.dispose()]);
  }
}

/**
 * A model that learns its potential from data and its own particles (generalised GCN, Algorithm 1): L Langevin steps from where
 * the chains are, then one update of the parameters along the flow.
 */
export function descriptiveLearner(runtime: Runtime, model: DescriptiveModel): DescriptiveLearner {
  return new LangevinLearner(runtime, model);
}
