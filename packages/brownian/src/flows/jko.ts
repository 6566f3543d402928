import { type Tensor, operand } from '@brownian/graph';
import type { Potential, SymbolicParams } from '../interfaces.ts';
import type { LangevinOptions, PenaltyForm } from '../learners/options.ts';
import { driftResponse, driftScale } from '../samplers/langevin.ts';
import {
  type ContrastOptions,
  type Flow,
  type FlowPoint,
  contrast,
  differentiate,
  directionalSpeed,
  squaredSpeed,
} from './flow.ts';

/** Options of {@link jko}. */
export interface JkoOptions extends ContrastOptions {
  /** Weight β of the squared speed. The paper's is 60; for fixed filters see {@link stableBeta}. */
  readonly beta: number;
  /** Turns ∇ₓΦ into a displacement: `driftScale` of the sampler that moves the particles. */
  readonly speedScale: number;
  /** How its gradient is computed; both ways give the same. Default `double-backprop`. */
  readonly penalty?: PenaltyForm;
}

/** The part of the JKO term that {@link stableBeta} charges: an implicit step bears more of it. */
const SHARES = { explicit: 0.024, implicit: 0.072 } as const;

/**
 * β for fixed filters: 2.4 % of the full JKO term, or 7.2 % where its step is implicit; in two digits.
 *
 * A particle that ∇ₓΦ drives for the time τ of one iteration moves by τ∇ₓΦ, and the Jordan-Kinderlehrer-Otto step charges W₂²/2τ =
 * τ/2 E‖∇ₓΦ‖² for it. τ is `driftResponse` of the sampler and s its `driftScale`, so the full term is β = τ/s². An explicit step on it
 * is too stiff; the shares are measured (docs/results/wframe.md), and, being ratios, are the same for any filters, δ, σ and L.
 *
 * @returns 2e5, or 6e5 for the implicit step, for δ = .2, σ = .01, L = 20
 */
export function stableBeta(langevin: LangevinOptions, step: keyof typeof SHARES = 'explicit'): number {
  return Number(((SHARES[step] * driftResponse(langevin)) / driftScale(langevin) ** 2).toPrecision(2));
}

/** β/2 [(1−γ) speed at the previous particles + γ speed at the current ones], and the two speeds. */
export function speedPenalty(
  potential: Potential,
  params: SymbolicParams,
  at: FlowPoint,
  { beta, speedScale, penalty = 'double-backprop' }: JkoOptions,
): { loss: Tensor; parts: Record<string, Tensor> } {
  const squared = penalty === 'directional' ? directionalSpeed : squaredSpeed;
  const speed = squared(potential, params, at.particles, speedScale, at.labels?.particles);
  const previousSpeed = squared(potential, params, at.previous, speedScale, at.labels?.previous);
  const mean = previousSpeed.mul(operand(1).sub(at.gamma)).add(speed.mul(at.gamma));
  return { loss: mean.mul(beta / 2), parts: { speed, previousSpeed } };
}

/**
 * The Jordan-Kinderlehrer-Otto (Wasserstein) flow (generalised GCN, Eq. 17-18, Algorithm 1 line 16; wFRAME, Eq. 14): the KL flow
 * with the squared speed of the particles as a penalty,
 *
 *   β/2 [(1−γ) E‖h²/2 ∇ₓΦ‖² at the previous particles + γ E‖h²/2 ∇ₓΦ‖² at the current ones],
 *
 * both at the current parameters, in displacement units (METHODS section 1). Its gradient differentiates ∇ₓΦ again.
 */
export function jko(options: JkoOptions): Flow {
  return {
    gradients: (potential, params, at) =>
      differentiate(params, (p) => {
        const { loss, parts } = contrast(potential, p, at, options);
        const penalty = speedPenalty(potential, p, at, options);
        return { loss: loss.add(penalty.loss), parts: { ...parts, ...penalty.parts } };
      }),
  };
}
