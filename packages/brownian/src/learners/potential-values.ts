import { type NDArray, type Tensor, float32Data, ndarray } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import type { Params, Potential, SymbolicParams } from '../interfaces.ts';
import { blocksOf, rowsOf } from '../metrics/rows.ts';
import { takeRows } from '../samplers/replay-buffer.ts';

/** Items that share one compiled potential. */
export const BLOCK = 200;

/** `size` rows of which the first are those of x and the others repeat its last, so that blocks of one size share a compiled graph. */
export function paddedRows(x: NDArray, size: number): NDArray {
  const n = x.shape[0] as number;
  if (n === size) return x;
  return takeRows(
    x,
    Array.from({ length: size }, (_, i) => Math.min(i, n - 1)),
  );
}

/**
 * Φ of items, `[n, ...item]` → `[n]`, in blocks that share a compiled graph.
 *
 * @param clocks for potentials that take one: that of each item, `[n]`
 */
export async function potentialValues(
  runtime: Runtime,
  potential: Potential,
  params: Params,
  x: NDArray,
  clocks?: NDArray,
): Promise<NDArray> {
  const n = x.shape[0] as number;
  const size = Math.min(n, BLOCK);
  const phi = runtime.compile(
    (theta: SymbolicParams, items: Tensor, at: readonly Tensor[]) => potential.apply(theta, items, at[0]),
    { name: 'potential', frozen: [0] },
  );
  try {
    const values = new Float32Array(n);
    for (const [first, end] of blocksOf(n, BLOCK)) {
      const rows = (all: NDArray): NDArray => paddedRows(rowsOf(all, first, end), size);
      const block = await phi(params, rows(x), clocks === undefined ? [] : [rows(clocks)]);
      values.set(float32Data(rowsOf(block, 0, end - first)), first);
    }
    return ndarray(values);
  } finally {
    await phi.dispose();
  }
}
