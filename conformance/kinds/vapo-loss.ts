import { type NDArray, type Tensor, gelu, matmul, transpose } from '@brownian/graph';
import {
  POISSON_DEFAULTS,
  type Potential,
  type SymbolicParams,
  homotopyPoint,
  homotopyTime,
  poissonGradients,
} from 'brownian';
import { type Conform, type Reference, inputOf, numberOf } from '../reference.ts';
import { runtime } from '../runtime.ts';

type Weights = Readonly<Record<string, Tensor>>;

/** Hidden layers a{k}, c{k} with exact GELU, weights `[out, in]`, and a last layer without bias. As many as there are. */
function potentialOf(depth: number): Potential {
  return {
    init: () => [],
    apply: (params, x) => {
      const weights = params as Weights;
      let value = x;
      for (let k = 1; k < depth; k++) {
        const [a, c] = [weights[`a${k}`] as Tensor, weights[`c${k}`] as Tensor];
        value = gelu(matmul(value, transpose(a)).add(c));
      }
      return matmul(value, transpose(weights[`a${depth}`] as Tensor)).reshape([-1]);
    },
  };
}

/** The weights that a file has: a1, c1, …, and the last layer's without a bias. @throws ReferenceError when one is missing */
function weightsOf(reference: Reference): { depth: number; weights: Record<string, NDArray> } {
  let depth = 1;
  while (reference.inputs[`a${depth + 1}`] !== undefined) depth++;
  const layers = Array.from({ length: depth }, (_, i) => i + 1);
  const names = layers.flatMap((k) => (k < depth ? [`a${k}`, `c${k}`] : [`a${k}`]));
  return { depth, weights: Object.fromEntries(names.map((name) => [name, inputOf(reference, name)])) };
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
  const { depth, weights } = weightsOf(reference);
  const potential = potentialOf(depth);
  const compute = runtime().compile(
    (params: SymbolicParams, data: Tensor, clock: Tensor, noise: Tensor) => {
      const { t, weight } = homotopyTime(clock, options);
      const { x, innovation, meanInnovation } = homotopyPoint(data, t, noise, options);
      const { gradients, metrics } = poissonGradients(potential, params, { data, clock, noise }, options);
      const slopes = Object.entries(gradients as Weights).map(([name, value]) => [`grad_${name}`, value]);
      const point = { x, gamma: innovation, gammaBar: meanInnovation, weight };
      return { ...point, ...metrics, ...(Object.fromEntries(slopes) as Record<string, Tensor>) };
    },
    { name: 'VAPO reference' },
  );
  return compute(weights, inputOf(reference, 'data'), inputOf(reference, 'u'), inputOf(reference, 'xi'));
};
