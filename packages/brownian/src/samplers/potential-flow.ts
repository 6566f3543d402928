import { type NDArray, type Tensor, expand, grad } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import type { Params, Potential, SymbolicParams } from '../interfaces.ts';
import { type Solution, type SolveOptions, solve } from '../solvers/solve.ts';

/** Options of {@link potentialFlow}, besides those of the solver. */
export interface PotentialFlowOptions extends SolveOptions {
  /** End of the clock s; 1 is where the data are, more refines them. Default 1. */
  readonly end?: number;
  /** Φ takes the clock as its condition. Default false. */
  readonly clock?: boolean;
}

/**
 * Moves particles by the potential flow ẋ = ∇ₓΦ(x) from s = 0 to `end` (VAPO, Eq. 12): from the prior to samples.
 *
 * @param start particles of the prior N(0, ω²I), `[particles, ...dims]`
 * @returns the samples, in double precision, with counts of evaluations and each particle's error
 * @throws SolverError when the end is not reached: where and why
 */
export async function potentialFlow(
  runtime: Runtime,
  potential: Potential,
  params: Params,
  start: NDArray,
  { end = 1, clock = false, ...options }: PotentialFlowOptions = {},
): Promise<Solution> {
  const velocity = (theta: SymbolicParams, x: Tensor, s: Tensor): Tensor => {
    const times = clock ? expand(s, [x.shape[0] as number]) : undefined;
    return grad((particles: Tensor) => potential.apply(theta, particles, times).sum())(x);
  };
  // Values that are not finite go to the solver, which takes the step back or says where they are.
  const compiled = runtime.compile(velocity, { name: 'potential flow', frozen: [0], checkFinite: false });
  try {
    const field = (s: number, x: NDArray): Promise<NDArray> =>
      compiled(params, x, { dtype: 'float32', shape: [], data: Float64Array.of(s) });
    return await solve(field, start, [0, end], options);
  } finally {
    await compiled.dispose();
  }
}
