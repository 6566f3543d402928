import { type NDArray, ShapeError, flatten, ndarray } from '@brownian/graph';
import type { Compiled, Runtime, Stream } from '@brownian/runtime';
import type { Batch, Dataset, ExportedFunction, Metrics, Moment } from '../interfaces.ts';
import { merge } from '../data/masked.ts';
import { type Sampler, langevin } from '../samplers/langevin.ts';
import { chooseRows, freshCount, putRows, takeRows } from '../samplers/replay-buffer.ts';
import { descriptiveExports } from './descriptive-exports.ts';
import type { DescriptiveLearner, DescriptiveModel, DescriptiveState } from './descriptive-model.ts';
import { DescriptiveSamples } from './descriptive-samples.ts';
import { type UpdateArguments, type UpdateResult, descriptiveUpdate, noisyData } from './descriptive-update.ts';
import { checkItemShape } from './item-shape.ts';
import { marginalPotential, takeIntegers } from './labels.ts';
import { potentialValues } from './potential-values.ts';
import { numbers } from './trajectory.ts';

function isEmpty(tree: unknown): boolean {
  return flatten(tree).leaves.length === 0;
}

class LangevinLearner implements DescriptiveLearner {
  readonly name: string;
  readonly #model: DescriptiveModel;
  readonly #runtime: Runtime;
  readonly #sampler: Sampler;
  readonly #samples: DescriptiveSamples;
  readonly #update: Compiled<UpdateArguments, UpdateResult>;
  // This is left out of a conditional model, whose Φ moves an item by its label.
  readonly inpaint?: NonNullable<DescriptiveLearner['inpaint']>;
  readonly classes?: number;

  constructor(runtime: Runtime, model: DescriptiveModel) {
    this.name = model.name;
    this.#model = model;
    this.#runtime = runtime;
    this.#samples = new DescriptiveSamples(runtime, model);
    this.#sampler = langevin(runtime, model.potential, model.langevin);
    this.#update = runtime.compile(descriptiveUpdate(model), { name: `${model.name} update` });
    if (model.classes !== undefined && model.classes > 0) this.classes = model.classes;
    else {
      this.inpaint = (...given) => this.#inpaint(...given);
    }
  }

  exports(state: DescriptiveState): readonly ExportedFunction[] {
    const params = state.average ?? state.params;
    return descriptiveExports({ ...this.#model, params, langevin: this.#samples.finalDynamics });
  }

  async potential(state: DescriptiveState, x: NDArray): Promise<NDArray> {
    checkItemShape(this.#model, x.shape.slice(1), 'what is scored');
    const phi = marginalPotential(this.#model.potential, this.#model.classes ?? 0);
    return await potentialValues(this.#runtime, phi, state.average ?? state.params, x);
  }

  async init(key: Stream, data: Dataset): Promise<DescriptiveState> {
    checkItemShape(this.#model, data.itemShape, `the data set "${data.name}"`);
    const { potential, optimizer, chains, ema } = this.#model;
    const params = potential.init(key.split('params'));
    const labels = this.#samples.drawLabels(chains.particles, key.split('labels'));
    const bufferLabels = this.#samples.drawLabels(chains.bufferSize, key.split('buffer labels'));
    return {
      params,
      optimizer: optimizer.init(params),
      ...(labels && { labels }),
      ...(chains.kind === 'buffer' && bufferLabels && { bufferLabels }),
      particles: this.#samples.fresh(chains.particles, key.split('particles')),
      ...(ema > 0 && { average: params }),
      ...(chains.kind === 'buffer' && { buffer: this.#samples.fresh(chains.bufferSize, key.split('buffer')) }),
    };
  }

  /** Where this iteration's particles start, and the rows of the buffer they came from. */
  #begin(state: DescriptiveState, draw: Stream): { x: NDArray; rows: Int32Array | undefined } {
    const { chains } = this.#model;
    const rows = state.buffer && chooseRows(chains.bufferSize, chains.particles, draw);
    const x = state.buffer && rows ? takeRows(state.buffer, rows) : state.particles;
    const fresh = freshCount(chains.particles, chains.fresh, draw);
    if (fresh === 0) return { x, rows };
    const restarted = chooseRows(chains.particles, fresh, draw);
    return { x: putRows(x, restarted, this.#samples.fresh(fresh, draw)), rows };
  }

  #checkBatch({ x, labels }: Batch): void {
    if (this.classes !== undefined && labels === undefined)
      throw new TypeError(`${this.name}: the model is conditional on labels, and the batch has none.`);
    checkItemShape(this.#model, x.shape.slice(1), 'the batch');
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

  async trajectoryFrom(state: DescriptiveState, x: NDArray, draw: Stream, moments: number): Promise<Moment[]> {
    return this.#samples.follow(state, { x }, draw, moments);
  }

  async sampleFrom(state: DescriptiveState, x: NDArray, draw: Stream): Promise<NDArray> {
    return this.#samples.finish(state, { x }, draw);
  }

  async #inpaint(state: DescriptiveState, x: NDArray, known: NDArray, draw: Stream, from?: NDArray): Promise<NDArray> {
    checkItemShape(this.#model, x.shape.slice(1), 'what is to be inpainted');
    const start = from ?? this.#samples.start(state, x.shape[0] as number, draw).x;
    return this.#samples.finish(state, { x: merge(x, known, start) }, draw, { x, known });
  }

  /** The state may be that of a learner of items of another size: with a weight per channel, Φ applies to every size (texture). */
  async sample(state: DescriptiveState, n: number, draw: Stream, labels?: NDArray): Promise<NDArray> {
    return this.#samples.finish(state, this.#samples.start(state, n, draw, labels), draw);
  }

  async trajectory(state: DescriptiveState, n: number, draw: Stream, moments: number): Promise<readonly Moment[]> {
    return this.#samples.follow(state, this.#samples.start(state, n, draw), draw, moments);
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
