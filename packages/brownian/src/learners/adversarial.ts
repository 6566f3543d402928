import { type NDArray, ShapeError, type Tensor, formatShape, sameShape } from '@brownian/graph';
import type { Compiled, Runtime, Stream } from '@brownian/runtime';
import type {
  Batch,
  Dataset,
  ExportedFunction,
  LatentView,
  Learner,
  Metrics,
  Params,
  SymbolicParams,
} from '../interfaces.ts';
import { rowsOf } from '../metrics/rows.ts';
import { takeRows } from '../samplers/replay-buffer.ts';
import { adversarialExports } from './adversarial-exports.ts';
import { type AdversarialModel, type AdversarialState, type Opponent, opponentOf } from './adversarial-model.ts';
import {
  type DiscriminatorArguments,
  type DiscriminatorResult,
  type GeneratorArguments,
  type GeneratorResult,
  discriminatorUpdate,
  generatorUpdate,
} from './adversarial-updates.ts';
import { parameterCheck } from './parameter-shapes.ts';
import { numbers } from './trajectory.ts';

class AdversarialLearner implements Learner<AdversarialState> {
  readonly name: string;
  readonly #model: AdversarialModel;
  readonly #opponent: Opponent | undefined;
  readonly #checkGenerator: (params: Params, draw: Stream) => void;
  readonly #generate: Compiled<[SymbolicParams, Tensor], Tensor>;
  readonly #updateGenerator: Compiled<GeneratorArguments, GeneratorResult>;
  readonly #updateDiscriminator: Compiled<DiscriminatorArguments, DiscriminatorResult> | undefined;

  constructor(runtime: Runtime, model: AdversarialModel) {
    this.name = model.name;
    this.#model = model;
    this.#opponent = opponentOf(model);
    const { net } = model.generator;
    this.#checkGenerator = parameterCheck({ name: model.name, itemShape: net.outputShape }, (key) => net.init(key));
    const named = (part: string): { name: string } => ({ name: `${model.name} ${part}` });
    this.#generate = runtime.compile((params: SymbolicParams, z: Tensor) => net.apply(params, z), named('generator'));
    this.#updateGenerator = runtime.compile(generatorUpdate(model), named('generator update'));
    this.#updateDiscriminator =
      this.#opponent && runtime.compile(discriminatorUpdate(net, this.#opponent), named('discriminator update'));
  }

