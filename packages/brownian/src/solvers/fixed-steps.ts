/** Steps of one size between two times, the last one shorter when they do not divide the interval. */
export interface FixedSteps {
  readonly count: number;
  /** Signed, in units of t. */
  readonly size: number;
  /** The time at which a step ends, from step 1 on. */
  readonly endOf: (step: number) => number;
}

/**
 * Steps of `stepSize` from t₀ to t₁. They are counted: times that were added up would miss the end by a sliver, and a step would
 * be taken for it.
 *
 * @throws RangeError when a step is too small to change t
 */
export function fixedSteps(t0: number, t1: number, stepSize: number): FixedSteps {
  if (t0 !== t1 && stepSize < 16 * Number.EPSILON * Math.max(Math.abs(t0), Math.abs(t1)))
    throw new RangeError(
      `A stepSize of ${stepSize} is too small to change t between ${t0} and ${t1}; take larger ones.`,
    );
  // The interval is a whole number of steps but for the rounding of its ends and of the division.
  const count = Math.ceil((Math.abs(t1 - t0) / stepSize) * (1 - 1e-12));
  const size = Math.sign(t1 - t0) * stepSize;
  return { count, size, endOf: (step) => (step < count ? t0 + step * size : t1) };
}
