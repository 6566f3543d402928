import { type NDArray, type Tensor, matmul, maximum, ndarray, operand, transpose } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { blocksOf, checkSets, rowsOf } from '../metrics/rows.ts';
import {
  type ElasticKernelOptions,
  checkElasticKernel,
  halfPower,
  pairwiseSquaredDistances,
} from '../potentials/elastic.ts';
import { type Solution, type SolveOptions, solve } from '../solvers/solve.ts';

/** How particles feel data and each other. */
export interface ElasticForceOptions {
  /** The kernel; the paper takes a cut-off of 1 for images. */
  readonly kernel: ElasticKernelOptions;
  /** Mobility M₁ of the attraction to data. Default 1. The paper prints 100. */
  readonly attraction?: number;
  /**
   * Mobility M₂ of the repulsion among particles. Default 1. The paper prints half of M₁, at which particles of the plane collapse;
   * only equal mobilities descend the elastic energy.
   */
  readonly repulsion?: number;
}

/** Velocities of the elastic particle flow, ready to compute. */
export interface ElasticForces {
  /**
   * Velocity at points `[k, d]` between data `[m, d]` and particles `[n, d]`, float32 `[k, d]`: time grows with k(m + n)d, memory
   * with a block of pairs.
   *
   * @throws RangeError when the shapes do not fit
   */
  at(points: NDArray, data: NDArray, particles: NDArray): Promise<NDArray>;
  dispose(): Promise<void>;
}

/** Vectors in a block: a block of pairs then has 4 MB per matrix. */
const BLOCK = 1000;
/** Length of vectors from which squared distances are taken from a product: differences would hold a number per pair and coordinate. */
const LONG = 16;

/** ‖xᵢ − yⱼ‖² of long vectors, through one product. What it loses to rounding, about 1e-6 |x|², is small beside the cut-off of such vectors. */
function squaredDistancesOfLong(x: Tensor, y: Tensor): Tensor {
  const [rows, columns] = [x.square().sum(1).reshape([-1, 1]), y.square().sum(1).reshape([1, -1])];
  return maximum(rows.add(columns).sub(matmul(x, transpose(y)).mul(2)), 0);
}

/** Σⱼ (d−1)/m² (m/max(r, m))^(d+1) (xᵢ − yⱼ): minus the gradient of the scaled kernel, summed over y. `[k, d]` */
function pushFrom(x: Tensor, y: Tensor, { dimension, cutoff }: ElasticKernelOptions): Tensor {
  const squared = (x.shape[1] as number) < LONG ? pairwiseSquaredDistances(x, y) : squaredDistancesOfLong(x, y);
  const m2 = cutoff * cutoff;
  const weights = halfPower(operand(m2).div(maximum(squared, m2)), (dimension + 1) / 2).mul((dimension - 1) / m2);
  return x.mul(weights.sum(1).reshape([-1, 1])).sub(matmul(weights, y));
}

/** @throws RangeError naming the mobility */
function checkMobility(name: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value)))
    throw new RangeError(`The mobility of ${name} must be a number of at least 0, got ${value}.`);
}

/** float32 rows, since sums of pairs are computed in it. */
function singles(x: NDArray): NDArray {
  return x.data instanceof Float32Array ? x : ndarray(Float32Array.from(x.data as Float64Array), x.shape);
}

/**
 * Forces of the elastic flow (EIEG GAN, Eq. 24, with the scaled kernel m^(d−1) e): with f(x, y) = (d−1)/m² (m/max(r, m))^(d+1) (x − y),
 *
 *   v(x) = −M₁ mean_j f(x, yⱼ) + M₂ mean_k f(x, xₖ).
 *
 * With M₁ = M₂ = 1 it is −n/2 times the gradient of the elastic energy in the particles; the unscaled kernel is m^(1−d) times as fast.
 *
 * @throws RangeError when the kernel or a mobility is out of range
 */
export function elasticForces(
  runtime: Runtime,
  { kernel, attraction = 1, repulsion = 1 }: ElasticForceOptions,
): ElasticForces {
  checkElasticKernel(kernel);
  checkMobility('the attraction', attraction);
  checkMobility('the repulsion', repulsion);
  const push = runtime.compile((x: Tensor, y: Tensor) => pushFrom(x, y, kernel), { name: 'elastic forces' });
  /** Adds scale · Σⱼ f(x, yⱼ) to `out`, block by block. */
  const add = async (out: Float64Array, x: NDArray, y: NDArray, scale: number): Promise<void> => {
    const width = x.shape[1] as number;
    if (scale === 0) return;
    for (const [from, to] of blocksOf(x.shape[0] as number, BLOCK))
      for (const [first, last] of blocksOf(y.shape[0] as number, BLOCK)) {
        const { data } = await push(rowsOf(x, from, to), rowsOf(y, first, last));
        const values = data as Float32Array;
        for (let i = 0; i < values.length; i++)
          out[from * width + i] = (out[from * width + i] as number) + scale * (values[i] as number);
      }
  };
  return {
    async at(points, data, particles) {
      const [{ m }, { m: n }] = [
        checkSets('The elastic force', points, data, 1),
        checkSets('The elastic force', points, particles, 1),
      ];
      const x = singles(points);
      const sum = new Float64Array(x.data.length);
      await add(sum, x, singles(data), -attraction / m);
      await add(sum, x, singles(particles), repulsion / n);
      return ndarray(Float32Array.from(sum), x.shape);
    },
    dispose: () => push.dispose(),
  };
}

/** Options of {@link elasticParticles}, besides those of the solver; the paper takes `euler` with steps of .1. */
export interface ElasticParticleOptions extends SolveOptions, ElasticForceOptions {
  /** Time at which the flow ends. */
  readonly end: number;
}

/**
 * Moves particles by the elastic flow ẋ = v(x) (EIEG GAN, Eq. 24): towards data, away from each other. No network is trained.
 *
 * @param start `[n, d]`
 * @param data `[m, d]`
 * @returns the particles at `end`, in double precision, with counts of evaluations
 * @throws SolverError when the end is not reached: where and why
 */
export async function elasticParticles(
  runtime: Runtime,
  start: NDArray,
  data: NDArray,
  { end, kernel, attraction, repulsion, ...options }: ElasticParticleOptions,
): Promise<Solution> {
  const forces = elasticForces(runtime, {
    kernel,
    ...(attraction !== undefined && { attraction }),
    ...(repulsion !== undefined && { repulsion }),
  });
  try {
    return await solve((_, x) => forces.at(x, data, x), start, [0, end], options);
  } finally {
    await forces.dispose();
  }
}
