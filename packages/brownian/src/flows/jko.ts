import { type Tensor, operand } from '@brownian/graph';
import type { Potential, SymbolicParams } from '../interfaces.ts';
import type { PenaltyForm } from '../learners/options.ts';
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
  /** Weight β of the squared speed. The paper's is 60. */
  readonly beta: number;
  /** Turns ∇ₓΦ into a displacement: `driftScale` of the sampler that moves the particles. */
  readonly speedScale: number;
  /** How its gradient is computed; both ways give the same. Default `double-backprop`. */
  readonly penalty?: PenaltyForm;
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
