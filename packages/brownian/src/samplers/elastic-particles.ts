import { type NDArray, type Tensor, constant, matmul, maximum, ndarray, operand } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { identity, squaredDistances } from '../metrics/kernel-mean.ts';
import { blocksOf, checkSets, doubles, rowsOf } from '../metrics/rows.ts';
import { type ElasticKernelOptions, checkElasticKernel, halfPower } from '../potentials/elastic.ts';
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
   * Velocity at points `[k, d]` between data `[m, d]` and particles `[n, d]`, float64 `[k, d]`: time grows with k(m + n)d, memory
   * with a block of pairs. Rounding is 1e-16 |x| (d−1)/m² at most. Where the points are the particles, or the data, give the same array:
   * pairs of a vector with itself are then left out, which in large dimensions may be all that rounding comes from.
   *
   * @throws RangeError when the shapes do not fit
   * @throws Error on WebGPU, which has no double precision
   */
  at(points: NDArray, data: NDArray, particles: NDArray): Promise<NDArray>;
  dispose(): Promise<void>;
}

/** Vectors in a block: a block of pairs then has 8 MB per matrix. */
const BLOCK = 1000;

/**
 * Σⱼ (d−1)/m² (m/max(r, m))^(d+1) (xᵢ − yⱼ): minus the gradient of the scaled kernel, summed over y. `[k, d]`
 *
 * @param pairs weight of each pair, `[k, n]`; all count when it is left out
 */
function pushFrom(x: Tensor, y: Tensor, { dimension, cutoff }: ElasticKernelOptions, pairs?: NDArray): Tensor {
  const m2 = cutoff * cutoff;
  const reach = operand(m2).div(maximum(squaredDistances(x, y), m2));
  const every = halfPower(reach, (dimension + 1) / 2).mul((dimension - 1) / m2);
  const weights = pairs === undefined ? every : every.mul(constant(pairs));
  return x.mul(weights.sum(1).reshape([-1, 1])).sub(matmul(weights, y));
}

/** Sums over pairs of blocks, ready to compute. They are differences of large numbers, and so in double precision. */
function pushes(runtime: Runtime, kernel: ElasticKernelOptions) {
  const options = { name: 'elastic forces', precision: 'double' } as const;
  const between = runtime.compile((x: Tensor, y: Tensor) => pushFrom(x, y, kernel), options);
  // A vector does not push itself. Its weight is the largest there is, and rounding of x − x would hide the forces of vectors far away.
  const within = runtime.compile((x: Tensor) => {
    const self = identity(x.shape[0] as number);
    return pushFrom(
      x,
      x,
      kernel,
      ndarray(
        (self.data as Float64Array).map((one) => 1 - one),
        self.shape,
      ),
    );
  }, options);
  return {
    between,
    within,
    dispose: async (): Promise<void> => {
      await Promise.all([between.dispose(), within.dispose()]);
    },
  };
}

/** @throws RangeError naming the mobility */
function checkMobility(name: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value)))
    throw new RangeError(`The mobility of ${name} must be a number of at least 0, got ${value}.`);
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
  const push = pushes(runtime, kernel);
  /** Adds scale · Σⱼ f(x, yⱼ) to `out`, block by block. */
  const add = async (out: Float64Array, x: NDArray, y: NDArray, scale: number): Promise<void> => {
    const width = x.shape[1] as number;
    if (scale === 0) return;
    for (const [from, to] of blocksOf(x.shape[0] as number, BLOCK))
      for (const [first, last] of blocksOf(y.shape[0] as number, BLOCK)) {
        const [rows, others] = [rowsOf(x, from, to), rowsOf(y, first, last)];
        const { data } = x === y && from === first ? await push.within(rows) : await push.between(rows, others);
        const values = data as Float64Array;
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
      const x = doubles(points);
      const same = (others: NDArray): NDArray => (others === points ? x : doubles(others));
      const sum = new Float64Array(x.data.length);
      await add(sum, x, same(data), -attraction / m);
      await add(sum, x, same(particles), repulsion / n);
      return ndarray(sum, x.shape);
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
