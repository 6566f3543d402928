import { expect } from 'vitest';

/** Seeds are fixed, so a test passes always or never; a sound one fails at this bound once in 16,000 z-scores. */
export const MAX_Z = 4;

/** Moments of a sample, and its size. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Mean squared deviation from the mean, with n − 1. */
  readonly variance: number;
  /** Fourth central moment over squared variance: 3 for a Gaussian. */
  readonly kurtosis: number;
}

export function momentsOf(values: ArrayLike<number>): Moments {
  const count = values.length;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i] as number;
  const mean = sum / count;
  let [second, fourth] = [0, 0];
  for (let i = 0; i < count; i++) {
    const square = ((values[i] as number) - mean) ** 2;
    second += square;
    fourth += square * square;
  }
  return { count, mean, variance: second / (count - 1), kurtosis: fourth / count / (second / count) ** 2 };
}

/** z-scores of a sample of independent values against N(mean, variance). */
export function gaussianScores(
  values: ArrayLike<number>,
  mean: number,
  variance: number,
): Readonly<Record<'mean' | 'variance' | 'kurtosis', number>> {
  const found = momentsOf(values);
  const n = found.count;
  return {
    mean: (found.mean - mean) / Math.sqrt(variance / n),
    variance: (found.variance - variance) / (variance * Math.sqrt(2 / (n - 1))),
    kurtosis: (found.kurtosis - 3) / Math.sqrt(24 / n),
  };
}

/** z-score of the correlation of n independent pairs against ρ: Fisher's atanh r has the standard error 1/√(n − 3). */
export function correlationScore(a: ArrayLike<number>, b: ArrayLike<number>, rho: number): number {
  const [left, right] = [momentsOf(a), momentsOf(b)];
  let covariance = 0;
  for (let i = 0; i < a.length; i++) covariance += ((a[i] as number) - left.mean) * ((b[i] as number) - right.mean);
  covariance /= a.length - 1;
  const r = covariance / Math.sqrt(left.variance * right.variance);
  return (Math.atanh(r) - Math.atanh(rho)) * Math.sqrt(a.length - 3);
}

/** Every z-score of a table is within {@link MAX_Z}. */
export function expectScores(scores: Readonly<Record<string, number>>): void {
  const large = Object.entries(scores).filter(([, z]) => !(Math.abs(z) < MAX_Z));
  expect(Object.fromEntries(large)).toEqual({});
}

/**
 * p-value of the Kolmogorov-Smirnov distance of independent values from a law, by the limiting distribution with Stephens' correction
 * for their number: 2 Σ (−1)^(k−1) exp(−2k²λ²), λ = (√n + .12 + .11/√n) D.
 *
 * @param cumulative distribution function of the law
 */
export function kolmogorovSmirnov(values: readonly number[], cumulative: (value: number) => number): number {
  const n = values.length;
  const distance = values
    .map(cumulative)
    .toSorted((a, b) => a - b)
    .reduce((most, p, i) => Math.max(most, (i + 1) / n - p, p - i / n), 0);
  const lambda = (Math.sqrt(n) + 0.12 + 0.11 / Math.sqrt(n)) * distance;
  const terms = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 2 : -2) * Math.exp(-2 * ((i + 1) * lambda) ** 2));
  return Math.min(
    1,
    terms.reduce((sum, term) => sum + term, 0),
  );
}
