import { type NDArray, formatShape } from '@brownian/graph';
import type { Modes } from '../data/toy2d/distribution.ts';

/** How well points fill the modes of a mixture. */
export interface ModeCoverage {
  /** Modes that have at least one point near. */
  readonly covered: number;
  /** Modes there are. */
  readonly modes: number;
  /** Share of points near a mode: of high quality. */
  readonly share: number;
  /** Near points of each mode. */
  readonly counts: readonly number[];
}

/**
 * Modes covered and share of high-quality points of a mixture of round Gaussians (Srivastava et al. 2017, section 4.1): a point
 * counts for its nearest mode if it is within `within` standard deviations of it, and a mode is covered if a point counts for
 * it. Of the mixture's own points in the plane, 98.9 % are within three.
 *
 * @param points `[n, 2]`
 * @param within how near is near, in standard deviations. Default 3
 * @throws RangeError for another shape, for no points, or when `within` is not positive
 */
export function modeCoverage(points: NDArray, { centres, std }: Modes, within = 3): ModeCoverage {
  const [n = 0, d] = points.shape;
  if (points.shape.length !== 2 || d !== 2 || n < 1)
    throw new RangeError(`Mode coverage takes points [n, 2], n ≥ 1, got ${formatShape(points.shape)}.`);
  if (!(within > 0)) throw new RangeError(`The distance that counts as near must be positive, got ${within}.`);
  const counts = centres.map(() => 0);
  const data = points.data as Float32Array;
  for (let i = 0; i < n; i++) {
    const [x, y] = [data[2 * i] as number, data[2 * i + 1] as number];
    const distances = centres.map(([a, b]) => Math.hypot(x - a, y - b));
    const nearest = distances.reduce((best, value, k) => (value < (distances[best] as number) ? k : best), 0);
    if ((distances[nearest] as number) <= within * std) counts[nearest] = (counts[nearest] as number) + 1;
  }
  const near = counts.reduce((a, b) => a + b, 0);
  return { covered: counts.filter((count) => count > 0).length, modes: centres.length, share: near / n, counts };
}
