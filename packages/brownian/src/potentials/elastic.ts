import { type Tensor, maximum, operand, pow, relu, sqrt, transpose } from '@brownian/graph';

/** The elastic interaction kernel. */
export interface ElasticKernelOptions {
  /** d of the kernel, at least 1; it need not be the length of the vectors. */
  readonly dimension: number;
  /** Distance m below which the kernel is capped, in the units of the vectors. The paper takes .1. */
  readonly cutoff: number;
}

/** @throws RangeError naming the option */
export function checkElasticKernel({ dimension, cutoff }: ElasticKernelOptions): void {
  if (!(dimension >= 1 && Number.isFinite(dimension)))
    throw new RangeError(`The dimension of the elastic kernel must be at least 1, got ${dimension}.`);
  if (!(cutoff > 0 && Number.isFinite(cutoff)))
    throw new RangeError(`The cut-off of the elastic kernel must be positive, got ${cutoff}.`);
}

/** xᵖ of positive x; the powers that kernels of dimension 2 and 3 and their gradients need are written without a logarithm. */
export function halfPower(x: Tensor, p: number): Tensor {
  if (p === 0.5) return sqrt(x);
  if (p === 1) return x;
  if (p === 1.5) return x.mul(sqrt(x));
  return p === 2 ? x.square() : pow(x, p);
}

/**
 * The elastic kernel times m^(d−1), of squared distances: (m/r)^(d−1) beyond the cut-off m, (d+1)/2 − (d−1)/2 (r/m)² within,
 * which meets it with the same slope. Between 0 and (d+1)/2; the unscaled kernel r^(1−d) leaves float32 at d = 40, m = .1.
 *
 * @param squared r², of any shape
 * @throws RangeError for a dimension below 1 or a cut-off that is not positive
 */
export function elasticKernel(squared: Tensor, options: ElasticKernelOptions): Tensor {
  checkElasticKernel(options);
  const { dimension, cutoff } = options;
  const m2 = cutoff * cutoff;
  // Below m the first term is 1 and the second makes up the difference; from m on the second is 0.
  const capped = halfPower(operand(m2).div(maximum(squared, m2)), (dimension - 1) / 2);
  return capped.add(relu(operand(1).sub(squared.mul(1 / m2))).mul((dimension - 1) / 2));
}

/**
 * ‖xᵢ − yⱼ‖², `[n, d] × [m, d] → [n, m]`, by differences: |x|² + |y|² − 2x·y loses the small distances that a cut-off is about
 * (2 % of a generator's gradient in float32). Coordinates come first, so that rows are long.
 */
export function pairwiseSquaredDistances(x: Tensor, y: Tensor): Tensor {
  const [n, m, d] = [x.shape[0] as number, y.shape[0] as number, x.shape[1] as number];
  const difference = transpose(x)
    .reshape([d, n, 1])
    .sub(transpose(y).reshape([d, 1, m]));
  return difference.square().sum(0);
}

/** Σᵢⱼ e(xᵢ, yⱼ)/nm. */
function meanKernel(x: Tensor, y: Tensor, options: ElasticKernelOptions): Tensor {
  return elasticKernel(pairwiseSquaredDistances(x, y), options).mean();
}

/**
 * The part of the elastic energy that a generator can change (EIEG GAN, Eq. 7 and 10):
 * (1/n²) Σ e(xᵢ, xⱼ) − (2/nm) Σ e(xᵢ, yⱼ), self pairs included: x repel each other and are attracted to y.
 *
 * @param x `[n, k]`, generated
 * @param y `[m, k]`, data
 * @param selfInteraction include the first term; without it x collapse (EIEG GAN, Fig. 4). Default true
 */
export function elasticInteraction(
  x: Tensor,
  y: Tensor,
  options: ElasticKernelOptions,
  selfInteraction = true,
): Tensor {
  const attraction = meanKernel(x, y, options).mul(-2);
  return selfInteraction ? attraction.add(meanKernel(x, x, options)) : attraction;
}

/**
 * Elastic interaction energy of two sets, to differentiate (EIEG GAN, equation 3, with the scaled kernel):
 * (1/n²) Σ e(xᵢ, xⱼ) + (1/m²) Σ e(yᵢ, yⱼ) − (2/nm) Σ e(xᵢ, yⱼ), self pairs included.
 *
 * Its gradient in x times −n/2 is the velocity of the elastic particle flow with mobilities 1 (EIEG GAN, equation 24).
 *
 * @param x `[n, k]`
 * @param y `[m, k]`
 * @returns a scalar; all pairs are held at once, so for large sets use the metric `eieg`
 */
export function elasticEnergy(x: Tensor, y: Tensor, options: ElasticKernelOptions): Tensor {
  return elasticInteraction(x, y, options).add(meanKernel(y, y, options));
}
