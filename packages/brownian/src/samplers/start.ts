import { type NDArray, zeros } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';

/** Where chains begin: at zero as in the papers, in the reference N(0, σ²I), or uniform in `range`. */
export interface ChainStart {
  readonly start: 'zero' | 'noise' | 'uniform';
  readonly range: readonly [number, number];
}

/** New particles of `shape`. `sigma` is the standard deviation of `noise`. */
export function startParticles(
  { start, range }: ChainStart,
  shape: readonly number[],
  sigma: number,
  draw: Stream,
): NDArray {
  if (start === 'zero') return zeros(shape);
  if (start === 'uniform') return draw.uniform(shape, ...range);
  const noise = draw.normal(shape);
  return { ...noise, data: (noise.data as Float32Array).map((v) => v * sigma) };
}
