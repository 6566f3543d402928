import { type NDArray, type Tensor, expand, grad } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import type { Params, Potential, SymbolicParams } from '../interfaces.ts';
import type { VectorField } from '../solvers/field.ts';
import { type Solution, type SolveOptions, solve } from '../solvers/solve.ts';

/** Options of {@link potentialFlow}, besides those of the solver. */
export interface PotentialFlowOptions extends SolveOptions {
  /** Where the clock s starts; 1 runs the flow backwards when `end` is 0. Default 0. */
  readonly start?: number;
  /** End of the clock s; 1 is where the data are, more refines them. Default 1. */
  readonly end?: number;
  /** Φ takes the clock as its condition. Beyond 1, where it has not learned, the clock it is given stays at 1. Default false. */
  readonly clock?: boolean;
}

/** The field ∇ₓΦ of fixed parameters, compiled, with what frees it. */
export interface PotentialField {
  readonly velocity: VectorField;
  dispose(): Promise<void>;
}

/** Compiles the velocity ẋ = ∇ₓΦ(x, s) of a potential with these parameters built in. */
export function potentialField(
  runtime: Runtime,
  potential: Potential,
  params: Params,
  { clock = false }: Pick<PotentialFlowOptions, 'clock'> = {},
): PotentialField {
  const velocity = (theta: SymbolicParams, x: Tensor, s: Tensor): Tensor => {
    const times = clock ? expand(s, [x.shape[0] as number]) : undefined;
    return grad((particles: Tensor) => potential.apply(theta, particles, times).sum())(x);
  };
  // Values that are not finite go to the solver, which takes the step back or says where they are.
  const compiled = runtime.compile(velocity, { name: 'potential flow', frozen: [0], checkFinite: false });
  return {
    velocity: (s, x) => compiled(params, x, { dtype: 'float32', shape: [], data: Float64Array.of(Math.min(s, 1)) }),
    dispose: () => compiled.dispose(),
  };
}

/**
 * Moves particles by the potential flow ẋ = ∇ₓΦ(x) from s = 0 to `end` (VAPO, Eq. 12): from the prior to samples.
 *
 * @param from particles of the prior N(0, ω²I), `[particles, ...dims]`
 * @returns the samples, in double precision, with counts of evaluations and each particle's error
 * @throws SolverError when the end is not reached: where and why
 */
export async function potentialFlow(
  runtime: Runtime,
  potential: Potential,
  params: Params,
  from: NDArray,
  { start = 0, end = 1, clock = false, ...options }: PotentialFlowOptions = {},
): Promise<Solution> {
  const field = potentialField(runtime, potential, params, { clock });
  try {
    return await solve(field.velocity, from, [start, end], options);
  } finally {
    await field.dispose();
  }
}
