import type { Tensor, Tree } from '@brownian/graph';
import { poissonGradients } from '../flows/poisson.ts';
import type { SymbolicParams } from '../interfaces.ts';
import { averageParams } from '../optim/ema.ts';
import { globalNorm } from '../optim/scaling.ts';
import { type SymbolicState, applyUpdates } from '../optim/transform.ts';
import type { VariationalModel } from './variational-model.ts';

/** Arguments of {@link variationalUpdate}'s function: `data` and `noise` are `[n, ...item]`, `clock` `[n]`. */
export type UpdateArguments = [
  params: SymbolicParams,
  optimizer: SymbolicState,
  average: Tree<Tensor>,
  at: { data: Tensor; clock: Tensor; noise: Tensor },
];
/** Its result. */
export type UpdateResult = {
  params: SymbolicParams;
  optimizer: SymbolicState;
  average: Tree<Tensor>;
  metrics: Record<string, Tensor>;
};

/** One update of the parameters, to be compiled: the Poisson flow, the optimizer, the average, the diagnostics. */
export function variationalUpdate({ potential, poisson, optimizer, ema }: VariationalModel) {
  return (...[params, optimizerState, average, at]: UpdateArguments): UpdateResult => {
    const { gradients, metrics } = poissonGradients(potential, params, at, poisson);
    const { loss, covariance, speed, l2 } = metrics as Record<'loss' | 'covariance' | 'speed' | 'l2', Tensor>;
    const [updates, nextOptimizer] = optimizer.update(gradients, optimizerState, params);
    const next = applyUpdates(params, updates);
    return {
      params: next,
      optimizer: nextOptimizer,
      average: ema > 0 ? averageParams(average, next, ema) : [],
      metrics: {
        loss,
        covariance,
        flowSpeed: speed,
        potentialSquare: l2,
        parameterGradientNorm: globalNorm(gradients),
      },
    };
  };
}
