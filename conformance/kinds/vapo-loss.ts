import { type Tensor, gelu } from '@brownian/graph';
import {
  POISSON_DEFAULTS,
  type Potential,
  type SymbolicParams,
  homotopyPoint,
  homotopyTime,
  poissonGradients,
} from 'brownian';
import { type LayerWeights, denseLayers, layersOf, namedSlopes } from '../layers.ts';
import { type Conform, inputOf, numberOf } from '../reference.ts';
import { runtime } from '../runtime.ts';

/** Hidden layers with exact GELU, and one output. */
function potentialOf(depth: number): Potential {
  return {
    init: () => [],
    apply: (params, x) => denseLayers(params as LayerWeights, depth, gelu, x).reshape([-1]),
  };
}

/** VAPO's loss with γ centred per datum, its parts, the points of the homotopy, and the gradient of every weight. */
export const conformVapoLoss: Conform = async (reference) => {
  const options = {
    ...POISSON_DEFAULTS,
    dataStd: numberOf(reference, 'dataStd'),
    priorStd: numberOf(reference, 'priorStd'),
    epsilon: numberOf(reference, 'epsilon'),
    poincare: numberOf(reference, 'eta'),
  };
  const { depth, weights } = layersOf(reference);
  const potential = potentialOf(depth);
  const compute = runtime().compile(
    (params: SymbolicParams, data: Tensor, clock: Tensor, noise: Tensor) => {
      const { t, weight } = homotopyTime(clock, options);
      const { x, innovation, meanInnovation } = homotopyPoint(data, t, noise, options);
      const { gradients, metrics } = poissonGradients(potential, params, { data, clock, noise }, options);
      const point = { x, gamma: innovation, gammaBar: meanInnovation, weight };
      return { ...point, ...metrics, ...namedSlopes(gradients as LayerWeights) };
    },
    { name: 'VAPO reference' },
  );
  return compute(weights, inputOf(reference, 'data'), inputOf(reference, 'u'), inputOf(reference, 'xi'));
};
