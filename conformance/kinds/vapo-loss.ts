import { type Tensor, gelu, matmul, transpose } from '@brownian/graph';
import {
  POISSON_DEFAULTS,
  type Potential,
  type SymbolicParams,
  homotopyPoint,
  homotopyTime,
  poissonGradients,
} from 'brownian';
import { type Conform, inputOf, numberOf } from '../reference.ts';
import { runtime } from '../runtime.ts';

const WEIGHTS = ['a1', 'c1', 'a2', 'c2', 'a3'] as const;
type Weights = Readonly<Record<(typeof WEIGHTS)[number], Tensor>>;

/** Two hidden layers with exact GELU, weights `[out, in]`, no output bias. */
const POTENTIAL: Potential = {
  init: () => [],
  apply: (params, x) => {
    const { a1, c1, a2, c2, a3 } = params as Weights;
    const first = gelu(matmul(x, transpose(a1)).add(c1));
    const second = gelu(matmul(first, transpose(a2)).add(c2));
    return matmul(second, transpose(a3)).reshape([-1]);
  },
};

/** VAPO's loss with γ centred per datum, its parts, the points of the homotopy, and the gradient of every weight. */
export const conformVapoLoss: Conform = async (reference) => {
  const options = {
    ...POISSON_DEFAULTS,
    dataStd: numberOf(reference, 'dataStd'),
    priorStd: numberOf(reference, 'priorStd'),
    epsilon: numberOf(reference, 'epsilon'),
    poincare: numberOf(reference, 'eta'),
  };
  const compute = runtime().compile(
    (params: SymbolicParams, data: Tensor, clock: Tensor, noise: Tensor) => {
      const { t, weight } = homotopyTime(clock, options);
      const { x, innovation, meanInnovation } = homotopyPoint(data, t, noise, options);
      const { gradients, metrics } = poissonGradients(POTENTIAL, params, { data, clock, noise }, options);
      const slopes = Object.entries(gradients as Weights).map(([name, value]) => [`grad_${name}`, value]);
      const point = { x, gamma: innovation, gammaBar: meanInnovation, weight };
      return { ...point, ...metrics, ...(Object.fromEntries(slopes) as Record<string, Tensor>) };
    },
    { name: 'VAPO reference' },
  );
  const weights = Object.fromEntries(WEIGHTS.map((name) => [name, inputOf(reference, name)]));
  return compute(weights, inputOf(reference, 'data'), inputOf(reference, 'u'), inputOf(reference, 'xi'));
};
