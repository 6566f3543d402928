import type { NDArray } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { type ElasticKernelOptions, checkElasticKernel, elasticKernel } from '../potentials/elastic.ts';
import { type Kernel, kernelSums, squaredDistances } from './kernel-mean.ts';
import { type PermutationOptions, type PermutationTest, permutationTest } from './permutation.ts';
import { checkSets } from './rows.ts';

function elasticPairs(options: ElasticKernelOptions): Kernel {
  checkElasticKernel(options);
  return (x, y) => elasticKernel(squaredDistances(x, y), options);
}

/**
 * The EIEG metric: the `elasticEnergy` of two sets, block by block in double precision, so that memory does not grow with
 * them. 0 for equal sets and positive otherwise; (d+1)/2 (1/n + 1/m) is what vectors add that interact with none but themselves.
 *
 * @param x `[n, k]`
 * @param y `[m, k]`
 * @throws RangeError when the shapes do not fit, a set is empty, or the kernel's options are out of range
 */
export async function eieg(runtime: Runtime, x: NDArray, y: NDArray, options: ElasticKernelOptions): Promise<number> {
  const { n, m } = checkSets('The EIEG metric', x, y, 1);
  const sums = kernelSums(runtime, elasticPairs(options));
  try {
    const [left, right] = [await sums.within(x), await sums.within(y)];
    return left.all / n ** 2 + right.all / m ** 2 - (2 * (await sums.between(x, y))) / (n * m);
  } finally {
    await sums.dispose();
  }
}

/**
 * Whether two sets may be of one law, by the EIEG metric and a permutation test. For sets of up to a few thousand vectors.
 *
 * @param x `[n, k]`
 * @param y `[m, k]`
 * @throws RangeError as {@link eieg} does, and for no permutations
 */
export async function eiegTest(
  runtime: Runtime,
  x: NDArray,
  y: NDArray,
  kernel: ElasticKernelOptions,
  options: PermutationOptions,
): Promise<PermutationTest> {
  return await permutationTest(runtime, ['The EIEG metric', elasticPairs(kernel)], x, y, options);
}
