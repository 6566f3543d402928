import { type NDArray, type Tensor, constant, item, matmul, maximum, ndarray, transpose } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { blocksOf, doubles, rowsOf } from './rows.ts';

/** A symmetric function of pairs of vectors: x `[n, d]`, y `[m, d]` → `[n, m]`. */
export type Kernel = (x: Tensor, y: Tensor) => Tensor;

/** ‖xᵢ − yⱼ‖² as `[n, m]`, through one matrix product; meant for double precision, where what cancels does not matter. */
export function squaredDistances(x: Tensor, y: Tensor): Tensor {
  const rows = x.square().sum(1).reshape([-1, 1]);
  const columns = y.square().sum(1).reshape([1, -1]);
  return maximum(rows.add(columns).sub(matmul(x, transpose(y)).mul(2)), 0);
}

/** Sums of a kernel over all pairs of two sets, block by block: memory does not grow with the sets. */
export interface KernelSums {
  /** Σᵢⱼ k(xᵢ, yⱼ). */
  between(x: NDArray, y: NDArray): Promise<number>;
  /** Σᵢⱼ k(xᵢ, xⱼ), over all pairs and over those with i = j. */
  within(x: NDArray): Promise<{ readonly all: number; readonly self: number }>;
  dispose(): Promise<void>;
}

/** Vectors in a block: a block of kernel values then has 8 MB. */
const BLOCK = 1000;

/** The identity matrix, float64 `[n, n]`. */
export function identity(n: number): NDArray {
  return ndarray(
    Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
    [n, n],
  );
}

/** Compiles the sums of a kernel, in double precision. */
export function kernelSums(runtime: Runtime, kernel: Kernel): KernelSums {
  const block = runtime.compile((x: Tensor, y: Tensor) => kernel(x, y).sum(), {
    name: 'kernel sum',
    precision: 'double',
  });
  const diagonal = runtime.compile(
    (x: Tensor) => {
      const values = kernel(x, x);
      return { all: values.sum(), self: values.mul(constant(identity(x.shape[0] as number))).sum() };
    },
    { name: 'kernel sum within', precision: 'double' },
  );
  const parts = (x: NDArray): NDArray[] =>
    blocksOf(x.shape[0] as number, BLOCK).map(([from, to]) => doubles(rowsOf(x, from, to)));
  return {
    between: async (x, y) => {
      let sum = 0;
      const columns = parts(y);
      for (const rows of parts(x)) for (const others of columns) sum += item(await block(rows, others));
      return sum;
    },
    within: async (x) => {
      let [all, self] = [0, 0];
      const blocks = parts(x);
      for (const [i, rows] of blocks.entries()) {
        const own = await diagonal(rows);
        all += item(own.all);
        self += item(own.self);
        for (const others of blocks.slice(i + 1)) all += 2 * item(await block(rows, others));
      }
      return { all, self };
    },
    dispose: async () => {
      await Promise.all([block.dispose(), diagonal.dispose()]);
    },
  };
}

/**
 * Unbiased estimate of the squared maximum mean discrepancy (Gretton et al. 2012, equation 3): the mean kernel within each set
 * over pairs of different vectors, less twice the mean between the sets. It is negative about half the time for equal laws.
 */
export async function unbiasedDiscrepancy(sums: KernelSums, x: NDArray, y: NDArray): Promise<number> {
  const [n, m] = [x.shape[0] as number, y.shape[0] as number];
  const [left, right] = [await sums.within(x), await sums.within(y)];
  const across = await sums.between(x, y);
  return (left.all - left.self) / (n * (n - 1)) + (right.all - right.self) / (m * (m - 1)) - (2 * across) / (n * m);
}
