import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import { Plot, plotSvg } from '../report/plot.ts';
import type { Window } from './scatter.ts';

/** Φ on a square grid of the plane. */
export interface Landscape {
  readonly window: Window;
  /** Points on a side. */
  readonly side: number;
  /** Φ row by row, from the lowest y up and from the lowest x on. */
  readonly values: Float32Array;
}

const SIDE = 80;
const ARROWS = 20;
const SIZE = 420;
const LEVELS = 18;
const PARTICLES = 600;

/** Where the grid's points are: x (or y) of column (or row) i. */
function placeOf({ center, reach }: Window, axis: 0 | 1, i: number, side: number): number {
  return center[axis] - reach + ((2 * i) / (side - 1)) * reach;
}

/** Asks a potential for its values on a grid. */
export async function surveyPotential(
  potential: (x: NDArray) => Promise<NDArray>,
  window: Window,
  side: number = SIDE,
): Promise<Landscape> {
  const points = Float32Array.from({ length: 2 * side * side }, (_, i) => {
    const [point, axis] = [i >> 1, (i % 2) as 0 | 1];
    return placeOf(window, axis, axis === 0 ? point % side : Math.floor(point / side), side);
  });
  return { window, side, values: float32Data(await potential(ndarray(points, [side * side, 2]))) };
}

interface Arrow {
  readonly x: number;
  readonly y: number;
  /** Degrees clockwise from up. */
  readonly angle: number;
  readonly length: number;
}

/** The slope of Φ by central differences, on a coarser grid. */
function arrowsOf({ window, side, values }: Landscape): Arrow[] {
  const at = (row: number, column: number): number => values[row * side + column] as number;
  const every = side / ARROWS;
  const found = Array.from({ length: ARROWS * ARROWS }, (_, i) => {
    const row = Math.min(side - 2, Math.max(1, Math.round((Math.floor(i / ARROWS) + 0.5) * every)));
    const column = Math.min(side - 2, Math.max(1, Math.round(((i % ARROWS) + 0.5) * every)));
    const [dx, dy] = [at(row, column + 1) - at(row, column - 1), at(row + 1, column) - at(row - 1, column)];
    return {
      x: placeOf(window, 0, column, side),
      y: placeOf(window, 1, row, side),
      angle: (Math.atan2(dx, dy) * 180) / Math.PI,
      slope: Math.hypot(dx, dy),
    };
  });
  const sorted = found.map(({ slope }) => slope).toSorted((a, b) => a - b);
  const usual = sorted[Math.floor(0.8 * sorted.length)] || 1;
  return found.map(({ x, y, angle, slope }) => ({ x, y, angle, length: 13 * Math.min(1.3, Math.sqrt(slope / usual)) }));
}

function particlesOf(x: NDArray): { x: number; y: number }[] {
  const values = float32Data(x);
  const n = Math.min(PARTICLES, x.shape[0] as number);
  return Array.from({ length: n }, (_, i) => ({ x: values[2 * i] as number, y: values[2 * i + 1] as number }));
}

/**
 * The potential as filled contours (light is high), its slope as arrows, and particles `[n, 2]` as dots.
 *
 * @param lowest values below the landscape's quantile of this share are drawn as that one, so that far slopes leave levels for the middle
 */
export function landscapeSvg(landscape: Landscape, particles: NDArray, lowest = 0.15): string {
  const { window, side, values } = landscape;
  const floor = values.toSorted()[Math.floor(lowest * values.length)] as number;
  const [[cx, cy], reach] = [window.center, window.reach];
  const bounds = { x1: cx - reach, x2: cx + reach, y1: cy - reach, y2: cy + reach };
  const inside = particlesOf(particles).filter(({ x, y }) => Math.abs(x - cx) <= reach && Math.abs(y - cy) <= reach);
  return plotSvg({
    width: SIZE,
    height: SIZE,
    margin: 4,
    axis: null,
    x: { domain: [bounds.x1, bounds.x2] },
    y: { domain: [bounds.y1, bounds.y2] },
    color: { scheme: 'viridis' },
    marks: [
      Plot.contour(
        Array.from(values, (value) => Math.max(value, floor)),
        { ...bounds, width: side, height: side, fill: Plot.identity, thresholds: LEVELS },
      ),
      Plot.vector(arrowsOf(landscape), {
        x: 'x',
        y: 'y',
        rotate: 'angle',
        length: { value: 'length', scale: null } as never,
        stroke: 'white',
        strokeOpacity: 0.75,
        strokeWidth: 1,
      }),
      Plot.dot(inside, { x: 'x', y: 'y', r: 1.8, fill: '#ff7f3f', stroke: '#5a1e00', strokeWidth: 0.4 }),
    ],
  });
}
