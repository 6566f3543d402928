import { type NDArray, type Tensor, matmul, ndarray, transpose } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { blocksOf } from './rows.ts';

const BLOCK = 64;
/** What is left of a diagonal entry below this share of it is rounding, and its column is taken to depend on those before. */
const LEAST_SHARE = 1e-12;

/**
 * Eliminates within a panel: columns [from, from + width) of the factor, rows `from` to n, from what the columns before left
 * of the matrix. A row costs width² operations, so the products of the whole panel, n² per column, are the engine's part.
 */
function eliminate(panel: Float64Array, factor: Float64Array, n: number, from: number, diagonal: Float64Array): void {
  const width = panel.length / n;
  for (let j = 0; j < width; j++) {
    const column = from + j;
    const whole = diagonal[column] as number;
    const own = column * width;
    let left = panel[own + j] as number;
    for (let k = 0; k < j; k++) left -= (factor[column * n + from + k] as number) ** 2;
    // Dividing rounding by the root of rounding would blow it up in the columns after; the column stays zero.
    if (left <= LEAST_SHARE * whole) continue;
    const pivot = Math.sqrt(left);
    factor[column * n + column] = pivot;
    for (let i = column + 1; i < n; i++) {
      let value = panel[i * width + j] as number;
      for (let k = 0; k < j; k++)
        value -= (factor[i * n + from + k] as number) * (factor[column * n + from + k] as number);
      factor[i * n + column] = value / pivot;
    }
  }
}

/** Columns [from, to) of rows [first, last) of a matrix with rows of length n. */
function part(
  matrix: Float64Array,
  n: number,
  rows: readonly [number, number],
  columns: readonly [number, number],
): NDArray {
  const [height, width] = [rows[1] - rows[0], columns[1] - columns[0]];
  const out = new Float64Array(height * width);
  for (let i = 0; i < height; i++) {
    const start = (rows[0] + i) * n;
    out.set(matrix.subarray(start + columns[0], start + columns[1]), i * width);
  }
  return ndarray(out, [height, width]);
}

/**
 * Lower triangular L with L Lᵀ = A, for a symmetric positive semidefinite matrix: Cholesky's factor, panel by panel, with the
 * products in the engine. Columns that depend on those before them, as in the covariance of fewer vectors than entries, are zero
 * in L; what is lost of their variance is below 1e-12 of it.
 *
 * @param matrix `[n, n]`, row by row; only its lower triangle is read
 * @returns L `[n, n]` in double precision
 */
export async function choleskyFactor(runtime: Runtime, matrix: Float64Array, n: number): Promise<NDArray> {
  const remainder = runtime.compile((a: Tensor, l: Tensor, rows: Tensor) => a.sub(matmul(l, transpose(rows))), {
    name: 'Cholesky panel',
    precision: 'double',
  });
  const diagonal = Float64Array.from({ length: n }, (_, i) => matrix[i * n + i] as number);
  const factor = new Float64Array(n * n);
  const all = [0, n] as const;
  try {
    for (const [from, to] of blocksOf(n, BLOCK)) {
      const columns = part(matrix, n, all, [from, to]);
      const done = ndarray(factor, [n, n]);
      const panel = from === 0 ? columns : await remainder(columns, done, part(factor, n, [from, to], all));
      eliminate(panel.data as Float64Array, factor, n, from, diagonal);
    }
  } finally {
    await remainder.dispose();
  }
  return ndarray(factor, [n, n]);
}
