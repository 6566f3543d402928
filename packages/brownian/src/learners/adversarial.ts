import {
  type NDArray,
  ShapeError,
  type Tensor,
  type Tree,
  formatShape,
  sameShape,
  sqrt,
  valueAndGrad,
  variance,
} from '@brownian/graph';
import type { Compiled, Runtime, Stream } from '@brownian/runtime';
import type { AdversarialFlow, AdversarialLoss, DiscriminatorFlow } from '../flows/adversarial/flow.ts';
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
import { type Net, builtIn } from '../nets/net.ts';
import { averageParams } from '../optim/ema.ts';
import { globalNorm } from '../optim/scaling.ts';
import { type SymbolicState, type Transform, type TransformState, applyUpdates } from '../optim/transform.ts';
import { takeRows } from '../samplers/replay-buffer.ts';
import { describeItems } from './descriptive-exports.ts';

/** A network and the rule that updates it. */
export interface Trained {
  readonly net: Net;
  readonly optimizer: Transform;
}

/** What an adversarial model is made of. GAN, WGAN, MMD-GAN and EIEG differ in `flow` and in settings. */
export interface AdversarialModel {
  readonly name: string;
  readonly flow: AdversarialFlow;
  /** From latents `[latent]`, drawn from N(0, I), to items. */
  readonly generator: Trained;
  /** From items to features; present if and only if the flow has a discriminator. */
  readonly discriminator?: Trained & {
    /** Updates before each update of the generator. A batch is dealt out among them in equal parts. */
    readonly steps: number;
  };
  /** Items generated at a time, by updates and by `sample`. */
  readonly batch: number;
  /** Decay of the moving average of the generator that `sample` uses; 0 uses the generator itself. */
  readonly ema: number;
}

/** State of an adversarial learner. */
export type AdversarialState = {
  readonly generator: Params;
  readonly generatorOptimizer: TransformState;
  /** Moving average of the generator, with `ema` above 0. */
  readonly average?: Params;
  readonly discriminator?: Params;
  readonly discriminatorOptimizer?: TransformState;
  /** Items of the last update of the generator, `[batch, ...item]`. */
  readonly particles: NDArray;
};

type Scalars = Record<string, Tensor>;
type GeneratorArguments = [
  params: SymbolicParams,
  optimizer: SymbolicState,
  average: Tree<Tensor>,
  discriminator: SymbolicParams,
  at: { real: Tensor; z: Tensor },
];
type GeneratorResult = {
  params: SymbolicParams;
  optimizer: SymbolicState;
  average: Tree<Tensor>;
  particles: Tensor;
  metrics: Scalars;
};
type DiscriminatorArguments = [
  params: SymbolicParams,
  optimizer: SymbolicState,
  generator: SymbolicParams,
  at: { real: Tensor; z: Tensor; mix: Tensor },
];
type DiscriminatorResult = { params: SymbolicParams; optimizer: SymbolicState; metrics: Scalars };

function flat(items: Tensor): Tensor {
  return items.reshape([items.shape[0] as number, -1]);
}

/** One update of the generator, the discriminator held. */
function generatorUpdate({ flow, generator, discriminator, ema }: AdversarialModel) {
  return (...[params, optimizer, average, held, { real, z }]: GeneratorArguments): GeneratorResult => {
    const features = (items: Tensor): Tensor => (discriminator ? discriminator.net.apply(held, items) : flat(items));
    const [loss, gradients] = valueAndGrad((p: SymbolicParams) =>
      flow.generatorLoss({ fake: features(generator.net.apply(p, z)), real: features(real) }),
    )(params);
    const [updates, nextOptimizer] = generator.optimizer.update(gradients, optimizer, params);
    const next = applyUpdates(params, updates);
    return {
      params: next,
      optimizer: nextOptimizer,
      average: ema > 0 ? averageParams(average, next, ema) : [],
      particles: generator.net.apply(params, z),
      metrics: { generatorLoss: loss, parameterGradientNorm: globalNorm(gradients) },
    };
  };
}

/** Root mean square distance of features from their mean. */
function spreadOf(features: Tensor): Tensor {
  return sqrt(variance(features, 0).sum());
}

