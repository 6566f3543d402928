import { type NDArray, type Tensor, item, matmul, ndarray, transpose } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';

/** Singular values below this share of the Frobenius norm may be left short of 1; they then count for less than they are. */
const SMALLEST = 1e-8;
const CONVERGED = 1e-12;

/**
 * The factors ρ by which X is scaled before each Newton-Schulz step, so that its smallest singular value, at least l, grows as
 * fast as a cubic allows while the largest stays at most 1: ρ² = 3/(1 + l + l²), after which l is ρl(3 − ρ²l²)/2 (Chen and
 * Chow 2014, section 3). A small value grows 2.6-fold in a step, 1.5-fold without scaling.
 */
function scalings(): number[] {
  const factors: number[] = [];
  let smallest = SMALLEST;
  while (1 - smallest > CONVERGED) {
    const rho = Math.sqrt(3 / (1 + smallest + smallest ** 2));
    factors.push(rho);
    smallest = (rho * smallest * (3 - rho ** 2 * smallest ** 2)) / 2;
  }
  return factors;
}

/**
 * The nuclear norm of a matrix, the sum of its singular values: tr(UᵀA) with U the orthogonal factor of its polar
 * decomposition, which the scaled Newton-Schulz iteration X ← ρX(3 − ρ²XᵀX)/2 finds in matrix products alone (Higham,
 * Functions of Matrices, 2008, section 8.3). In double precision.
 *
 * @param matrix `[n, m]` with n ≥ m: each step takes the product of its columns with each other
 */
export async function nuclearNorm(runtime: Runtime, matrix: NDArray): Promise<number> {
  const options = { precision: 'double' } as const;
  const inner = runtime.compile((a: Tensor, b: Tensor) => a.mul(b).sum(), { ...options, name: 'inner product' });
  const step = runtime.compile(
    (x: Tensor, rho: Tensor) => {
      const scaled = x.mul(rho);
      return scaled.mul(1.5).sub(matmul(scaled, matmul(transpose(scaled), scaled)).mul(0.5));
    },
    { ...options, name: 'Newton-Schulz step' },
  );
  try {
    const norm = Math.sqrt(item(await inner(matrix, matrix)));
    if (norm === 0) return 0;
    let x = ndarray(
      (matrix.data as Float64Array).map((value) => value / norm),
      matrix.shape,
    );
    for (const rho of scalings()) x = await step(x, ndarray(Float64Array.of(rho), []));
    return item(await inner(x, matrix));
  } finally {
    await Promise.all([inner.dispose(), step.dispose()]);
  }
}
