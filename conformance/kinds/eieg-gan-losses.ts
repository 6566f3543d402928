import { type Tensor, constant, grad, leakyRelu, matmul, transpose, zeros } from '@brownian/graph';
import { elasticGanFlow } from 'brownian';
import { type Conform, inputOf, numberOf } from '../reference.ts';
import { runtime } from '../runtime.ts';

type Weights = { readonly a1: Tensor; readonly c1: Tensor; readonly a2: Tensor; readonly c2: Tensor };

/** Losses of the elastic GAN on features of a discriminator with one hidden layer, and their gradients. */
export const conformEiegGanLosses: Conform = async (reference) => {
  const flow = elasticGanFlow(
    { dimension: numberOf(reference, 'dimension'), cutoff: numberOf(reference, 'cutoff') },
    {
      kernel: 'elastic',
      cutoff: numberOf(reference, 'stabiliserCutoff'),
      weight: numberOf(reference, 'stabiliserWeight'),
    },
  );
  const features = ({ a1, c1, a2, c2 }: Weights, x: Tensor): Tensor =>
    matmul(leakyRelu(matmul(x, transpose(a1)).add(c1), 0.2), transpose(a2)).add(c2);
  const compute = runtime().compile(
    (weights: Weights, real: Tensor, fake: Tensor) => {
      const generatorLoss = (items: Tensor): Tensor =>
        flow.generatorLoss({ fake: features(weights, items), real: features(weights, real) });
      const discriminatorLoss = (w: Weights): Tensor => {
        const discriminate = (items: Tensor): Tensor => features(w, items);
        const [onFake, onReal] = [discriminate(fake), discriminate(real)];
        const mix = constant(zeros([fake.shape[0] as number]));
        const at = { fake: onFake, real: onReal, items: { fake, real }, discriminate, mix };
        return (flow.discriminator as NonNullable<typeof flow.discriminator>).loss(at).loss;
      };
      const gradients = grad(discriminatorLoss)(weights);
      return {
        generatorLoss: generatorLoss(fake),
        discriminatorLoss: discriminatorLoss(weights),
        grad_generated: grad(generatorLoss)(fake),
        grad_a1: gradients.a1,
        grad_c1: gradients.c1,
        grad_a2: gradients.a2,
        grad_c2: gradients.c2,
      };
    },
    { name: 'elastic GAN reference', precision: 'double' },
  );
  const [real, generated] = [inputOf(reference, 'real'), inputOf(reference, 'generated')];
  const weights = {
    a1: inputOf(reference, 'a1'),
    c1: inputOf(reference, 'c1'),
    a2: inputOf(reference, 'a2'),
    c2: inputOf(reference, 'c2'),
  };
  return compute(weights, real, generated);
};
