import { type Tensor, grad, ndarray } from '@brownian/graph';
import { eieg, elasticEnergy, elasticForces } from 'brownian';
import { type Conform, inputOf } from '../reference.ts';
import { runtime } from '../runtime.ts';
import { number, optional, readSpec, requireKnownInputs } from '../spec.ts';

/** The elastic energy of two sets, its gradient in the first, and the velocity of the elastic particle flow. */
export const conformEiegMetric: Conform = async (reference) => {
  const { attraction, repulsion, ...options } = readSpec(reference, {
    dimension: number,
    cutoff: number,
    attraction: optional(number, 1),
    repulsion: optional(number, 1),
  });
  requireKnownInputs(reference, ['x', 'y']);
  const [x, y] = [inputOf(reference, 'x'), inputOf(reference, 'y')];
  const slope = runtime().compile((a: Tensor, b: Tensor) => grad((p: Tensor) => elasticEnergy(p, b, options))(a), {
    name: 'elastic energy reference',
    precision: 'double',
  });
  const forces = elasticForces(runtime(), { kernel: options, attraction, repulsion });
  // By what users call: the metric by blocks, the gradient of the energy that generators train on, the velocity of the flow.
  const [metric, gradient, velocity] = [
    await eieg(runtime(), x, y, options),
    await slope(x, y),
    await forces.at(x, y, x),
  ];
  await forces.dispose();
  return { metric: ndarray(Float64Array.of(metric), []), grad_x: gradient, velocity };
};
