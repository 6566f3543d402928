import { type NDArray, type Tensor, item, matmul, transpose } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { choleskyFactor } from './cholesky.ts';
import { type Moments, covarianceOf, featureMoments } from './moments.ts';
import { nuclearNorm } from './nuclear-norm.ts';
import { checkSets } from './rows.ts';

function trace(matrix: Float64Array, d: number): number {
  let sum = 0;
  for (let i = 0; i < d; i++) sum += matrix[i * d + i] as number;
  return sum;
}

/** tr (AB)^½ of two covariances: with A = KKᵀ and B = LLᵀ the eigenvalues of AB are the squared singular values of KᵀL. */
async function traceOfRoot(runtime: Runtime, a: Float64Array, b: Float64Array, d: number): Promise<number> {
  const [k, l] = [await choleskyFactor(runtime, a, d), await choleskyFactor(runtime, b, d)];
  const product = runtime.compile((x: Tensor, y: Tensor) => matmul(transpose(x), y), {
    name: 'product of factors',
    precision: 'double',
  });
  try {
    return await nuclearNorm(runtime, await product(k, l));
  } finally {
    await product.dispose();
  }
}

/**
 * Squared Fréchet distance of the Gaussians with these moments (Dowson and Landau 1982, equation 16):
 * ‖μₐ − μ_b‖² + tr Σₐ + tr Σ_b − 2 tr (Σₐ Σ_b)^½, covariances with n − 1.
 *
 * All matrix products run in the engine in double precision; covariances without full rank are no special case.
 *
 * @throws RangeError when the dimensions differ or a set has fewer than two vectors
 */
export async function frechetDistance(runtime: Runtime, a: Moments, b: Moments): Promise<number> {
  const d = a.mean.length;
  if (b.mean.length !== d)
    throw new RangeError(`The Fréchet distance compares vectors of one length, got ${d} and ${b.mean.length}.`);
  const [first, second] = [covarianceOf(a), covarianceOf(b)];
  const means = a.mean.reduce((sum, value, i) => sum + (value - (b.mean[i] as number)) ** 2, 0);
  const root = await traceOfRoot(runtime, first, second, d);
  return means + trace(first, d) + trace(second, d) - 2 * root;
}

/**
 * The same for sets of fewer vectors than they are long, by their centred rows alone: these are factors of the covariances as good as
 * Cholesky's, and their product is n × m where a covariance is d × d.
 */
async function distanceOfRows(runtime: Runtime, x: NDArray, y: NDArray): Promise<number> {
  // The polar decomposition takes the longer side first.
  const [a, b] = (x.shape[0] as number) < (y.shape[0] as number) ? [y, x] : [x, y];
  const compute = runtime.compile(
    (u: Tensor, v: Tensor) => {
      const [meanU, meanV] = [u.mean(0), v.mean(0)];
      const p = u.sub(meanU).div(Math.sqrt((u.shape[0] as number) - 1));
      const q = v.sub(meanV).div(Math.sqrt((v.shape[0] as number) - 1));
      const means = meanU.sub(meanV).square().sum();
      return { rest: means.add(p.square().sum()).add(q.square().sum()), product: matmul(p, transpose(q)) };
    },
    { name: 'Fréchet distance of rows', precision: 'double' },
  );
  try {
    const { rest, product } = await compute(a, b);
    return item(rest) - 2 * (await nuclearNorm(runtime, product));
  } finally {
    await compute.dispose();
  }
}

/**
 * Fréchet Inception Distance (Heusel et al. 2017, equation 6): the squared Fréchet distance of Gaussians fitted to the
 * features of two sets. It is biased upwards, the more the fewer the vectors: compare scores of equally many only. Of fewer vectors than
 * they are long, such as a few hundred images by their pixels, no covariance is made.
 *
 * @param x features `[n, d]` of a named network
 * @param y features `[m, d]` of the same network
 * @throws RangeError when the shapes do not fit or a set has fewer than two vectors
 */
export async function fid(runtime: Runtime, x: NDArray, y: NDArray): Promise<number> {
  const { n, m, d } = checkSets('FID', x, y, 2);
  if (Math.max(n, m) < d) return await distanceOfRows(runtime, x, y);
  return frechetDistance(runtime, await featureMoments(runtime, x), await featureMoments(runtime, y));
}