  #checkItems(shape: readonly number[], what: string): void {
    const { outputShape } = this.#model.generator.net;
    if (!sameShape(shape, outputShape))
      throw new ShapeError(
        `${this.name}: ${what} has items of shape ${formatShape(shape)}, the generator makes ${formatShape(outputShape)}.`,
      );
  }

  #latents(draw: Stream): NDArray {
    return draw.normal([this.#model.batch, ...this.#model.generator.net.inputShape]);
  }

  async init(key: Stream, data: Dataset): Promise<AdversarialState> {
    this.#checkItems(data.itemShape, `the data set "${data.name}"`);
    const { generator, ema } = this.#model;
    const params = generator.net.init(key.split('generator'));
    const opponent = this.#opponent?.net.init(key.split('discriminator'));
    return {
      generator: params,
      generatorOptimizer: generator.optimizer.init(params),
      ...(ema > 0 && { average: params }),
      ...(opponent !== undefined &&
        this.#opponent && {
          discriminator: opponent,
          discriminatorOptimizer: this.#opponent.optimizer.init(opponent),
        }),
      particles: await this.#generate(params, this.#latents(key.split('latents'))),
    };
  }

  /** The batch in as many equal parts as the discriminator has steps. */
  #deal(x: NDArray): NDArray[] {
    const parts = this.#opponent?.steps ?? 1;
    const size = (x.shape[0] as number) / parts;
    if (!Number.isInteger(size) || size < 1)
      throw new ShapeError(
        `${this.name}: a batch of ${x.shape[0]} items cannot be dealt out among ${parts} steps of the discriminator; its size must be a multiple of ${parts}.`,
      );
    return Array.from({ length: parts }, (_, i) => rowsOf(x, i * size, (i + 1) * size));
  }

  async step(state: AdversarialState, { x }: Batch, draw: Stream): Promise<[AdversarialState, Metrics]> {
    this.#checkItems(x.shape.slice(1), 'the batch');
    const parts = this.#deal(x);
    let { discriminator = [], discriminatorOptimizer = [] } = state;
    let metrics: Metrics = {};
    if (this.#updateDiscriminator) {
      for (const real of parts) {
        // Items are compared in pairs on lines between them, so there are as many of each.
        const z = draw.normal([real.shape[0] as number, ...this.#model.generator.net.inputShape]);
        const at = { real, z, mix: draw.uniform([real.shape[0] as number], 0, 1) };
        const updated = await this.#updateDiscriminator(discriminator, discriminatorOptimizer, state.generator, at);
        ({ params: discriminator, optimizer: discriminatorOptimizer } = updated);
        metrics = numbers(updated.metrics);
      }
    }
    const at = { real: parts.at(-1) as NDArray, z: this.#latents(draw) };
    const updated = await this.#updateGenerator(
      state.generator,
      state.generatorOptimizer,
      state.average ?? [],
      discriminator,
      at,
    );
    const next: AdversarialState = {
      generator: updated.params,
      generatorOptimizer: updated.optimizer,
      ...(state.average && { average: updated.average }),
      ...(this.#opponent && { discriminator, discriminatorOptimizer }),
      particles: updated.particles,
    };
    return [next, { ...metrics, ...numbers(updated.metrics) }];
  }

  /**
   * Items of latents, in whole batches, so that batch normalisation sees what it saw in training: the last is filled up with latents from the beginning. An
   * item depends a little on the others of its batch then.
   */
  async #decode({ average, generator }: AdversarialState, z: NDArray): Promise<NDArray> {
    const { batch } = this.#model;
    const { outputShape } = this.#model.generator.net;
    const n = z.shape[0] as number;
    const data = new Float32Array(n * outputShape.reduce((a, b) => a * b, 1));
    for (let from = 0; from < n; from += batch) {
      const rows = Int32Array.from({ length: batch }, (_, i) => (from + i) % n);
      const items = await this.#generate(average ?? generator, takeRows(z, rows));
      const kept = rowsOf(items, 0, Math.min(batch, n - from));
      data.set(kept.data as Float32Array, (data.length / n) * from);
    }
    return { dtype: 'float32', shape: [n, ...outputShape], data };
  }

  async sample(state: AdversarialState, n: number, draw: Stream): Promise<NDArray> {
    const { batch } = this.#model;
    this.#checkGenerator(state.average ?? state.generator, draw);
    const z = draw.normal([Math.ceil(n / batch) * batch, ...this.#model.generator.net.inputShape]);
    return rowsOf(await this.#decode(state, z), 0, n);
  }

  get latent(): LatentView<AdversarialState> {
    const shape = this.#model.generator.net.inputShape;
    return {
      shape,
      path: 'spherical',
      draw: (n, stream) => stream.normal([n, ...shape]),
      decode: (state, z) => this.#decode(state, z),
    };
  }

  exports(state: AdversarialState): readonly ExportedFunction[] {
    return adversarialExports(this.#model, state);
  }

  particles(state: AdversarialState): NDArray {
    return state.particles;
  }

  async dispose(): Promise<void> {
    await Promise.all([
      this.#generate.dispose(),
      this.#updateGenerator.dispose(),
      this.#updateDiscriminator?.dispose(),
    ]);
  }
}

/**
 * A generator that learns against data, with or without a discriminator: the discriminator's updates on parts of the batch,
 * then one of the generator on the last part (Goodfellow et al. 2014, Algorithm 1; EIEG GAN, Algorithm 1).
 *
 * @throws RangeError when flow and discriminator do not fit each other
 */
export function adversarialLearner(runtime: Runtime, model: AdversarialModel): Learner<AdversarialState> {
  return new AdversarialLearner(runtime, model);
}
