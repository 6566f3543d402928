import { type NDArray, ndarray } from '@brownian/graph';
import { type Runtime, createStream } from '@brownian/runtime';
import type { Potential } from '../../src/interfaces.ts';
import type { LangevinOptions } from '../../src/learners/options.ts';
import { LANGEVIN_DEFAULTS, langevin } from '../../src/samplers/langevin.ts';

/**
 * The Gaussian that a chain on a quadratic energy is stationary at, worked out for the discrete step itself.
 *
 * With Φ = −(x − μ)²/2τ² per coordinate and the reference N(0, σ²) the energy has the curvature p = 1/τ² + 1/σ² and its
 * minimum at m = μ/(τ² p). The step is then x − m ← a (x − m) + h √T ξ with a = 1 − h² p/2, an autoregression of order one:
 *
 *   mean m,  variance h² T/(1 − a²) = (T/p)/(1 − h² p/4),  correlation over k steps aᵏ.
 *
 * For Φ = 0, p = 1/σ² and h = δσ: variance σ² T/(1 − δ²/4), a = 1 − δ²/2.
 */
export interface Stationary {
  readonly mean: number;
  readonly variance: number;
  /** a: the correlation over one step. */
  readonly decay: number;
}

export function stationary(
  { delta, sigma, temperature, reference }: LangevinOptions,
  likelihood?: { readonly mean: number; readonly tau: number },
): Stationary {
  const h = delta * sigma;
  const evidence = likelihood === undefined ? 0 : 1 / likelihood.tau ** 2;
  const precision = evidence + (reference ? 1 / sigma ** 2 : 0);
  const mean = likelihood === undefined ? 0 : (likelihood.mean * evidence) / precision;
  return {
    mean,
    variance: temperature / precision / (1 - (h * h * precision) / 4),
    decay: 1 - (h * h * precision) / 2,
  };
}

/** Steps after which a chain's start weighs less than a thousandth in its mean, and less than a millionth in its variance. */
export function burnIn({ decay }: Stationary): number {
  return Math.ceil(Math.log(1e-3) / Math.log(decay));
}

export function options(edit: Partial<LangevinOptions>): LangevinOptions {
  return { ...LANGEVIN_DEFAULTS, ...edit };
}

/** Independent draws of N(mean, variance). */
export function gaussian(seed: string, shape: readonly number[], mean: number, variance: number): NDArray {
  const { data } = createStream(seed).normal(shape);
  const std = Math.sqrt(variance);
  return ndarray(
    Float32Array.from(data as Float32Array, (v) => mean + std * v),
    shape,
  );
}

/** Where particles are after each of some counts of further steps, of which there is at least one. */
export async function walk(
  runtime: Runtime,
  potential: Potential,
  settings: LangevinOptions,
  start: NDArray,
  counts: readonly number[],
  seed: string,
): Promise<[NDArray, ...NDArray[]]> {
  const sampler = langevin(runtime, potential, settings);
  const draw = createStream(seed);
  let state = sampler.init([], start);
  const seen: NDArray[] = [];
  for (const steps of counts) {
    [state] = await sampler.run(state, steps, draw);
    seen.push(state.x);
  }
  await sampler.dispose();
  return seen as [NDArray, ...NDArray[]];
}
