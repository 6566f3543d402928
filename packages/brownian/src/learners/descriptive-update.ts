import { type NDArray, type Tensor, type Tree, clip, mapTree } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { FlowPoint } from '../flows/flow.ts';
import type { SymbolicParams } from '../interfaces.ts';
import { responseDistance } from '../metrics/response-distance.ts';
import { averageParams } from '../optim/ema.ts';
import { globalNorm } from '../optim/scaling.ts';
import { type SymbolicState, applyUpdates } from '../optim/transform.ts';
import type { DescriptiveModel } from './descriptive-model.ts';
import { meanEnergy } from './trajectory.ts';

/** Arguments of {@link descriptiveUpdate}'s function. */
export type UpdateArguments = [params: SymbolicParams, optimizer: SymbolicState, average: Tree<Tensor>, at: FlowPoint];
/** Its result. */
export type UpdateResult = {
  params: SymbolicParams;
  optimizer: SymbolicState;
  average: Tree<Tensor>;
  metrics: Record<string, Tensor>;
};

function clipped(params: SymbolicParams, largest: number | null): SymbolicParams {
  if (largest === null) return params;
  return mapTree<Tensor, Tensor, SymbolicParams>((leaf) => clip(leaf, -largest, largest), params);
}

/** One update of the parameters, as a function to be compiled: the flow, the optimizer, the average, the diagnostics. */
export function descriptiveUpdate({
  potential,
  flow,
  optimizer,
  ema,
  langevin: options,
  weightClip = null,
}: Pick<DescriptiveModel, 'potential' | 'flow' | 'optimizer' | 'ema' | 'langevin' | 'weightClip'>): (
  ...args: UpdateArguments
) => UpdateResult {
  return function update(params, optimizerState, average, at) {
    const { gradients, metrics } = flow.gradients(potential, params, at);
    const [updates, nextOptimizer] = optimizer.update(gradients, optimizerState, params);
    const next = clipped(applyUpdates(params, updates), weightClip);
    const distance = responseDistance(potential, params, at.particles, at.data);
    return {
      params: next,
      optimizer: nextOptimizer,
      average: ema > 0 ? averageParams(average, next, ema) : [],
      metrics: {
        ...metrics,
        parameterGradientNorm: globalNorm(gradients),
        ...(distance && { responseDistance: distance }),
        // Without a reference it is minus the potential.
        ...(options.reference && {
          energy: meanEnergy(potential.apply(params, at.particles, at.labels?.particles).mean(), at.particles, options),
        }),
      },
    };
  };
}

/** Data with Gaussian noise of a standard deviation, within bounds. */
export function noisyData(x: NDArray, std: number, bounds: readonly [number, number] | null, draw: Stream): NDArray {
  if (std === 0) return x;
  const [low, high] = bounds ?? [-Infinity, Infinity];
  const noise = draw.normal(x.shape).data as Float32Array;
  return {
    ...x,
    data: (x.data as Float32Array).map((v, i) => Math.min(high, Math.max(low, v + std * (noise[i] as number)))),
  };
}
