import { type Tensor, abs } from '@brownian/graph';
import type { Potential, SymbolicParams } from '../interfaces.ts';

/**
 * Response distance R = (1/K) Σₖ |mean Fₖ(x) − mean Fₖ(y)|, Fₖ the mean response of the k-th filter (wFRAME, section 4).
 *
 * @returns a scalar, or undefined for a potential without filters
 */
export function responseDistance(
  potential: Potential,
  params: SymbolicParams,
  x: Tensor,
  y: Tensor,
): Tensor | undefined {
  if (potential.responses === undefined) return undefined;
  return abs(potential.responses(params, x).sub(potential.responses(params, y))).mean();
}
