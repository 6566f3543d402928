import { type NDArray, ndarray } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import type { Params } from '../interfaces.ts';
import { blocksOf, rowsOf } from '../metrics/rows.ts';
import { potentialField } from '../samplers/potential-flow.ts';
import { type SolveOptions, solve } from '../solvers/solve.ts';
import { BLOCK, paddedRows } from './potential-values.ts';
import type { FlowEdit, Flowed, VariationalModel } from './variational-model.ts';
import type { OdeOptions } from './variational-options.ts';

/** How steps are chosen; of a fixed size when there is one, beside which only tolerances that are asked for are passed on, to be refused. */
function steps(sampling: OdeOptions, edit: FlowEdit): SolveOptions {
  const { solver, rtol, atol, maxSteps, stepSize } = { ...sampling, ...edit };
  if (stepSize === null) return { solver, rtol, atol, maxSteps };
  const { rtol: relative, atol: absolute, maxSteps: most } = edit;
  return {
    solver,
    stepSize,
    ...(relative !== undefined && { rtol: relative }),
    ...(absolute !== undefined && { atol: absolute }),
    ...(most !== undefined && { maxSteps: most }),
  };
}

/**
 * Moves particles along the flow of a learned potential, in blocks, so that memory does not grow with their number.
 *
 * @param params of the potential
 * @param from `[n, ...item]`
 * @throws SolverError when the end is not reached: where and why
 */
export async function runFlow(
  runtime: Runtime,
  { potential, poisson, sampling }: VariationalModel,
  params: Params,
  from: NDArray,
  edit: FlowEdit,
): Promise<Flowed> {
  const { tEnd, tStart = 0, saveAt = [], onSaved, onProgress } = { ...sampling, ...edit };
  const options: SolveOptions = { ...steps(sampling, edit), saveAt };
  const n = from.shape[0] as number;
  const [x, ...kept] = [0, ...saveAt].map(() => new Float32Array(from.data.length)) as [
    Float32Array,
    ...Float32Array[],
  ];
  const counts = { evaluations: 0, accepted: 0, rejected: 0 };
  const field = potentialField(runtime, potential, params, { clock: poisson.clock });
  try {
    for (const [first, end] of blocksOf(n, BLOCK)) {
      // Blocks of one size share a compiled field.
      const block = paddedRows(rowsOf(from, first, end), Math.min(n, BLOCK));
      const onStep = (t: number): void => onProgress?.((first + ((end - first) * (t - tStart)) / (tEnd - tStart)) / n);
      const found = await solve(field.velocity, block, [tStart, tEnd], { ...options, onStep });
      [found.x, ...found.saved].forEach((particles, i) => {
        const moved = rowsOf(particles, 0, end - first).data as Float64Array;
        [x, ...kept][i]?.set(moved, (first * x.length) / n);
      });
      for (const name of ['evaluations', 'accepted', 'rejected'] as const)
        counts[name] = Math.max(counts[name], found[name]);
    }
  } finally {
    await field.dispose();
  }
  kept.forEach((data) => onSaved?.(ndarray(data, from.shape)));
  return { x: ndarray(x, from.shape), ...counts };
}
