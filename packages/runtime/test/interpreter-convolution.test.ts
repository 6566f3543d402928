import { type ConvGeometry, type NDArray, type PoolGeometry, type Shape, convOutput, windows } from '@brownian/graph';
import { describe, expect, test } from 'vitest';
import { between, expectClose, f64, inner, random, run, source } from './interpreter-support.ts';

/** Values are sums of at most a thousand products of numbers below 1, in another order. */
const SUM_TOLERANCE = 1e-12;

type Four = readonly [number, number, number, number];

const seeds = Array.from({ length: 60 }, (_, seed) => seed + 1);

/** An element of a four-axis array, or `outside` beyond its edges. */
function at({ data, shape }: NDArray, [n, c, h, w]: Four, outside: number): number {
  const [, channels, height, width] = shape as Four;
  if (h < 0 || h >= height || w < 0 || w >= width) return outside;
  return Number(data[((n * channels + c) * height + h) * width + w]);
}

/** Builds a four-axis array from its elements. */
function build(shape: Shape, element: (index: Four) => number): NDArray {
  const [n, c, h, w] = shape as Four;
  const values: number[] = [];
  for (let i = 0; i < n; i++)
    for (let j = 0; j < c; j++)
      for (let k = 0; k < h; k++) for (let l = 0; l < w; l++) values.push(element([i, j, k, l]));
  return f64(values, shape);
}

/** conv2d by its definition, one output at a time. */
function naiveConv2d(x: NDArray, w: NDArray, g: ConvGeometry): NDArray {
  const [n, c, height, width] = x.shape as Four;
  const [o, , kh, kw] = w.shape as Four;
  return build([n, o, ...convOutput([height, width], [kh, kw], g)], ([i, j, p, q]) => {
    let total = 0;
    for (let k = 0; k < c; k++) {
      for (let a = 0; a < kh; a++) {
        for (let b = 0; b < kw; b++) {
          const row = p * g.stride[0] - g.padding[0] + a * g.dilation[0];
          const column = q * g.stride[1] - g.padding[1] + b * g.dilation[1];
          total += at(x, [i, k, row, column], 0) * at(w, [j, k, a, b], 0);
        }
      }
    }
    return total;
  });
}

interface ConvCase {
  readonly x: Shape;
  readonly w: Shape;
  readonly geometry: ConvGeometry;
}

/** Random sizes, strides, dilations and four paddings, with a kernel that fits. */
function randomConv(next: () => number): ConvCase {
  for (;;) {
    const pick = (low: number, high: number): number => between(next, low, high);
    const geometry: ConvGeometry = {
      stride: [pick(1, 3), pick(1, 3)],
      padding: [pick(0, 3), pick(0, 3), pick(0, 3), pick(0, 3)],
      dilation: [pick(1, 2), pick(1, 2)],
    };
    const [c, size, kernel] = [pick(1, 3), [pick(1, 8), pick(1, 8)] as const, [pick(1, 4), pick(1, 4)] as const];
    const fits = convOutput(size, kernel, geometry).every((n) => n > 0);
    if (fits) return { x: [pick(1, 2), c, ...size], w: [pick(1, 3), c, ...kernel], geometry };
  }
}

const NAMED: readonly ConvCase[] = [
  { x: [4, 8, 16, 16], w: [8, 8, 4, 4], geometry: { stride: [2, 2], padding: [1, 1, 1, 1], dilation: [1, 1] } },
  { x: [2, 3, 5, 5], w: [2, 3, 3, 3], geometry: { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1] } },
  { x: [1, 1, 6, 6], w: [1, 1, 2, 2], geometry: { stride: [3, 3], padding: [0, 0, 0, 0], dilation: [2, 2] } },
  { x: [1, 2, 2, 2], w: [3, 2, 5, 5], geometry: { stride: [1, 1], padding: [4, 4, 4, 4], dilation: [1, 1] } },
  { x: [2, 1, 1, 1], w: [1, 1, 1, 1], geometry: { stride: [2, 2], padding: [3, 0, 0, 3], dilation: [1, 1] } },
];

function checkFamily({ x: xShape, w: wShape, geometry }: ConvCase, next: () => number): void {
  const [x, w] = [random(xShape, next), random(wShape, next)];
  const result = run('conv2d', [x, w], geometry);
  expectClose(result, naiveConv2d(x, w, geometry), SUM_TOLERANCE);
  const y = random(result.shape, next);
  const size = xShape.slice(2) as [number, number];
  const kernel = wShape.slice(2) as [number, number];
  const expected = inner(result, y);
  const scale = Math.max(1, Math.abs(expected));
  const xGrad = run('conv2dInputGrad', [y, w], { ...geometry, size });
  const wGrad = run('conv2dFilterGrad', [x, y], { ...geometry, kernel });
  expect(Math.abs(inner(x, xGrad) - expected) / scale).toBeLessThan(SUM_TOLERANCE);
  expect(Math.abs(inner(w, wGrad) - expected) / scale).toBeLessThan(SUM_TOLERANCE);
}

