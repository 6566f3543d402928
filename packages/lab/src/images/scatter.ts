import { type NDArray, float32Data, formatShape } from '@brownian/graph';
import sharp from 'sharp';

/** The square of the plane a scatter plot shows. */
export interface Window {
  readonly center: readonly [number, number];
  /** Half the side, in units of x. */
  readonly reach: number;
}

// Mid-tones, so that one picture reads on light and on dark pages.
const DATA_COLOR = '#8b93a1';
const PARTICLE_COLOR = '#e0672e';
const SIZE = 640;

function points(array: NDArray): [number, number][] {
  if (array.shape.length !== 2 || array.shape[1] !== 2) {
    throw new RangeError(`A scatter plot shows points [n, 2], got ${formatShape(array.shape)}.`);
  }
  const values = float32Data(array);
  return Array.from({ length: array.shape[0] ?? 0 }, (_, i) => [values[2 * i] ?? 0, values[2 * i + 1] ?? 0]);
}

/** The window that shows all of these points `[n, 2]` with a margin around them. */
export function windowOf(data: NDArray): Window {
  const all = points(data);
  const middle = (axis: 0 | 1): [center: number, reach: number] => {
    const values = all.map((point) => point[axis]).toSorted((a, b) => a - b);
    const low = values[0] ?? -1;
    const high = values.at(-1) ?? 1;
    return [(low + high) / 2, (high - low) / 2];
  };
  const [x, reachX] = middle(0);
  const [y, reachY] = middle(1);
  return { center: [x, y], reach: Math.max(reachX, reachY, 1e-6) * 1.2 };
}

function circles(array: NDArray, window: Window, style: string): string {
  const place = (value: number, center: number): string =>
    ((0.5 + (value - center) / (2 * window.reach)) * SIZE).toFixed(1);
  const shown = points(array).filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  const marks = shown.map(
    ([x, y]) => `<circle cx="${place(x, window.center[0])}" cy="${place(-y, -window.center[1])}" r="3"/>`,
  );
  return `<g ${style}>${marks.join('')}</g>`;
}

/**
 * Draws points as an SVG scatter plot on a transparent ground: data as faint dots, particles over them.
 *
 * @param particles points `[n, 2]`, or null to draw the data alone.
 * @param data points `[m, 2]`.
 */
export function scatterSvg(particles: NDArray | null, data: NDArray, window: Window = windowOf(data)): string {
  const alone = particles === null;
  const ground = circles(data, window, `fill="${DATA_COLOR}" fill-opacity="${alone ? 0.75 : 0.35}"`);
  const dots = alone ? '' : circles(particles, window, `fill="${PARTICLE_COLOR}" fill-opacity="0.8"`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIZE} ${SIZE}" width="${SIZE}" height="${SIZE}">${ground}${dots}</svg>`;
}

/** {@link scatterSvg} as a PNG. */
export async function scatterPng(particles: NDArray | null, data: NDArray, window?: Window): Promise<Uint8Array> {
  return await sharp(Buffer.from(scatterSvg(particles, data, window)))
    .png({ compressionLevel: 9 })
    .toBuffer();
}
