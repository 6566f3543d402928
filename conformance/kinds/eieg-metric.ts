import { type Tensor, ndarray, valueAndGrad } from '@brownian/graph';
import { eieg, elasticEnergy } from 'brownian';
import { type Conform, inputOf, numberOf } from '../reference.ts';
import { runtime } from '../runtime.ts';

/** The elastic energy of two sets, its gradient in the first, and the velocity of the elastic particle flow. */
export const conformEiegMetric: Conform = async (reference) => {
  const options = { dimension: numberOf(reference, 'dimension'), cutoff: numberOf(reference, 'cutoff') };
  const [x, y] = [inputOf(reference, 'x'), inputOf(reference, 'y')];
  const compute = runtime().compile(
    (a: Tensor, b: Tensor) => {
      const [energy, gradient] = valueAndGrad((p: Tensor) => elasticEnergy(p, b, options))(a);
      return { energy, gradient, velocity: gradient.mul(-(a.shape[0] as number) / 2) };
    },
    { name: 'elastic energy reference', precision: 'double' },
  );
  const { gradient, velocity } = await compute(x, y);
  // The metric by blocks, as users measure it; the gradient and the velocity of the energy they train on.
  const metric = ndarray(Float64Array.of(await eieg(runtime(), x, y, options)), []);
  return { metric, grad_x: gradient, velocity };
};
