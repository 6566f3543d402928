import { type Tensor, matmul, tanh, sin } from '@brownian/graph';
import { SOLVERS, type SolveOptions, type SolverName, type VectorField, solve } from 'brownian';
import { type Conform, type Reference, inputOf } from '../reference.ts';
import { runtime } from '../runtime.ts';
import { count, number, oneOf, optional, readSpec, requireKnownInputs } from '../spec.ts';

const TOLERANCE = 1e-5;

/** Between which times and how: by steps of a fixed size, which take no tolerances, or to 1e-5. */
function specOf(reference: Reference): { readonly times: readonly [number, number]; readonly options: SolveOptions } {
  const { t0, t1, solver, stepSize, rtol, atol, maxSteps } = readSpec(reference, {
    t0: number,
    t1: number,
    solver: optional(oneOf(Object.keys(SOLVERS) as SolverName[]), 'dopri5'),
    stepSize: optional(number, undefined),
    rtol: optional(number, undefined),
    atol: optional(number, undefined),
    maxSteps: optional(count, undefined),
  });
  const given = { ...(rtol !== undefined && { rtol }), ...(atol !== undefined && { atol }) };
  const steps = stepSize === undefined ? { rtol: TOLERANCE, atol: TOLERANCE, ...given } : { stepSize, ...given };
  return { times: [t0, t1], options: { solver, ...steps, ...(maxSteps !== undefined && { maxSteps }) } };
}

/** ẏ = tanh(A y) − .3 y + sin(3 t), in double precision on the runtime, by Dormand and Prince's adaptive method unless the file names another. */
export const conformOde: Conform = async (reference) => {
  const { times, options } = specOf(reference);
  requireKnownInputs(reference, ['A', 'y0']);
  const a = inputOf(reference, 'A');
  const y0 = inputOf(reference, 'y0');
  const slope = runtime().compile(
    (matrix: Tensor, y: Tensor, t: Tensor) =>
      tanh(matmul(matrix, y.reshape([-1, 1])).reshape(y.shape))
        .sub(y.mul(0.3))
        .add(sin(t.mul(3))),
    { name: 'ODE reference', precision: 'double', checkFinite: false },
  );
  const field: VectorField = (t, y) => slope(a, y, { dtype: 'float32', shape: [], data: Float64Array.of(t) });
  const { x } = await solve(field, y0, times, options);
  return { y1: x };
};
