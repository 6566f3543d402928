import { type NDArray, type Tensor, exp, less, log, maximum, select } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { kernelSums, squaredDistances } from './kernel-mean.ts';
import { checkSets } from './rows.ts';

/** The elastic interaction kernel. */
export interface ElasticKernelOptions {
  /** d of the kernel, at least 1; it need not be the length of the vectors. */
  readonly dimension: number;
  /** Distance m below which the kernel is capped, in the units of the vectors. The paper takes .1. */
  readonly cutoff: number;
}

/** @throws RangeError naming the option */
function checkKernel({ dimension, cutoff }: ElasticKernelOptions): void {
  if (!(dimension >= 1 && Number.isFinite(dimension)))
    throw new RangeError(`The dimension of the elastic kernel must be at least 1, got ${dimension}.`);
  if (!(cutoff > 0 && Number.isFinite(cutoff)))
    throw new RangeError(`The cut-off of the elastic kernel must be positive, got ${cutoff}.`);
}

/**
 * The elastic kernel times m^(d−1), of squared distances: (m/r)^(d−1) beyond the cut-off m, (d+1)/2 − (d−1)/2 (r/m)² within,
 * which meets it with the same slope. Between 0 and (d+1)/2; the unscaled kernel r^(1−d) leaves float32 at d = 40, m = .1.
 *
 * @throws RangeError for a dimension below 1 or a cut-off that is not positive
 */
export function elasticKernel(squared: Tensor, options: ElasticKernelOptions): Tensor {
  checkKernel(options);
  const { dimension: d, cutoff } = options;
  const u = squared.mul(1 / cutoff ** 2);
  const far = exp(log(maximum(u, 1)).mul(-(d - 1) / 2));
  return select(less(u, 1), u.mul(-(d - 1) / 2).add((d + 1) / 2), far);
}

/** ‖xᵢ − yⱼ‖² from the differences themselves: exact where vectors meet, and so are its derivatives. */
function exactSquaredDistances(x: Tensor, y: Tensor): Tensor {
  const [n, d] = x.shape as readonly [number, number];
  return x
    .reshape([n, 1, d])
    .sub(y.reshape([1, -1, d]))
    .square()
    .sum(2);
}

/**
 * Elastic interaction energy of two sets, to differentiate (EIEG GAN, equation 3, with the scaled kernel):
 * (1/n²) Σ e(xᵢ, xⱼ) + (1/m²) Σ e(yᵢ, yⱼ) − (2/nm) Σ e(xᵢ, yⱼ), self pairs included.
 *
 * Its gradient in x times −n/2 is the velocity of the elastic particle flow with mobilities 1 (EIEG GAN, equation 24).
 *
 * @param x `[n, k]`
 * @param y `[m, k]`
 * @returns a scalar; all pairs are held at once, so for large sets use {@link eieg}
 */
export function elasticEnergy(x: Tensor, y: Tensor, options: ElasticKernelOptions): Tensor {
  const mean = (a: Tensor, b: Tensor): Tensor => elasticKernel(exactSquaredDistances(a, b), options).mean();
  return mean(x, x).add(mean(y, y)).sub(mean(x, y).mul(2));
}

/**
 * The EIEG metric: the {@link elasticEnergy} of two sets, block by block in double precision, so that memory does not grow with
 * them. 0 for equal sets and positive otherwise; (d+1)/2 (1/n + 1/m) is what vectors add that interact with none but themselves.
 *
 * @param x `[n, k]`
 * @param y `[m, k]`
 * @throws RangeError when the shapes do not fit, a set is empty, or the kernel's options are out of range
 */
export async function eieg(runtime: Runtime, x: NDArray, y: NDArray, options: ElasticKernelOptions): Promise<number> {
  const { n, m } = checkSets('The EIEG metric', x, y, 1);
  checkKernel(options);
  const sums = kernelSums(runtime, (a, b) => elasticKernel(squaredDistances(a, b), options));
  try {
    const [left, right] = [await sums.within(x), await sums.within(y)];
    return left.all / n ** 2 + right.all / m ** 2 - (2 * (await sums.between(x, y))) / (n * m);
  } finally {
    await sums.dispose();
  }
}
