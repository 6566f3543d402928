import { type CountedField, type Samples, combine, errorNorms, largest } from './field.ts';
import type { Tableau } from './tableaux.ts';

/** Tolerances of an adaptive solution: each step's error stays within atol + rtol·|x|, in units of x. */
export interface Tolerances {
  readonly rtol: number;
  readonly atol: number;
}

/** Order of the error estimate: that of the embedded method, or of the method itself with two half steps. */
function estimateOrder({ embedded, order }: Tableau): number {
  return embedded?.order ?? order;
}

/**
 * What to multiply the step with after an error norm: a proportional-integral controller after an accepted step, which looks
 * back at the error before so that steps do not swing, a proportional one after a rejected step (Hairer and Wanner, IV.2).
 *
 * @param norm of this step's error, 1 at the tolerance
 * @param before that of the last accepted step
 */
export function stepFactor(tableau: Tableau, norm: number, before: number): number {
  const k = estimateOrder(tableau) + 1;
  if (!Number.isFinite(norm)) return 0.2;
  const safe = Math.max(norm, 1e-10);
  const raw = norm <= 1 ? 0.9 * safe ** (-0.7 / k) * before ** (0.4 / k) : 0.9 * safe ** (-1 / k);
  return Math.min(norm <= 1 ? 5 : 1, Math.max(0.2, raw));
}

/** A first step, from the sizes of x, f and a difference of f (Hairer, Nørsett and Wanner, II.4). One evaluation. */
export async function firstStep(
  field: CountedField,
  tableau: Tableau,
  from: { readonly t: number; readonly x: Float64Array; readonly slope: Float64Array; readonly end: number },
  tolerances: Tolerances,
  samples: Samples,
): Promise<number> {
  const { t, x, slope, end } = from;
  const size = (values: Float64Array): number => largest(errorNorms(values, [x, x], tolerances, samples));
  const [d0, d1] = [size(x), size(slope)];
  const whole = Math.abs(end - t);
  const guess = Math.min(whole, d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : (0.01 * d0) / d1);
  const direction = Math.sign(end - t);
  const there = await field.at(t + direction * guess, combine(x, direction * guess, [1], [slope]));
  const d2 = size(there.map((value, i) => value - (slope[i] as number))) / guess;
  const steepest = Math.max(d1, d2);
  const second =
    steepest <= 1e-15 ? Math.max(1e-6, guess * 1e-3) : (0.01 / steepest) ** (1 / (estimateOrder(tableau) + 1));
  const chosen = Math.min(100 * guess, second, whole);
  return Number.isFinite(chosen) ? chosen : guess;
}
