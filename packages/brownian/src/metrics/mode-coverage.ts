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
export function modeCoverage(points: NDArray, modes: Modes, within = 3): ModeCoverage {
  const near = nearPoints(points, modes, within);
  const counts = modes.centres.map(() => 0);
  for (const { mode } of near) counts[mode] = (counts[mode] as number) + 1;
  const covered = counts.filter((count) => count > 0).length;
  return { covered, modes: counts.length, share: near.length / (points.shape[0] as number), counts };
}

/** The points within `within` standard deviations of their nearest mode. @throws RangeError for another shape than `[n, 2]`, n ≥ 1 */
function nearPoints(
  points: NDArray,
  { centres, std }: Modes,
  within: number,
): { readonly mode: number; readonly distance: number }[] {
  const [n = 0, d] = points.shape;
  if (points.shape.length !== 2 || d !== 2 || n < 1)
    throw new RangeError(`Mode coverage takes points [n, 2], n ≥ 1, got ${formatShape(points.shape)}.`);
  if (!(within > 0)) throw new RangeError(`The distance that counts as near must be positive, got ${within}.`);
  const data = points.data as Float32Array;
  const near: { mode: number; distance: number }[] = [];
  for (let i = 0; i < n; i++) {
    const [x, y] = [data[2 * i] as number, data[2 * i + 1] as number];
    const distances = centres.map(([a, b]) => Math.hypot(x - a, y - b));
    const mode = distances.reduce((best, value, k) => (value < (distances[best] as number) ? k : best), 0);
    const distance = distances[mode] as number;
    if (distance <= within * std) near.push({ mode, distance });
  }
  return near;
}

/** How widely points lie about the modes of a mixture. */
export interface ModeSpreads {
  /** Points near each mode. */
  readonly counts: readonly number[];
  /** Standard deviation of a coordinate of those points about the mode, in the units of x; 0 for a mode without points. */
  readonly spreads: readonly number[];
}

/**
 * Spread of points about each mode: √(mean ‖x − c‖²/2) over those near it, to compare with the mixture's std.
 *
 * @param points `[n, 2]`
 * @param within how near is near, in standard deviations. Default 4, which leaves .03 % of a mode out
 * @throws RangeError for another shape, for no points, or when `within` is not positive
 */
export function modeSpreads(points: NDArray, modes: Modes, within = 4): ModeSpreads {
  const counts = modes.centres.map(() => 0);
  const squares = modes.centres.map(() => 0);
  for (const { mode, distance } of nearPoints(points, modes, within)) {
    counts[mode] = (counts[mode] as number) + 1;
    squares[mode] = (squares[mode] as number) + distance ** 2;
  }
  return { counts, spreads: squares.map((sum, k) => Math.sqrt(sum / 2 / Math.max(1, counts[k] as number))) };
}
