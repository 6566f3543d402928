import type { NDArray, Tensor } from '@brownian/graph';
import type { Runtime, Stream } from '@brownian/runtime';
import type { Metrics, Moment, Params, Potential, SymbolicParams } from '../interfaces.ts';
import { type Sampler, force, particleNorms } from '../samplers/langevin.ts';
import type { LangevinOptions } from './options.ts';

/** Mean energy of particles, E‖x‖²/2σ² − EΦ with a reference (METHODS, conventions), −EΦ without one; x `[particles, ...item]`. */
export function meanEnergy(potential: Tensor, x: Tensor, { reference, sigma }: LangevinOptions): Tensor {
  if (!reference) return potential.neg();
  return x
    .square()
    .sum()
    .div(2 * sigma ** 2 * (x.shape[0] as number))
    .sub(potential);
}

/** Scalars as numbers. */
export function numbers(metrics: Readonly<Record<string, NDArray>>): Metrics {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, Number(value.data[0])]));
}

/** Steps after which a trajectory is looked at, twice at least: first the start, last the end, closer together at first, where particles move most. */
function momentsOf(steps: number, count: number): number[] {
  const last = Math.max(1, count - 1);
  return [...new Set(Array.from({ length: last + 1 }, (_, i) => Math.round(steps * (i / last) ** 2)))];
}

/** How particles move, and what they move on. */
export interface Way {
  readonly sampler: Sampler;
  readonly potential: Potential;
  readonly langevin: LangevinOptions;
  readonly params: Params;
}

/** Follows particles for `steps` steps with at most `count` looks but two at least, the first before any step and the last after all. */
export async function follow(
  runtime: Runtime,
  { sampler, potential, langevin, params }: Way,
  x: NDArray,
  { steps, count, draw }: { readonly steps: number; readonly count: number; readonly draw: Stream },
): Promise<Moment[]> {
  const look = runtime.compile((p: SymbolicParams, at: Tensor): Record<string, Tensor> => {
    const mean = potential.apply(p, at).mean();
    return {
      potentialParticles: mean,
      energy: meanEnergy(mean, at, langevin),
      gradientNorm: particleNorms(force(potential, p, at)).mean(),
    };
  });
  const seen: Moment[] = [];
  let at = sampler.init(params, x);
  let made = 0;
  try {
    for (const step of momentsOf(steps, count)) {
      [at] = await sampler.run(at, step - made, draw);
      made = step;
      seen.push({ steps: step, particles: at.x, metrics: numbers(await look(params, at.x)) });
    }
    return seen;
  } finally {
    await look.dispose();
  }
}
