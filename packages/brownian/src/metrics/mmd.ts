import { type NDArray, type Tensor, exp } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { type Kernel, kernelSums, squaredDistances, unbiasedDiscrepancy } from './kernel-mean.ts';
import { type PermutationOptions, type PermutationTest, permutationTest } from './permutation.ts';
import { checkSets, doubles, rowsOf } from './rows.ts';

/** @throws RangeError naming the bandwidth */
function checkBandwidths(bandwidths: readonly number[]): void {
  const bad = bandwidths.find((sigma) => !(sigma > 0 && Number.isFinite(sigma)));
  if (bad !== undefined || bandwidths.length === 0)
    throw new RangeError(`The bandwidths of MMD must be positive numbers, got ${bad ?? 'none'}.`);
}

/**
 * Mean of Gaussian kernels exp(−r²/2σ²) of several bandwidths σ, of squared distances.
 *
 * @throws RangeError when there is no bandwidth, or one is not positive
 */
export function gaussianKernels(squared: Tensor, bandwidths: readonly number[]): Tensor {
  checkBandwidths(bandwidths);
  const terms = bandwidths.map((sigma) => exp(squared.mul(-1 / (2 * sigma * sigma))));
  return terms.reduce((sum, term) => sum.add(term)).mul(1 / bandwidths.length);
}

function gaussianPairs(bandwidths: readonly number[]): Kernel {
  checkBandwidths(bandwidths);
  return (x, y) => gaussianKernels(squaredDistances(x, y), bandwidths);
}

/**
 * Unbiased squared maximum mean discrepancy (Gretton et al. 2012, equation 3) under the mean of Gaussian kernels
 * exp(−‖x − y‖²/2σ²) of several bandwidths.
 *
 * @param x `[n, d]`, n ≥ 2
 * @param y `[m, d]`, m ≥ 2
 * @param bandwidths σ of each kernel, in the units of x; {@link medianBandwidths} chooses them
 * @throws RangeError when the shapes do not fit, a set is too small, or a bandwidth is not positive
 */
export async function mmd(runtime: Runtime, x: NDArray, y: NDArray, bandwidths: readonly number[]): Promise<number> {
  checkSets('MMD', x, y, 2);
  const sums = kernelSums(runtime, gaussianPairs(bandwidths));
  try {
    return await unbiasedDiscrepancy(sums, x, y);
  } finally {
    await sums.dispose();
  }
}

/**
 * Whether two sets may be of one law, by the biased squared MMD and a permutation test (Gretton et al. 2012, section 8).
 *
 * @param x `[n, d]`
 * @param y `[m, d]`
 * @throws RangeError as {@link mmd} does, and for no permutations
 */
export async function mmdTest(
  runtime: Runtime,
  x: NDArray,
  y: NDArray,
  bandwidths: readonly number[],
  options: PermutationOptions,
): Promise<PermutationTest> {
  return await permutationTest(runtime, ['MMD', gaussianPairs(bandwidths)], x, y, options);
}

const MEDIAN_OF = 1000;

/**
 * Bandwidths around a set's own scale: ¼, ½, 1, 2 and 4 times the median distance of pairs among its first thousand vectors.
 * Take them from the reference set, so that scores of several models compare.
 *
 * @throws RangeError when there are fewer than two different vectors
 */
export async function medianBandwidths(runtime: Runtime, reference: NDArray): Promise<number[]> {
  checkSets('The median bandwidth', reference, reference, 2);
  const few = doubles(rowsOf(reference, 0, Math.min(MEDIAN_OF, reference.shape[0] as number)));
  const n = few.shape[0] as number;
  const compute = runtime.compile((x: Tensor) => squaredDistances(x, x), { name: 'distances', precision: 'double' });
  try {
    const { data } = await compute(few);
    const pairs = (data as Float64Array).filter((_, i) => i % n > Math.floor(i / n)).toSorted();
    const median = Math.sqrt(pairs[Math.floor(pairs.length / 2)] as number);
    if (!(median > 0))
      throw new RangeError('The median distance of the reference is 0: most of its vectors are equal.');
    return [0.25, 0.5, 1, 2, 4].map((factor) => factor * median);
  } finally {
    await compute.dispose();
  }
}
