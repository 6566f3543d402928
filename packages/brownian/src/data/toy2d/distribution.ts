import { type NDArray, ndarray } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';

/** Equal Gaussian modes, all with covariance std² I. */
export interface Modes {
  readonly centres: readonly (readonly [number, number])[];
  readonly std: number;
}

/** A distribution on the plane, to try methods on. */
export interface ToyDistribution {
  readonly name: string;
  /** `n` independent points, float32 `[n, 2]`. Advances the stream. @throws RangeError when n is not an integer ≥ 0. */
  sample(stream: Stream, n: number): NDArray;
  /** log p(x, y) in nats, -Infinity outside the support; left out where there is no closed form. */
  logDensity?(x: number, y: number): number;
  /** The modes, for distributions that are mixtures of round Gaussians. */
  readonly modes?: Modes;
}

/** Makes points `[n, 2]` one by one: `place(i)` gives point i. */
export function pointsOf(n: number, place: (i: number) => readonly [number, number]): NDArray {
  const points = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    const [x, y] = place(i);
    points[2 * i] = x;
    points[2 * i + 1] = y;
  }
  return ndarray(points, [n, 2]);
}

/** log Σ exp(vᵢ), without overflow. */
export function logSumExp(values: readonly number[]): number {
  const largest = Math.max(...values);
  if (largest === -Infinity) return -Infinity;
  return largest + Math.log(values.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}

/**
 * Draws of the two kinds that most distributions need: standard normals `[n, 2]` and a component 0..count-1 for each
 * point.
 */
export function drawNoise(
  stream: Stream,
  n: number,
  count: number,
): { component: ArrayLike<number>; noise: ArrayLike<number> } {
  const component = stream.integers([n], 0, count).data as Int32Array;
  const noise = stream.normal([n, 2]).data as Float32Array;
  return { component, noise };
}
