import { type Shape, type Tensor, full } from '@brownian/graph';
import type { Potential } from '../../src/interfaces.ts';
import { dense, pointwise } from '../../src/nets/layers.ts';
import { chain } from '../../src/nets/net.ts';
import { ACTIVATIONS } from '../../src/nets/activations.ts';
import { descriptor } from '../../src/potentials/descriptor.ts';

/** All axes but that of the particles. */
function itemAxes(x: Tensor): number[] {
  return x.shape.map((_, axis) => axis).slice(1);
}

/** Φ = 0: what is left is the reference N(0, σ²I). */
export const FLAT: Potential = {
  init: () => [],
  apply: (_, x) => x.mul(0).sum(itemAxes(x)),
};

/** Φ = θ·x, so the model is N(σ²θ, σ²I): the one potential whose maximum likelihood has a closed form for every data set. */
export function linear(shape: Shape): Potential {
  return {
    init: () => ({ theta: full(shape, 0) }),
    apply: (params, x) => x.mul((params as { theta: Tensor }).theta).sum(itemAxes(x)),
  };
}

/** Φ = −‖x − μ‖²/2τ², a Gaussian likelihood of width τ about μ in every coordinate. */
export function quadratic(mean: number, tau: number): Potential {
  return {
    init: () => [],
    apply: (_, x) =>
      x
        .sub(mean)
        .square()
        .sum(itemAxes(x))
        .mul(-1 / (2 * tau * tau)),
  };
}

/** Smooth features of points, 2 → 4 → 3, for finite differences. */
export function smoothPotential(): Potential {
  const act = pointwise(ACTIVATIONS.tanh);
  return descriptor(chain(dense(4), act, dense(3), pointwise(ACTIVATIONS.silu))([2]));
}
