import { type Tensor, type Tree, concat, slice, sqrt, valueAndGrad, variance } from '@brownian/graph';
import type { AdversarialLoss, GeneratorPoint } from '../flows/adversarial/flow.ts';
import type { SymbolicParams } from '../interfaces.ts';
import type { Net } from '../nets/net.ts';
import { averageParams } from '../optim/ema.ts';
import { globalNorm } from '../optim/scaling.ts';
import { type SymbolicState, applyUpdates } from '../optim/transform.ts';
import type { AdversarialModel, Opponent } from './adversarial-model.ts';

type Scalars = Record<string, Tensor>;
/** Arguments of {@link generatorUpdate}'s function: `real` are items of data, `z` latents. */
export type GeneratorArguments = [
  params: SymbolicParams,
  optimizer: SymbolicState,
  average: Tree<Tensor>,
  discriminator: SymbolicParams,
  at: { real: Tensor; z: Tensor },
];
/** Its result. */
export type GeneratorResult = {
  params: SymbolicParams;
  optimizer: SymbolicState;
  average: Tree<Tensor>;
  particles: Tensor;
  metrics: Scalars;
};
/** Arguments of {@link discriminatorUpdate}'s function: as many `real` items as latents `z`, and `mix` in [0, 1) between them. */
export type DiscriminatorArguments = [
  params: SymbolicParams,
  optimizer: SymbolicState,
  generator: SymbolicParams,
  at: { real: Tensor; z: Tensor; mix: Tensor },
];
/** Its result. */
export type DiscriminatorResult = { params: SymbolicParams; optimizer: SymbolicState; metrics: Scalars };

function flat(items: Tensor): Tensor {
  return items.reshape([items.shape[0] as number, -1]);
}

/** What a discriminator makes of generated items and of data: of both in one batch, or of each by itself. */
export function discriminated(
  oneBatch: boolean,
  discriminate: (items: Tensor) => Tensor,
  { fake, real }: GeneratorPoint,
): GeneratorPoint {
  if (!oneBatch) return { fake: discriminate(fake), real: discriminate(real) };
  const n = fake.shape[0] as number;
  const features = discriminate(concat([fake, real]));
  return { fake: slice(features, [[0, n]]), real: slice(features, [[n]]) };
}

/** One update of the generator, the discriminator held. */
export function generatorUpdate({ flow, generator, discriminator, ema }: AdversarialModel) {
  return (...[params, optimizer, average, held, { real, z }]: GeneratorArguments): GeneratorResult => {
    const [loss, gradients] = valueAndGrad((p: SymbolicParams) => {
      const items = { fake: generator.net.apply(p, z), real };
      if (discriminator === undefined) return flow.generatorLoss({ fake: flat(items.fake), real: flat(real) });
      const { net, oneBatch = false } = discriminator;
      return flow.generatorLoss(discriminated(oneBatch, (x) => net.apply(held, x), items));
    })(params);
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
export function discriminatorUpdate(generator: Net, { net, optimizer, oneBatch = false, flow }: Opponent) {
  return (...[params, state, held, { real, z, mix }]: DiscriminatorArguments): DiscriminatorResult => {
    const items = { fake: generator.apply(held, z), real };
    let parts: AdversarialLoss['parts'] = {};
    const [loss, gradients] = valueAndGrad((p: SymbolicParams) => {
      const discriminate = (x: Tensor): Tensor => net.apply(p, x);
      const features = discriminated(oneBatch, discriminate, items);
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
