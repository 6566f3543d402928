import { type Tensor, constant, expand, full, operand, sqrt, vjp } from '@brownian/graph';
import type { Potential, SymbolicParams } from '../interfaces.ts';

/** What a preview is made from: particles on their way and those that arrived, data, the clock and the step, scalars. */
export type PreviewArguments = [
  params: SymbolicParams,
  at: { moving: Tensor; particles: Tensor; data: Tensor; clock: Tensor; step: Tensor },
];

/** Where the particles are after it, and what was seen. */
export type PreviewResult = { moved: Tensor; metrics: Record<string, Tensor> };

/**
 * An Euler step x + Δs ∇Φ(x, s) of particles on their way, to be compiled, with the mean length of ∇Φ there, and the means of Φ
 * at the end of the path over data and over particles that arrived.
 *
 * @param timed whether Φ takes the clock
 */
export function previewStep(potential: Potential, timed: boolean): (...args: PreviewArguments) => PreviewResult {
  return (params, { moving, particles, data, clock, step }) => {
    const phi = (x: Tensor, s: Tensor): Tensor =>
      potential.apply(params, x, timed ? expand(s, [x.shape[0] as number]) : undefined);
    const [value, pullback] = vjp((x: Tensor) => phi(x, clock), moving);
    const force = pullback(constant(full(value.shape, 1)));
    const axes = moving.shape.slice(1).map((_, axis) => axis + 1);
    return {
      moved: moving.add(force.mul(step)),
      metrics: {
        potentialData: phi(data, operand(1)).mean(),
        potentialParticles: phi(particles, operand(1)).mean(),
        gradientNorm: sqrt(force.square().sum(axes)).mean(),
      },
    };
  };
}
