import { type AdamOptions, heavyBall, scaleByAdam } from './moments.ts';
import { type Schedule, scaleByLearningRate, scaleByTrustRatio } from './scaling.ts';
import { type Transform, chainTransforms } from './transform.ts';

/** Stochastic gradient descent, with heavy-ball momentum if not 0. */
export function sgd(rate: number | Schedule, { momentum = 0 }: { readonly momentum?: number } = {}): Transform {
  return momentum === 0 ? scaleByLearningRate(rate) : chainTransforms(heavyBall(momentum), scaleByLearningRate(rate));
}

/** Adam (Kingma and Ba 2015). */
export function adam(rate: number | Schedule, options: AdamOptions = {}): Transform {
  return chainTransforms(scaleByAdam(options), scaleByLearningRate(rate));
}

/** LAMB (You et al. 2020): Adam's direction, each tensor's step in proportion to the tensor. ε defaults to 1e-6. */
export function lamb(rate: number | Schedule, options: AdamOptions = {}): Transform {
  return chainTransforms(scaleByAdam({ epsilon: 1e-6, ...options }), scaleByTrustRatio(), scaleByLearningRate(rate));
}
