import { type NDArray, type Tensor, full, mapTree, sqrt, zeros } from '@brownian/graph';
import type { SymbolicParams } from '../interfaces.ts';
import type { SymbolicState, Transform, TransformState } from './transform.ts';

function zerosLike(params: unknown): TransformState {
  return mapTree<NDArray, NDArray, TransformState>((p) => zeros(p.shape), params);
}

function decayed(
  average: SymbolicState,
  values: SymbolicParams,
  decay: number,
  f: (v: Tensor) => Tensor,
): SymbolicState {
  return mapTree<Tensor, Tensor, SymbolicState>((m, v) => m.mul(decay).add(f(v).mul(1 - decay)), average, values);
}

/** Heavy-ball momentum: v ← momentum·v + g, and v is the update (as PyTorch's SGD writes it). */
export function heavyBall(momentum: number): Transform {
  return {
    init: zerosLike,
    update: (updates, state) => {
      const velocity = mapTree<Tensor, Tensor, SymbolicState>((v, g) => v.mul(momentum).add(g), state, updates);
      return [velocity, velocity];
    },
  };
}

/** Options of {@link scaleByAdam}. */
export interface AdamOptions {
  /** Decay β₁ of the mean of gradients. Default 0.9. */
  readonly beta1?: number;
  /** Decay β₂ of the mean of their squares. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the second moment. Default 1e-8. */
  readonly epsilon?: number;
}

interface AdamState {
  readonly mean: SymbolicState;
  readonly square: SymbolicState;
  /** Decayed averages of the constant 1, which are 1 − βᵗ: exact to rounding, where a power of β would cancel. */
  readonly meanWeight: Tensor;
  readonly squareWeight: Tensor;
}

/** m̂/(√v̂ + ε) with bias-corrected moments (Kingma and Ba 2015, Algorithm 1). */
export function scaleByAdam({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions = {}): Transform {
  return {
    init: (params) => ({
      mean: zerosLike(params),
      square: zerosLike(params),
      meanWeight: full([], 0),
      squareWeight: full([], 0),
    }),
    update: (updates, state) => {
      const before = state as unknown as AdamState;
      const mean = decayed(before.mean, updates, beta1, (g) => g);
      const square = decayed(before.square, updates, beta2, (g) => g.square());
      const meanWeight = before.meanWeight.mul(beta1).add(1 - beta1);
      const squareWeight = before.squareWeight.mul(beta2).add(1 - beta2);
      // (m/a)/(√(v/b) + ε) = m/(√v + ε√b) · √b/a: the corrections are made once, on numbers.
      const root = sqrt(squareWeight);
      const [smallest, correction] = [root.mul(epsilon), root.div(meanWeight)];
      const direction = mapTree<Tensor, Tensor, SymbolicParams>(
        (m, v) => m.div(sqrt(v).add(smallest)).mul(correction),
        mean,
        square,
      );
      return [direction, { mean, square, meanWeight, squareWeight }];
    },
  };
}
