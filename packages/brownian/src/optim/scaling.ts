import { type Tensor, full, equal, mapTree, minimum, flatten, operand, or, select, sqrt } from '@brownian/graph';
import type { SymbolicParams } from '../interfaces.ts';
import { type Transform, stateless } from './transform.ts';

function norm(x: Tensor): Tensor {
  return sqrt(x.square().sum());
}

/** √Σ‖x‖² over every tensor of a tree; 0 for a tree without tensors. */
export function globalNorm(tree: SymbolicParams): Tensor {
  const squares = flatten<Tensor>(tree).leaves.map((leaf) => leaf.square().sum());
  return sqrt(squares.reduce((sum, square) => sum.add(square), operand(0)));
}

/** Scales all updates together so that their global norm is at most `largest`. */
export function clipByGlobalNorm(largest: number): Transform {
  return stateless((updates) => {
    const factor = minimum(operand(largest).div(globalNorm(updates).add(1e-12)), 1);
    return mapTree<Tensor, Tensor, SymbolicParams>((g) => g.mul(factor), updates);
  });
}

/** Each tensor's update scaled by ‖parameter‖/‖update‖, or 1 where either vanishes (LAMB, You et al. 2020, Algorithm 2). */
export function scaleByTrustRatio(): Transform {
  return stateless((updates, params) =>
    mapTree<Tensor, Tensor, SymbolicParams>(
      (u, p) => {
        const [size, step] = [norm(p), norm(u)];
        return u.mul(select(or(equal(size, 0), equal(step, 0)), 1, size.div(step)));
      },
      updates,
      params,
    ),
  );
}

/** A learning rate as a function of the number of updates made so far, a float32 scalar. */
export type Schedule = (count: Tensor) => Tensor;

/** Multiplies updates by −rate, so that adding them descends. */
export function scaleByLearningRate(rate: number | Schedule): Transform {
  if (typeof rate === 'number')
    return stateless((updates) => mapTree<Tensor, Tensor, SymbolicParams>((u) => u.mul(-rate), updates));
  return {
    init: () => ({ count: full([], 0) }),
    update: (updates, state) => {
      const { count } = state as { count: Tensor };
      const factor = rate(count).neg();
      return [mapTree<Tensor, Tensor, SymbolicParams>((u) => u.mul(factor), updates), { count: count.add(1) }];
    },
  };
}
