import { type Tensor, constant, grad, leakyRelu, zeros } from '@brownian/graph';
import { elasticGanFlow } from 'brownian';
import { type LayerWeights, denseLayers, layersOf, namedSlopes } from '../layers.ts';
import { type Conform, inputOf, numberOf } from '../reference.ts';
import { runtime } from '../runtime.ts';

/** Losses of the elastic GAN on features of a discriminator of dense layers with leaky ReLU, and their gradients. */
export const conformEiegGanLosses: Conform = async (reference) => {
  const flow = elasticGanFlow(
    { dimension: numberOf(reference, 'dimension'), cutoff: numberOf(reference, 'cutoff') },
    {
      kernel: 'elastic',
      cutoff: numberOf(reference, 'stabiliserCutoff'),
      weight: numberOf(reference, 'stabiliserWeight'),
    },
  );
  const { depth, weights: layers } = layersOf(reference);
  const features = (weights: LayerWeights, x: Tensor): Tensor =>
    denseLayers(weights, depth, (value) => leakyRelu(value, 0.2), x);
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
