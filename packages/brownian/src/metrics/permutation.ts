import { type NDArray, type Tensor, matmul, ndarray } from '@brownian/graph';
import type { Runtime, Stream } from '@brownian/runtime';
import type { Kernel } from './kernel-mean.ts';
import { blocksOf, checkSets, doubles, rowsOf } from './rows.ts';

/** How a null distribution is drawn. */
export interface PermutationOptions {
  /** Where the relabellings come from. */
  readonly stream: Stream;
  /** Relabellings; the smallest p-value is 1/(permutations + 1). Default 999. */
  readonly permutations?: number;
}

/** A distance of two sets, and where it stands among those of relabelled sets. */
export interface PermutationTest {
  readonly statistic: number;
  /** Share of labellings, the given one among them, at which the statistic is at least as large: uniform for sets of one law. */
  readonly pValue: number;
  /** The statistic at each relabelling: its null distribution. */
  readonly nullDistribution: Float64Array;
}

/** Vectors in a block: a block of kernel values then has 8 MB. */
const BLOCK = 1000;
/** Statistics that differ by rounding alone are equal. */
const ROUNDING = 1e-12;

/** Labels of every vector at every labelling, 1 in the first set: `[n + m]` rows of `count`; the first column is the given one. */
function labellings(n: number, m: number, count: number, stream: Stream): Uint8Array {
  const labels = new Uint8Array((n + m) * count);
  for (let i = 0; i < n; i++) labels[i * count] = 1;
  for (let p = 1; p < count; p++) {
    const order = stream.permutation(n + m).data;
    for (let i = 0; i < n; i++) labels[Number(order[i]) * count + p] = 1;
  }
  return labels;
}

/**
 * Permutation test of two sets (Gretton et al. 2012, section 8, for any kernel): the statistic is Σᵢⱼ sᵢsⱼ k(zᵢ, zⱼ) with s = 1/n on the
 * first set and −1/m on the second, self pairs included, which is the EIEG metric or the biased squared MMD; labels are shuffled to
 * see what it would be for sets of one law. All labellings share each block of kernel values: time grows with (n + m)² times their
 * number, memory with (n + m) times their number, a byte each.
 *
 * @param metric as messages call it
 * @param x `[n, d]`
 * @param y `[m, d]`
 * @throws RangeError when the shapes do not fit, a set is empty, or there are no permutations
 */
export async function permutationTest(
  runtime: Runtime,
  [metric, kernel]: readonly [string, Kernel],
  x: NDArray,
  y: NDArray,
  { stream, permutations = 999 }: PermutationOptions,
): Promise<PermutationTest> {
  const { n, m, d } = checkSets(metric, x, y, 1);
  if (!Number.isInteger(permutations) || permutations < 1)
    throw new RangeError(`A permutation test needs a whole number of permutations, at least 1, got ${permutations}.`);
  const count = permutations + 1;
  const labels = labellings(n, m, count, stream);
  const pooled = ndarray(new Float64Array((n + m) * d), [n + m, d]);
  (pooled.data as Float64Array).set(doubles(x).data as Float64Array);
  (pooled.data as Float64Array).set(doubles(y).data as Float64Array, n * d);
  const parts = blocksOf(n + m, BLOCK);
  // Of the block at hand alone: those of all blocks would be eight times as large as the labels.
  const signs = ([from, to]: readonly [number, number]): NDArray => {
    const data = new Float64Array((to - from) * count);
    for (let i = 0; i < data.length; i++) data[i] = labels[from * count + i] === 1 ? 1 / n : -1 / m;
    return ndarray(data, [to - from, count]);
  };
  const between = runtime.compile(
    (a: Tensor, b: Tensor, s: Tensor, t: Tensor) => matmul(kernel(a, b), t).mul(s).sum(0),
    { name: 'permutation test', precision: 'double' },
  );
  const sums = new Float64Array(count);
  try {
    for (const [i, left] of parts.entries()) {
      const [rows, own] = [rowsOf(pooled, ...left), signs(left)];
      for (const right of parts.slice(i)) {
        const others = left === right ? own : signs(right);
        const { data } = await between(rows, rowsOf(pooled, ...right), own, others);
        const twice = left === right ? 1 : 2;
        for (let p = 0; p < count; p++) sums[p] = (sums[p] as number) + twice * (data[p] as number);
      }
    }
  } finally {
    await between.dispose();
  }
  const statistic = sums[0] as number;
  const slack = ROUNDING * (1 / n + 1 / m + Math.abs(statistic));
  const asLarge = sums.reduce((total, value) => total + (value >= statistic - slack ? 1 : 0), 0);
  return { statistic, pValue: asLarge / count, nullDistribution: sums.subarray(1) };
}
