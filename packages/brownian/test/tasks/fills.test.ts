import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { describe, expect, test } from 'vitest';
import { FILLS, type FillName } from '../../src/tasks/fills.ts';
import { type MaskedImages, knownLike, merge } from '../../src/data/masked.ts';
import { MASKS, squareMask, variedMasks } from '../../src/tasks/masks.ts';

const NAMES = Object.keys(FILLS) as FillName[];

/** Images that are an affine function of the position in each channel. */
function ramps(n: number, height: number, width: number): NDArray {
  const values = Float32Array.from({ length: n * 2 * height * width }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    const plane = Math.floor(i / (height * width));
    return (0.02 * x - 0.03 * y) * (plane % 2 === 0 ? 1 : -1) + 0.1 * (plane % 3);
  });
  return ndarray(values, [n, 2, height, width]);
}

function masked(x: NDArray, mask: NDArray): MaskedImages {
  const known = knownLike(x, mask);
  // What is missing is put out of reach, so that a fill that looks at it shows.
  return { x: merge(x, known, { ...x, data: new Float32Array(x.data.length).fill(1e6) }), known };
}

function largestError(a: NDArray, b: NDArray): number {
  return float32Data(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - Number(b.data[i]))), 0);
}

describe.each(NAMES)('the fill "%s"', (name) => {
  const x = ramps(3, 12, 10);
  const images = masked(x, MASKS.both(3, [12, 10], createStream(1)));

  test('leaves what is known alone and stays within its bounds', () => {
    const filled = FILLS[name](images);
    expect(merge(x, images.known, filled)).toEqual(filled);
    expect(Math.max(...float32Data(filled).map(Math.abs))).toBeLessThan(1);
  });

  test('continues an image of one colour', () => {
    const flat = { ...x, data: new Float32Array(x.data.length).fill(0.25) };
    // A float32 mean of equal values is off by rounding.
    expect(largestError(FILLS[name](masked(flat, squareMask([12, 10]))), flat)).toBeLessThan(1e-6);
  });

  test('fills an image of which nothing is known with grey', () => {
    const none = { x, known: { ...x, data: new Float32Array(x.data.length) } };
    expect(Math.max(...float32Data(FILLS[name](none)).map(Math.abs))).toBe(0);
  });
});

describe('fills of a ramp with a hole', () => {
  const x = ramps(1, 12, 12);
  const images = masked(x, squareMask([12, 12]));

  test('linear and harmonic interpolation restore it, the mean does not', () => {
    // Affine functions are linear along every line; float32 rounding is 1e-7.
    expect(largestError(FILLS.bilinear(images), x)).toBeLessThan(1e-6);
    // Relaxation stops at changes below 1e-4 and has contracted the rest by then.
    expect(largestError(FILLS.harmonic(images), x)).toBeLessThan(1e-3);
    expect(largestError(FILLS.mean(images), x)).toBeGreaterThan(0.05);
  });

  test('the harmonic fill is the mean of its neighbours', () => {
    const noise = createStream(3).uniform([1, 1, 12, 12], -1, 1);
    const filled = float32Data(FILLS.harmonic(masked(noise, squareMask([12, 12]))));
    for (let y = 3; y < 9; y++) {
      for (let column = 3; column < 9; column++) {
        const at = y * 12 + column;
        const mean = [-1, 1, -12, 12].reduce((sum, step) => sum + (filled[at + step] as number) / 4, 0);
        expect(Math.abs((filled[at] as number) - mean)).toBeLessThan(1e-3);
      }
    }
  });
});

describe('masks', () => {
  test('the square is in the middle and leaves out a quarter', () => {
    const { data, shape } = squareMask([8, 12]);
    expect(shape).toEqual([1, 1, 8, 12]);
    const rows = Array.from({ length: 8 }, (_, y) =>
      Array.from(data.slice(12 * y, 12 * y + 12) as Float32Array).join(''),
    );
    expect(rows).toEqual([
      ...Array.from({ length: 2 }, () => '111111111111'),
      ...Array.from({ length: 4 }, () => '111000000111'),
      ...Array.from({ length: 2 }, () => '111111111111'),
    ]);
  });

  test('spots leave out a quarter, other places in every image, the same for a seed', () => {
    const spots = (seed: number): Float32Array => MASKS.spots(2, [28, 28], createStream(seed)).data as Float32Array;
    const [first, second] = [spots(1).slice(0, 784), spots(1).slice(784)];
    for (const plane of [first, second]) {
      const missing = plane.filter((value) => value === 0).length / 784;
      expect(missing).toBeGreaterThanOrEqual(0.25);
      // The last spot may exceed the share by its own area, π 2² pixels.
      expect(missing).toBeLessThan(0.25 + 16 / 784);
    }
    expect(first).not.toEqual(second);
    expect(spots(1)).toEqual(spots(1));
    expect(spots(2)).not.toEqual(spots(1));
  });

  test('both leave out what either does', () => {
    const both = MASKS.both(1, [16, 16], createStream(5)).data as Float32Array;
    const [square, spots] = [squareMask([16, 16]).data, MASKS.spots(1, [16, 16], createStream(5)).data];
    expect(Array.from(both)).toEqual(Array.from(both, (_, i) => Number(square[i]) * Number(spots[i])));
  });

  test('to learn from are rectangles at least as large as the square, spots, or both, evenly, anywhere', () => {
    const masks = variedMasks(600, [16, 12], createStream(3)).data as Float32Array;
    const counts = { rectangle: 0, spots: 0, both: 0 };
    const missedAt = new Float64Array(16 * 12);
    const wrong: number[][] = [];
    for (let image = 0; image < 600; image++) {
      const plane = masks.slice(image * 192, (image + 1) * 192);
      const missing = Array.from(plane.keys()).filter((i) => plane[i] === 0);
      for (const i of missing) missedAt[i] = (missedAt[i] as number) + 1 / 600;
      const [rows, columns] = [missing.map((i) => Math.floor(i / 12)), missing.map((i) => i % 12)];
      const [h, w] = [rows, columns].map((of) => Math.max(...of) - Math.min(...of) + 1) as [number, number];
      if (h * w === missing.length) {
        counts.rectangle += 1;
        if (h < 8 || h > 10 || w < 6 || w > 7) wrong.push([h, w]);
      } else counts[missing.length < 0.25 * 192 + 8 ? 'spots' : 'both'] += 1;
    }
    expect(wrong, 'rectangles that are too small or too large').toEqual([]);
    // A binomial of 600 draws at a third has a standard deviation of 11.5; some of both are no larger than spots alone.
    expect(Math.abs(counts.rectangle - 200)).toBeLessThan(46);
    expect(counts.both).toBeGreaterThan(120);
    expect(counts.spots).toBeGreaterThan(150);
    // No pixel is always known or never.
    expect(Math.min(...missedAt)).toBeGreaterThan(0.1);
    expect(Math.max(...missedAt)).toBeLessThan(0.9);
    expect(variedMasks(3, [16, 12], createStream(3))).toEqual(variedMasks(3, [16, 12], createStream(3)));
  });

  test('of another size than the images are refused in a sentence', () => {
    expect(() => knownLike(ramps(1, 12, 10), squareMask([10, 12]))).toThrow(
      'The mask has the shape [1, 1, 10, 12], the images have [1, 2, 12, 10].',
    );
    expect(() => knownLike(ndarray([1, 2], [1, 2]), squareMask([10, 12]))).toThrow(
      'A mask is of images [n, channels, height, width], these items are [1, 2].',
    );
  });
});
