import { type NDArray, type Tensor, matmul, transpose } from '@brownian/graph';
import type { Runtime, Stream } from '@brownian/runtime';
import { type Kernel, kernelSums, unbiasedDiscrepancy } from './kernel-mean.ts';
import { checkSets, pickRows } from './rows.ts';

/** KID's kernel (x·y/d + 1)³. */
const cubic: Kernel = (x: Tensor, y: Tensor) => {
  const base = matmul(x, transpose(y))
    .mul(1 / (x.shape[1] as number))
    .add(1);
  return base.mul(base).mul(base);
};

/** Random subsets that KID is averaged over. */
export interface KidSubsets {
  /** How many. 100 is customary. */
  readonly count: number;
  /** Vectors of each set in a subset, drawn without replacement; at most the smaller set. 1000 is customary. */
  readonly size: number;
  /** Names the draws; advanced. */
  readonly stream: Stream;
  /** Called after each subset. */
  readonly onSubset?: (done: number) => void;
}

/** KID over subsets. */
export interface KidEstimate {
  readonly mean: number;
  /** Standard deviation between subsets, with n − 1; 0 for one subset. */
  readonly std: number;
}

/**
 * Kernel Inception Distance (Bińkowski et al. 2018, section 4): the unbiased squared maximum mean discrepancy of features under
 * the kernel (x·y/d + 1)³, of the whole sets. Zero on average for equal laws at any number of vectors, unlike FID.
 *
 * @param x features `[n, d]` of a named network, n ≥ 2
 * @param y features `[m, d]` of the same network, m ≥ 2
 * @throws RangeError when the shapes do not fit or a set is too small
 */
export async function kid(runtime: Runtime, x: NDArray, y: NDArray): Promise<number> {
  checkSets('KID', x, y, 2);
  const sums = kernelSums(runtime, cubic);
  try {
    return await unbiasedDiscrepancy(sums, x, y);
  } finally {
    await sums.dispose();
  }
}

/**
 * {@link kid} of random subsets of both sets: their mean, and how far they scatter.
 *
 * @throws RangeError when the shapes do not fit, or a subset would be larger than a set or smaller than two
 */
export async function kidOfSubsets(
  runtime: Runtime,
  x: NDArray,
  y: NDArray,
  { count, size, stream, onSubset }: KidSubsets,
): Promise<KidEstimate> {
  const { n, m } = checkSets('KID', x, y, 2);
  if (!Number.isInteger(size) || size < 2 || size > Math.min(n, m))
    throw new RangeError(`KID's subsets must have from 2 to ${Math.min(n, m)} vectors, got ${size}.`);
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`KID needs at least one subset, got a count of ${count}.`);
  const sums = kernelSums(runtime, cubic);
  const draw = (set: NDArray, among: number): NDArray =>
    pickRows(set, (stream.permutation(among).data as Int32Array).subarray(0, size));
  try {
    const values: number[] = [];
    while (values.length < count) {
      values.push(await unbiasedDiscrepancy(sums, draw(x, n), draw(y, m)));
      onSubset?.(values.length);
    }
    const mean = values.reduce((a, b) => a + b, 0) / count;
    const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return { mean, std: count === 1 ? 0 : Math.sqrt(squares / (count - 1)) };
  } finally {
    await sums.dispose();
  }
}