describe('the convolution family against the definition, and its adjoints', () => {
  test.each(NAMED)('%# $x with $w, $geometry', (each) => checkFamily(each, source(1)));
  test.each(seeds)('random geometry, seed %d', (seed) => {
    const next = source(seed);
    checkFamily(randomConv(next), next);
  });

  test('no images or no channels', () => {
    const geometry: ConvGeometry = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };
    const filters = f64(
      Array.from({ length: 4 }, () => 1),
      [1, 1, 2, 2],
    );
    expect(run('conv2d', [f64([], [0, 1, 2, 2]), filters], geometry)).toEqual(f64([], [0, 1, 1, 1]));
    expect(run('conv2d', [f64([], [1, 0, 2, 2]), f64([], [1, 0, 2, 2])], geometry)).toEqual(f64([0], [1, 1, 1, 1]));
    const zeros = run('conv2dFilterGrad', [f64([], [0, 1, 2, 2]), f64([], [0, 1, 1, 1])], {
      ...geometry,
      kernel: [2, 2],
    });
    expect(zeros).toEqual(f64([0, 0, 0, 0], [1, 1, 2, 2]));
  });
});

/** maxPool by its definition, with −∞ beyond the edges. */
function naiveMaxPool(x: NDArray, g: PoolGeometry): NDArray {
  const [n, c, height, width] = x.shape as Four;
  const [top, left, bottom, right] = g.padding;
  const rows = windows(height, g.kernel[0], g.stride[0], top, bottom);
  const columns = windows(width, g.kernel[1], g.stride[1], left, right);
  return build([n, c, rows, columns], ([i, j, p, q]) => {
    const seen: number[] = [];
    for (let a = 0; a < g.kernel[0]; a++) {
      for (let b = 0; b < g.kernel[1]; b++) {
        seen.push(at(x, [i, j, p * g.stride[0] - top + a, q * g.stride[1] - left + b], -Infinity));
      }
    }
    return Math.max(...seen);
  });
}

function randomPool(next: () => number): { readonly shape: Shape; readonly geometry: PoolGeometry } {
  for (;;) {
    const pick = (low: number, high: number): number => between(next, low, high);
    const [kh, kw, height, width] = [pick(1, 4), pick(1, 4), pick(1, 7), pick(1, 7)];
    const padding: Four = [pick(0, kh - 1), pick(0, kw - 1), pick(0, kh - 1), pick(0, kw - 1)];
    const geometry: PoolGeometry = { kernel: [kh, kw], stride: [pick(1, 3), pick(1, 3)], padding };
    const rows = windows(height, kh, geometry.stride[0], padding[0], padding[2]);
    const columns = windows(width, kw, geometry.stride[1], padding[1], padding[3]);
    if (rows > 0 && columns > 0) return { shape: [pick(1, 2), pick(1, 3), height, width], geometry };
  }
}

describe('max pooling', () => {
  test.each(seeds)('against the definition, and its adjoint, with ties and overlaps, seed %d', (seed) => {
    const next = source(seed);
    const { shape, geometry } = randomPool(next);
    // Three values, so that most windows have ties; none above 0, so that padding with zeros would win.
    const x = build(shape, () => between(next, -2, 0));
    const pooled = run('maxPool', [x], geometry);
    expect(pooled).toEqual(naiveMaxPool(x, geometry));
    expect(run('maxPoolPick', [x, x], geometry)).toEqual(pooled);
    const [v, g] = [random(shape, next), random(pooled.shape, next)];
    const picked = inner(run('maxPoolPick', [x, v], geometry), g);
    const scattered = inner(v, run('maxPoolScatter', [x, g], geometry));
    expect(Math.abs(picked - scattered)).toBeLessThan(SUM_TOLERANCE);
  });

  const position = build([1, 1, 3, 3], ([, , h, w]) => h * 3 + w);
  const geometry: PoolGeometry = { kernel: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0] };

  test('the first of equal values in row-major order wins', () => {
    const x = f64([1, 1, 1, 1, 1, 1, 1, 1, 1], [1, 1, 3, 3]);
    expect(run('maxPoolPick', [x, position], geometry)).toEqual(f64([0, 1, 3, 4], [1, 1, 2, 2]));
    const padded: PoolGeometry = { kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1] };
    expect(run('maxPoolPick', [x, position], padded)).toEqual(f64([0, 1, 3, 4], [1, 1, 2, 2]));
  });

  test('overlapping windows add up where they share a maximum', () => {
    const x = f64([0, 0, 0, 0, 5, 0, 0, 0, 0], [1, 1, 3, 3]);
    const scattered = run('maxPoolScatter', [x, f64([1, 2, 4, 8], [1, 1, 2, 2])], geometry);
    expect(scattered).toEqual(f64([0, 0, 0, 0, 15, 0, 0, 0, 0], [1, 1, 3, 3]));
  });

  test('−∞ everywhere gives −∞ from the first position, NaN wins', () => {
    const lowest = f64(
      Array.from({ length: 9 }, () => -Infinity),
      [1, 1, 3, 3],
    );
    expect(run('maxPoolPick', [lowest, position], geometry)).toEqual(f64([0, 1, 3, 4], [1, 1, 2, 2]));
    const broken = f64([1, 2, 3, NaN, 5, NaN, 7, 8, 9], [1, 1, 3, 3]);
    expect(run('maxPoolPick', [broken, position], geometry)).toEqual(f64([3, 5, 3, 5], [1, 1, 2, 2]));
  });
});
