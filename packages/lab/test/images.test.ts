import { ndarray } from '@brownian/graph';
import { encodeNpy } from 'brownian';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { gridPng, tileImages } from '../src/images/grid.ts';
import { pictureFor } from '../src/images/picture.ts';
import { scatterPng, scatterSvg, windowOf } from '../src/images/scatter.ts';
import { openData } from '../src/data/open.ts';
import { temporaryFolder, tinyImages } from './support/files.ts';

/** The pixel of a decoded PNG as RGBA. */
async function pixels(
  png: Uint8Array,
): Promise<{ width: number; height: number; at: (x: number, y: number) => number[] }> {
  const { data, info } = await sharp(png)
    .ensureAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number): number[] => [
    ...data.subarray((y * info.width + x) * 4, (y * info.width + x) * 4 + 4),
  ];
  return { width: info.width, height: info.height, at };
}

describe('a grid', () => {
  it('has every pixel where it belongs, repeated, with transparent gaps', async () => {
    // Five grey images of 2×1 pixels, three to a row: -1 is black, 1 is white, and values beyond are clamped.
    const images = ndarray([-1, 1, 0, 9, -9, 0.5, -0.5, 1, NaN, 1], [5, 1, 1, 2]);
    const { width, height, at } = await pixels(await gridPng(images, { columns: 3, scale: 2, gap: 1 }));
    expect([width, height]).toEqual([16, 6]);
    const grey = (value: number): number[] => [value, value, value, 255];
    expect([at(0, 0), at(1, 1), at(2, 0), at(3, 1)]).toEqual([grey(0), grey(0), grey(255), grey(255)]);
    expect([at(6, 0), at(8, 1)]).toEqual([grey(128), grey(255)]);
    expect([at(12, 0), at(14, 0)]).toEqual([grey(0), grey(191)]);
    expect([at(0, 4), at(2, 5)]).toEqual([grey(64), grey(255)]);
    expect([at(6, 4), at(8, 4)]).toEqual([grey(0), grey(255)]);
    for (const [x, y] of [
      [4, 0],
      [5, 1],
      [10, 0],
      [0, 2],
      [15, 3],
      [12, 4],
      [15, 5],
    ] as const)
      expect(at(x, y)[3]).toBe(0);
  });

  it('shows colours', async () => {
    const { at } = await pixels(await gridPng(ndarray([1, -1, -1, 1, 0, 0], [1, 3, 1, 2]), { scale: 1 }));
    expect([at(0, 0), at(1, 0)]).toEqual([
      [255, 0, 128, 255],
      [0, 255, 128, 255],
    ]);
  });

  it('is as square as it gets, and small images are enlarged', () => {
    const raster = tileImages(ndarray(new Float32Array(10 * 28 * 28), [10, 1, 28, 28]));
    expect([raster.width, raster.height]).toEqual([(4 * 29 - 1) * 3, (3 * 29 - 1) * 3]);
  });

  it.each([[[4, 2, 3, 3]], [[4, 9]], [[0, 1, 3, 3]]])('refuses arrays of shape %j', (shape) => {
    const array = ndarray(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
    expect(() => tileImages(array)).toThrow('A grid shows images [n, 1 or 3, height, width], got [');
  });
});

describe('a scatter plot', () => {
  it('puts points of the data inside a margin and y upwards', () => {
    const data = ndarray([-1, -1, 3, 1], [2, 2]);
    expect(windowOf(data)).toEqual({ center: [1, 0], reach: 2.4 });
    const svg = scatterSvg(ndarray([1, 1.2, NaN, 0], [2, 2]), data);
    expect(svg.match(/<circle/g)).toHaveLength(3);
    expect(svg).toContain('<circle cx="320.0" cy="160.0" r="3"/>');
  });

  it('is a PNG with particles in colour', async () => {
    const { width, at } = await pixels(await scatterPng(ndarray([0, 0], [1, 2]), ndarray([-1, -1, 1, 1], [2, 2])));
    const [red = 0, green = 0, blue = 0] = at(width / 2, width / 2);
    expect(red).toBeGreaterThan(green + 50);
    expect(green).toBeGreaterThan(blue);
    expect(at(5, 5)[3]).toBe(0);
  });

  it('refuses what is not points', () => {
    expect(() => scatterSvg(null, ndarray([1, 2, 3], [1, 3]))).toThrow(
      'A scatter plot shows points [n, 2], got [1, 3].',
    );
  });
});

describe('a picture', () => {
  it('shows images on a grid of at most eight by eight', async () => {
    const data = await openData(tinyImages(temporaryFolder()), { limit: null, seed: 1 });
    const particles = ndarray(new Float32Array(100 * 36), [100, 1, 6, 6]);
    expect((await pixels(await pictureFor(data).particles(particles))).width).toBe((8 * 7 - 1) * 3);
    expect((await pixels(await pictureFor(data).data())).width).toBe((7 * 7 - 1) * 3);
  });

  it('shows points as a scatter plot', async () => {
    const data = await openData('two-moons', { limit: 50, seed: 1 });
    expect((await pixels(await pictureFor(data).data())).width).toBe(640);
  });

  it('refuses items it cannot draw', () => {
    const data = { name: 'x', itemShape: [5], size: 1, batch: () => Promise.resolve({ x: ndarray([0]) }) };
    expect(() => pictureFor(data)).toThrow('Items of shape [5] cannot be drawn');
  });
});

describe('an .npy file', () => {
  it.each([
    [ndarray([1, 2, 3, 4, 5, 6], [3, 2]), "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"],
    [ndarray(Int32Array.of(7)), "{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }"],
    [ndarray(5), "{'descr': '<f4', 'fortran_order': False, 'shape': (), }"],
  ])('has the header NumPy expects', (array, dictionary) => {
    const bytes = Buffer.concat(encodeNpy(array));
    expect([...bytes.subarray(0, 8)]).toEqual([0x93, ...Buffer.from('NUMPY'), 1, 0]);
    const length = bytes.readUInt16LE(8);
    expect((10 + length) % 64).toBe(0);
    expect(bytes.toString('latin1', 10, 10 + length)).toBe(`${dictionary.padEnd(length - 1)}\n`);
    expect(bytes.length - 10 - length).toBe(array.data.byteLength);
  });
});