/** One update of the discriminator, the generator held. */
function discriminatorUpdate(generator: Net, { net, optimizer }: Trained, flow: DiscriminatorFlow) {
  return (...[params, state, held, { real, z, mix }]: DiscriminatorArguments): DiscriminatorResult => {
    const items = { fake: generator.apply(held, z), real };
    let parts: AdversarialLoss['parts'] = {};
    const [loss, gradients] = valueAndGrad((p: SymbolicParams) => {
      const discriminate = (x: Tensor): Tensor => net.apply(p, x);
      const features = { fake: discriminate(items.fake), real: discriminate(items.real) };
      const built = flow.loss({ ...features, items, discriminate, mix });
      const spreads = { featureSpreadData: spreadOf(features.real), featureSpreadGenerated: spreadOf(features.fake) };
      parts = { ...built.parts, ...spreads };
      return built.loss;
    })(params);
    const [updates, next] = optimizer.update(gradients, state, params);
    const moved = applyUpdates(params, updates);
    return {
      params: flow.constrain ? flow.constrain(moved) : moved,
      optimizer: next,
      metrics: { discriminatorLoss: loss, discriminatorGradientNorm: globalNorm(gradients), ...parts },
    };
  };
}

function numbers(metrics: Readonly<Record<string, NDArray>>): Metrics {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, Number(value.data[0])]));
}

/** A discriminator where flow and model both have one. @throws RangeError when they do not fit */
function opponentOf(
  model: AdversarialModel,
): (NonNullable<AdversarialModel['discriminator']> & { flow: DiscriminatorFlow }) | undefined {
  const { discriminator, flow, name } = model;
  if ((discriminator === undefined) !== (flow.discriminator === undefined))
    throw new RangeError(
      `${name}: the flow ${flow.discriminator ? 'needs a' : 'has no'} discriminator; give the model ${flow.discriminator ? 'one' : 'none'}.`,
    );
  if (discriminator === undefined || flow.discriminator === undefined) return undefined;
  const [features] = discriminator.net.outputShape;
  if (flow.discriminator.features !== null && flow.discriminator.features !== features)
    throw new RangeError(
      `${name}: the discriminator gives ${features} features, the flow takes ${flow.discriminator.features}.`,
    );
  return { ...discriminator, flow: flow.discriminator };
}

class AdversarialLearner implements Learner<AdversarialState> {
  readonly name: string;
  readonly #model: AdversarialModel;
  readonly #opponent: ReturnType<typeof opponentOf>;
  readonly #generate: Compiled<[SymbolicParams, Tensor], Tensor>;
  readonly #updateGenerator: Compiled<GeneratorArguments, GeneratorResult>;
  readonly #updateDiscriminator: Compiled<DiscriminatorArguments, DiscriminatorResult> | undefined;

  constructor(runtime: Runtime, model: AdversarialModel) {
    this.name = model.name;
    this.#model = model;
    this.#opponent = opponentOf(model);
    const { net } = model.generator;
    const named = (part: string): { name: string } => ({ name: `${model.name} ${part}` });
    this.#generate = runtime.compile((params: SymbolicParams, z: Tensor) => net.apply(params, z), named('generator'));
    this.#updateGenerator = runtime.compile(generatorUpdate(model), named('generator update'));
    this.#updateDiscriminator =
      this.#opponent &&
      runtime.compile(discriminatorUpdate(net, this.#opponent, this.#opponent.flow), named('discriminator update'));
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
    const { generator, discriminator, batch } = this.#model;
    const { net } = generator;
    const items = {
      name: 'x',
      shape: ['batch', ...net.outputShape] as const,
      description: describeItems(net.outputShape),
    };
    const weights = builtIn(state.average ?? state.generator);
    const made: ExportedFunction = {
      name: 'generator',
      description: 'Items from noise.',
      inputs: [{ name: 'z', shape: ['batch', ...net.inputShape], description: 'standard normal values' }],
      outputs: [items],
      batch,
      apply: (z: Tensor) => [net.apply(weights, z)],
    };
    if (discriminator === undefined || state.discriminator === undefined) return [made];
    const judging = builtIn(state.discriminator);
    const features: ExportedFunction = {
      name: 'discriminator',
      description: 'What the discriminator makes of items: what the generator was trained against.',
      inputs: [items],
      outputs: [{ name: 'features', description: 'its outputs for each item' }],
      batch,
      apply: (x: Tensor) => [discriminator.net.apply(judging, x)],
    };
    return [made, features];
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
