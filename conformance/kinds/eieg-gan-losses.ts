import { type Tensor, constant, grad, zeros } from '@brownian/graph';
import { STABILISER_DEFAULTS, elasticGanFlow } from 'brownian';
import { activation, activationOf } from '../activations.ts';
import { type LayerWeights, denseLayers, layersOf, namedSlopes } from '../layers.ts';
import { type Conform, inputOf } from '../reference.ts';
import { runtime } from '../runtime.ts';
import { flag, number, oneOf, optional, readSpec } from '../spec.ts';

/** Losses of the elastic GAN on features of a discriminator of dense layers, and their gradients. */
export const conformEiegGanLosses: Conform = async (reference) => {
  const { dimension, cutoff, selfInteraction, ...spec } = readSpec(reference, {
    dimension: number,
    cutoff: number,
    stabiliserKernel: optional(oneOf(['elastic', 'truncated', 'gaussian']), STABILISER_DEFAULTS.kernel),
    stabiliserCutoff: optional(number, STABILISER_DEFAULTS.cutoff),
    stabiliserWeight: optional(number, STABILISER_DEFAULTS.weight),
    selfInteraction: optional(flag, true),
    activation: optional(activation, 'leakyRelu(0.2)'),
  });
  const flow = elasticGanFlow(
    { dimension, cutoff },
    {
      kernel: spec.stabiliserKernel,
      cutoff: spec.stabiliserCutoff,
      weight: spec.stabiliserWeight,
      selfInteraction,
    },
  );
  const { depth, weights: layers } = layersOf(reference, ['real', 'generated']);
  const features = (weights: LayerWeights, x: Tensor): Tensor =>
    denseLayers(weights, depth, activationOf(spec.activation), x);
  const compute = runtime().compile(
    (weights: LayerWeights, real: Tensor, fake: Tensor) => {
      const generatorLoss = (items: Tensor): Tensor =>
        flow.generatorLoss({ fake: features(weights, items), real: features(weights, real) });
      const discriminatorLoss = (w: LayerWeights): Tensor => {
        const discriminate = (items: Tensor): Tensor => features(w, items);
        const [onFake, onReal] = [discriminate(fake), discriminate(real)];
        const mix = constant(zeros([fake.shape[0] as number]));
        const at = { fake: onFake, real: onReal, items: { fake, real }, discriminate, mix };
        return (flow.discriminator as NonNullable<typeof flow.discriminator>).loss(at).loss;
      };
      return {
        generatorLoss: generatorLoss(fake),
        discriminatorLoss: discriminatorLoss(weights),
        grad_generated: grad(generatorLoss)(fake),
        ...namedSlopes(grad(discriminatorLoss)(weights)),
      };
    },
    { name: 'elastic GAN reference', precision: 'double' },
  );
  const [real, generated] = [inputOf(reference, 'real'), inputOf(reference, 'generated')];
  return compute(layers, real, generated);
};
