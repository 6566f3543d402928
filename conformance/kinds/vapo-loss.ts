import type { Tensor } from '@brownian/graph';
import {
  HOMOTOPY_DEFAULTS,
  POISSON_DEFAULTS,
  type PoissonOptions,
  type Potential,
  type SymbolicParams,
  homotopyPoint,
  homotopyTime,
  poissonGradients,
} from 'brownian';
import { activation, activationOf } from '../activations.ts';
import { type LayerWeights, denseLayers, layersOf, namedSlopes } from '../layers.ts';
import { type Conform, type Reference, ReferenceError, inputOf } from '../reference.ts';
import { runtime } from '../runtime.ts';
import { eitherOf, number, oneOf, optional, readSpec } from '../spec.ts';

/** Hidden layers with an activation, and one output. */
function potentialOf(depth: number, act: (x: Tensor) => Tensor): Potential {
  return {
    init: () => [],
    apply: (params, x) => denseLayers(params as LayerWeights, depth, act, x).reshape([-1]),
  };
}

/** The loss and the path; what the file leaves out is the paper's. */
function specOf(reference: Reference): { readonly options: PoissonOptions; readonly act: (x: Tensor) => Tensor } {
  const spec = readSpec(reference, {
    dataStd: optional(number, undefined),
    s: optional(number, undefined),
    priorStd: optional(number, undefined),
    omega: optional(number, undefined),
    epsilon: optional(number, HOMOTOPY_DEFAULTS.epsilon),
    eta: optional(number, POISSON_DEFAULTS.poincare),
    estimator: optional(oneOf(['covariance', 'stein']), POISSON_DEFAULTS.estimator),
    centring: optional(oneOf(['datum', 'batch']), POISSON_DEFAULTS.centring),
    backprop: optional(oneOf(['double', 'directional']), POISSON_DEFAULTS.backprop),
    activation: optional(activation, 'gelu'),
  });
  const { epsilon, eta: poincare, estimator, centring, backprop } = spec;
  // Stein's lemma centres by the datum: there is no other form of it that a file could mean.
  if (estimator === 'stein' && centring === 'batch')
    throw new ReferenceError('spec.centring "batch" is for spec.estimator "covariance"; "stein" is centred as it is.');
  const dataStd = eitherOf({ dataStd: spec.dataStd, s: spec.s }) ?? HOMOTOPY_DEFAULTS.dataStd;
  const priorStd = eitherOf({ priorStd: spec.priorStd, omega: spec.omega }) ?? HOMOTOPY_DEFAULTS.priorStd;
  const options = { ...POISSON_DEFAULTS, dataStd, priorStd, epsilon, poincare, estimator, centring, backprop };
  return { options, act: activationOf(spec.activation) };
}

/** VAPO's loss, its parts, the points of the homotopy, and the gradient of every weight. */
export const conformVapoLoss: Conform = async (reference) => {
  const { options, act } = specOf(reference);
  const { depth, weights } = layersOf(reference, ['data', 'u', 'xi']);
  const potential = potentialOf(depth, act);
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
