import {
  type Tensor,
  concat,
  constant,
  matmul,
  maximum,
  ndarray,
  operand,
  pow,
  relu,
  sqrt,
  transpose,
} from '@brownian/graph';

/**
 * ‖aᵢ − bⱼ‖², `[n, d] × [m, d] → [n, m]`. By differences: |a|² + |b|² − 2a·b loses the small distances that the kernel's cut-off is
 * about (2 % of a generator's gradient in float32). Coordinates come first, so that rows are long.
 */
export function squaredDistances(a: Tensor, b: Tensor): Tensor {
  const [n, m, d] = [a.shape[0] as number, b.shape[0] as number, a.shape[1] as number];
  const difference = transpose(a)
    .reshape([d, n, 1])
    .sub(transpose(b).reshape([d, 1, m]));
  return difference.square().sum(0);
}

/** xᵖ; the powers that kernels of dimension 2 and 3 need are written without a logarithm. */
function power(x: Tensor, p: number): Tensor {
  if (p === 1) return x;
  return p === 0.5 ? sqrt(x) : pow(x, p);
}

/**
 * The capped elastic kernel times m^(d−1) (METHODS section 3), from squared distances r²:
 * (m/r)^(d−1) for r ≥ m, (d+1)/2 − (d−1)/2 · r²/m² below.
 */
export function elasticKernel(r2: Tensor, cutoff: number, dimension: number): Tensor {
  const m2 = cutoff * cutoff;
  // Below m the first term is 1 and the second makes up the difference; from m on the second is 0.
  const capped = power(operand(m2).div(maximum(r2, m2)), (dimension - 1) / 2);
  return capped.add(relu(operand(1).sub(r2.mul(1 / m2))).mul((dimension - 1) / 2));
}

/** Generator loss (Eq. 7, 10): mean e(gᵢ, gⱼ) − 2 mean e(gᵢ, xⱼ). */
export function elasticGeneratorLoss(fake: Tensor, real: Tensor, cutoff: number, dimension: number): Tensor {
  const among = elasticKernel(squaredDistances(fake, fake), cutoff, dimension).mean();
  return among.sub(elasticKernel(squaredDistances(fake, real), cutoff, dimension).mean().mul(2));
}

/** Discriminator loss (Eq. 8-9): −E(real, fake) + the mean of a short-range repulsion among all features. */
export function elasticDiscriminatorLoss(
  real: Tensor,
  fake: Tensor,
  cutoffs: readonly [number, number],
  dimension: number,
): Tensor {
  const [n, m] = [real.shape[0] as number, fake.shape[0] as number];
  const features = concat([real, fake]);
  const r2 = squaredDistances(features, features);
  // E = Σᵢⱼ sᵢ sⱼ e(rᵢⱼ) with s = 1/n on real and −1/m on fake features.
  const signs = constant(ndarray([...Array<number>(n).fill(1 / n), ...Array<number>(m).fill(-1 / m)], [n + m, 1]));
  const energy = elasticKernel(r2, cutoffs[0], dimension)
    .mul(matmul(signs, signs.reshape([1, n + m])))
    .sum();
  return elasticKernel(r2, cutoffs[1], dimension).mean().sub(energy);
}
