import { type NDArray, float32Data, formatShape } from '@brownian/graph';
import sharp from 'sharp';
import { COLORS } from '../report/colors.ts';
import { Plot, plotSvg } from '../report/plot.ts';
import type { Window } from './scatter.ts';

const SIZE = 480;
const ACCENT = '#c4511d';
/** Colours of classes on light and on dark paper. */
const CLASSES = [...COLORS, '#5a6b7c', '#3f9b4f'];

type Point = readonly [x: number, y: number];

function pointsOf(array: NDArray, what: string): Point[] {
  if (array.shape.length !== 2 || array.shape[1] !== 2)
    throw new RangeError(`${what} shows points [n, 2], got ${formatShape(array.shape)}.`);
  const values = array.data instanceof Float32Array ? array.data : Float32Array.from(array.data as Float64Array);
  const all = Array.from({ length: array.shape[0] ?? 0 }, (_, i): Point => [
    values[2 * i] ?? 0,
    values[2 * i + 1] ?? 0,
  ]);
  return all.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
}

/** Draws marks in a square window of the plane, without axes, as PNG. */
async function planePng({ center: [x, y], reach }: Window, marks: readonly Plot.Markish[]): Promise<Uint8Array> {
  const svg = plotSvg({
    width: SIZE,
    height: SIZE,
    margin: 0,
    style: { background: 'none' },
    x: { domain: [x - reach, x + reach], axis: null },
    y: { domain: [y - reach, y + reach], axis: null },
    marks: [...marks],
  });
  // A picture by itself says what it is written in; inside a page it need not.
  const whole = svg.includes('xmlns=') ? svg : svg.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"');
  return await sharp(Buffer.from(whole.replaceAll('currentColor', ACCENT)))
    .png({ compressionLevel: 9, palette: true })
    .toBuffer();
}

/** Points of which a density is drawn, at most: more change nothing that can be seen. */
const MOST = 10_000;

/**
 * The density of points as filled contours of a Gaussian kernel estimate (EIEG GAN, Fig. 12).
 *
 * @param points `[n, 2]`
 * @param bandwidth standard deviation of the kernel, in units of x
 * @throws RangeError for another shape
 */
export async function densityPng(points: NDArray, window: Window, bandwidth: number): Promise<Uint8Array> {
  const pixels = (bandwidth * SIZE) / (2 * window.reach);
  const shown = pointsOf(points, 'A density').slice(0, MOST);
  return await planePng(window, [
    Plot.density(shown, {
      x: '0',
      y: '1',
      bandwidth: Math.max(1, pixels),
      thresholds: 14,
      fill: ACCENT,
      fillOpacity: 0.12,
      stroke: null,
    }),
  ]);
}

/**
 * A vector field: an arrow at every point, its length by the root of the field's size, so that weak and strong ones are both seen.
 *
 * @param at `[n, 2]`
 * @param field `[n, 2]`
 * @param data points shown behind it, `[m, 2]`
 */
export async function fieldPng(at: NDArray, field: NDArray, data: NDArray, window: Window): Promise<Uint8Array> {
  const [places, vectors] = [float32Data(at), float32Data(field)];
  const n = pointsOf(at, 'A field').length;
  const sizes = Array.from({ length: n }, (_, i) => Math.hypot(vectors[2 * i] ?? 0, vectors[2 * i + 1] ?? 0));
  const most = Math.max(...sizes, Number.MIN_VALUE);
  const arrows = sizes.map((size, i) => ({
    x: places[2 * i] ?? 0,
    y: places[2 * i + 1] ?? 0,
    length: 22 * Math.sqrt(size / most),
    rotate: (Math.atan2(vectors[2 * i] ?? 0, vectors[2 * i + 1] ?? 0) * 180) / Math.PI,
  }));
  return await planePng(window, [
    Plot.dot(pointsOf(data, 'A field'), { x: '0', y: '1', r: 1.5, fill: '#8b93a1', fillOpacity: 0.5 }),
    ...arrows.map(({ x, y, length, rotate }) =>
      Plot.vector([[x, y]], { x: '0', y: '1', length, rotate, stroke: ACCENT, strokeWidth: 1.3, anchor: 'middle' }),
    ),
  ]);
}

/**
 * Points coloured by class, on a window that shows them all.
 *
 * @param points `[n, 2]`
 * @param labels class of each
 */
export async function classesPng(points: NDArray, labels: ArrayLike<number>, window: Window): Promise<Uint8Array> {
  const shown = pointsOf(points, 'A scatter plot').map(([x, y], i) => ({
    x,
    y,
    color: CLASSES[(labels[i] ?? 0) % CLASSES.length] ?? ACCENT,
  }));
  return await planePng(
    window,
    CLASSES.map((color) =>
      Plot.dot(
        shown.filter((point) => point.color === color),
        { x: 'x', y: 'y', r: 2, fill: color, fillOpacity: 0.7 },
      ),
    ),
  );
}
