import { expect, test } from 'vitest';
import { type NDArray, float32Data } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { imageDataset, pointDataset } from '../src/data/dataset.ts';
import { batchIndices } from '../src/data/epochs.ts';
import { DataError } from '../src/data/errors.ts';
import { parseIdx } from '../src/data/idx.ts';
import type { ToyDistribution } from '../src/data/toy2d/distribution.ts';
import { TOY_DISTRIBUTIONS, type ToyName, toyDataset } from '../src/data/toy2d/table.ts';

/** Statistical tests divide the error by its standard error; seeds are fixed, so they pass always or never. */
const MAX_Z = 4;
const TOYS = Object.entries(TOY_DISTRIBUTIONS) as [ToyName, ToyDistribution][];

/** Two images of 2 × 3: the smallest file with three dimensions worth reading. */
function idxFile(shape: readonly number[] = [2, 2, 3], values = 12, type = 8): Uint8Array {
  const sizes = shape.flatMap((axis) => [axis >>> 24, (axis >>> 16) & 255, (axis >>> 8) & 255, axis & 255]);
  return Uint8Array.from([0, 0, type, shape.length, ...sizes, ...Array.from({ length: values }, (_, i) => i * 20)]);
}

/** The values of an array as plain numbers; of a missing array, none. */
function numbers(array: NDArray | undefined): number[] {
  return array === undefined ? [] : Array.from(array.data as ArrayLike<number>);
}

function meanAndError(values: readonly number[]): { mean: number; error: number } {
  const n = values.length;
  const mean = values.reduce((a, b) => a + b, 0) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { mean, error: Math.sqrt(variance / n) };
}

function expectMean(values: readonly number[], expected: number): void {
  const { mean, error } = meanAndError(values);
  expect(Math.abs(mean - expected) / error).toBeLessThan(MAX_Z);
}

/** Points as pairs. */
function samplePairs(toy: ToyDistribution, seed: string, n: number): [number, number][] {
  const data = float32Data(toy.sample(createStream(seed), n));
  return Array.from({ length: n }, (_, i) => [data[2 * i] as number, data[2 * i + 1] as number]);
}

test('an IDX file is read without copying', () => {
  const padded = Uint8Array.from([9, 9, ...idxFile()]);
  const { shape, data } = parseIdx(padded.subarray(2), 'images');
  expect(shape).toEqual([2, 2, 3]);
  expect(Array.from(data)).toEqual(Array.from({ length: 12 }, (_, i) => i * 20));
  expect(data.buffer).toBe(padded.buffer);
  expect(parseIdx(idxFile([0, 5], 0), 'empty')).toMatchObject({ shape: [0, 5] });
});

test('each way to damage an IDX file has its own sentence', () => {
  const huge = [0xffffffff, 0xffffffff, 0xffffffff];
  const cases: [Uint8Array, string][] = [
    [idxFile().subarray(0, 3), 'f: an IDX file begins with 4 bytes of magic number, the file ends at byte 3.'],
    [idxFile().subarray(0, 15), 'f: the header of 3 dimensions takes 16 bytes, the file ends at byte 15.'],
    [
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47),
      'f: the magic number at byte 0 is 0x89504e47, expected 0x000008 and the number of dimensions.',
    ],
    [
      Uint8Array.of(0x1f, 0x8b, 8, 0),
      'f: the magic number at byte 0 is 0x1f8b0800, which is gzip; decompress the file first.',
    ],
    [
      idxFile([12], 12, 7),
      'f: the magic number at byte 0 is 0x00000701, expected 0x000008 and the number of dimensions.',
    ],
    [idxFile([12], 12, 0x0d), 'f: byte 2 gives the element type float32 (0x0d), only unsigned bytes (0x08) are read.'],
    [idxFile([], 1), 'f: byte 3 gives 0 dimensions, expected at least 1.'],
    [
      idxFile(huge, 12),
      'f: the dimensions [4294967295, 4294967295, 4294967295] at byte 4 multiply to more than 2^53 values, the file has 28 bytes.',
    ],
    [
      idxFile([60000, 28, 28], 12),
      'f: the dimensions [60000, 28, 28] at byte 4 call for 47040000 bytes from byte 16, the file is truncated after 12.',
    ],
    [
      idxFile([2, 2, 3], 11),
      'f: the dimensions [2, 2, 3] at byte 4 call for 12 bytes from byte 16, the file is truncated after 11.',
    ],
    [
      idxFile([2, 2, 3], 14),
      'f: the dimensions [2, 2, 3] at byte 4 call for 12 bytes from byte 16, the file has 14 (2 trailing from byte 28).',
    ],
  ];
  for (const [bytes, message] of cases) expect(() => parseIdx(bytes, 'f')).toThrow(new DataError(message));
});

/** 'read' for a consistent array, the error otherwise. */
function outcomeOf(bytes: Uint8Array): string {
  try {
    const { shape, data } = parseIdx(bytes, 'fuzz');
    return data.length === shape.reduce((a, b) => a * b, 1)
      ? 'read'
      : `${data.length} values of shape ${String(shape)}`;
  } catch (error) {
    return error instanceof DataError ? `${error.name}: ${error.message}` : `not a DataError: ${String(error)}`;
  }
}

test('no mutation of an IDX file gives anything but a DataError or a consistent array', () => {
  const stream = createStream('idx-fuzz');
  const below = (end: number): number => Math.floor(stream.next() * end);
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    let bytes = idxFile();
    for (let edits = 1 + below(3); edits > 0; edits--) {
      const kind = below(4);
      if (kind === 0) bytes = bytes.slice(0, below(bytes.length + 1));
      else if (kind === 1) bytes = Uint8Array.from([...bytes, below(256)]);
      else if (bytes.length > 0)
        bytes[kind === 2 ? below(Math.min(16, bytes.length)) : below(bytes.length)] = below(256);
    }
    const outcome = outcomeOf(bytes);
    expect(outcome).toMatch(/^(read|DataError: fuzz: [^\n]+\.)$/);
    if (outcome !== 'read') refused++;
  }
  expect(refused).toBeGreaterThan(1000);
});

test('image batches are scaled, ordered as asked and labelled', async () => {
  const images = { shape: [3, 1, 2], data: Uint8Array.of(0, 255, 51, 102, 153, 204) };
  const set = imageDataset({ name: 'tiny', images, labels: [0, 2, 1], classes: ['a', 'b', 'c'] });
  expect(set).toMatchObject({ name: 'tiny', itemShape: [1, 1, 2], size: 3, classes: ['a', 'b', 'c'] });
  const { x, labels } = await set.batch([2, 0, 2]);
  expect(x).toMatchObject({ dtype: 'float32', shape: [3, 1, 1, 2] });
  expect(numbers(x)).toEqual([153, 204, 0, 255, 153, 204].map((v) => Math.fround(v / 127.5 - 1)));
  expect(labels).toMatchObject({ dtype: 'int32', shape: [3] });
  expect(numbers(labels)).toEqual([1, 0, 1]);
  const colour = imageDataset({ name: 'colour', images: { shape: [1, 3, 1, 2], data: new Uint8Array(6) } });
  expect(colour.itemShape).toEqual([3, 1, 2]);
  expect('labels' in (await colour.batch([0])) || 'classes' in colour).toBe(false);
  expect((await set.batch([])).x.shape).toEqual([0, 1, 1, 2]);
  for (const bad of [3, -1, 0.5])
    await expect(set.batch([0, bad])).rejects.toThrow(`tiny: item ${bad} was asked for, the set has items 0..2.`);
});

test('arrays that do not fit together are refused', () => {
  const images = { shape: [2, 1, 1], data: new Uint8Array(2) };
  const cases: [() => unknown, string][] = [
    [
      () => imageDataset({ name: 's', images: { shape: [2, 1], data: images.data } }),
      's: images have the shape [2, 1], expected',
    ],
    [
      () => imageDataset({ name: 's', images: { shape: [0, 1, 1], data: new Uint8Array(0) } }),
      's: images have the shape [0, 1, 1]',
    ],
    [() => imageDataset({ name: 's', images: { ...images, data: new Uint8Array(3) } }), 'have 2 values, 3 were given.'],
    [
      () => imageDataset({ name: 's', images, labels: [1] }),
      's: there are 2 items and 1 labels, expected one label for each.',
    ],
    [
      () => imageDataset({ name: 's', images, labels: [0, 2], classes: ['a', 'b'] }),
      's: label 1 is 2, expected an integer in 0..1.',
    ],
    [() => imageDataset({ name: 's', images, labels: [0.5, 0] }), 's: label 0 is 0.5'],
    [
      () => pointDataset('p', new Float32Array(3), 2),
      'p: 3 values were given, expected a positive multiple of the dimension 2.',
    ],
    [() => pointDataset('p', new Float32Array(0), 2), 'p: 0 values were given'],
    [() => pointDataset('p', new Float32Array(2), 0), 'p: points have the dimension 0'],
    [
      () => pointDataset('p', Float32Array.of(1, 2, 3, Number.NaN), 2),
      'p: point 1 has the coordinate NaN, expected finite numbers.',
    ],
    [
      () => toyDataset('spiral' as ToyName, createStream(1), 5),
      'There is no toy distribution "spiral"; choose from 8-gaussians,',
    ],
    [() => toyDataset('rings', createStream(1), 0), 'rings: 0 points were asked for'],
  ];
  for (const [act, message] of cases) {
    expect(act).toThrow(DataError);
    expect(act).toThrow(message);
  }
});

test('point batches are the points', async () => {
  const set = pointDataset('p', Float32Array.of(1, 2, 3, 4, 5, 6), 2, [0, 1, 1]);
  expect(set).toMatchObject({ itemShape: [2], size: 3 });
  expect(numbers((await set.batch([2, 1])).x)).toEqual([5, 6, 3, 4]);
  expect(numbers((await set.batch([2, 0])).labels)).toEqual([1, 0]);
});

test('every epoch visits every item once, in its own order, in batches of one size', () => {
  for (const [size, batchSize] of [
    [10, 5],
    [10, 3],
    [3, 10],
    [1, 4],
    [7, 7],
  ] as const) {
    const order = batchIndices(createStream('order'), size, batchSize);
    const steps = 4 * size;
    const visited = Array.from({ length: steps }, (_, step) => [...order.indicesAt(step)]);
    expect(visited.every((batch) => batch.length === batchSize)).toBe(true);
    const flat = visited.flat();
    const all = Array.from({ length: size }, (_, i) => i);
    for (let epoch = 0; (epoch + 1) * size <= flat.length; epoch++) {
      const items = flat.slice(epoch * size, (epoch + 1) * size);
      expect(items.toSorted((a, b) => a - b)).toEqual(all);
      expect(items).toEqual(numbers(createStream('order').split(`epoch-${epoch}`).permutation(size)));
    }
    expect(order.epochAt(steps - 1)).toBe(Math.floor(((steps - 1) * batchSize) / size));
    expect(order.stepsPerEpoch).toBe(size / batchSize);
  }
});

test('the batch of a step does not depend on the steps before', () => {
  const stream = createStream(4);
  const order = batchIndices(stream, 13, 4);
  const forward = Array.from({ length: 30 }, (_, step) => [...order.indicesAt(step)]);
  stream.normal([3]);
  for (const step of [29, 3, 17, 0]) {
    expect([...order.indicesAt(step)]).toEqual(forward[step]);
    expect([...batchIndices(createStream(4), 13, 4).indicesAt(step)]).toEqual(forward[step]);
  }
  expect(stream.state().count).toBe(1);
  expect(() => order.indicesAt(-1)).toThrow('The step of a batch is an integer of at least 0, got -1.');
  expect(() => batchIndices(stream, 0, 4)).toThrow('The size of a data set is an integer of at least 1, got 0.');
  expect(() => batchIndices(stream, 5, 0.5)).toThrow('The batch size is an integer of at least 1, got 0.5.');
});

test.each(TOYS)('%s: named, reproducible, centred and bounded', async (name, toy) => {
  expect(toy.name).toBe(name);
  const pairs = samplePairs(toy, name, 20_000);
  expect(samplePairs(toy, name, 20_000)).toEqual(pairs);
  expect(toy.sample(createStream(1), 0).shape).toEqual([0, 2]);
  expect(pairs.every(([x, y]) => Math.hypot(x, y) < 3.2)).toBe(true);
  // Every one but the spiral is symmetric enough to have mean 0.
  if (name !== 'swiss-roll')
    for (const axis of [0, 1] as const)
      expectMean(
        pairs.map((point) => point[axis]),
        0,
      );
  const set = toyDataset(name, createStream(name), 20_000);
  expect(set).toMatchObject({ name, itemShape: [2], size: 20_000 });
  expect(numbers((await set.batch([7])).x)).toEqual(pairs[7]);
});

test.each(TOYS.filter(([, toy]) => toy.modes))(
  '%s: modes are equally full and have the std they claim',
  (name, toy) => {
    const { centres, std } = toy.modes ?? { centres: [], std: 0 };
    const n = 50_000;
    const counts = centres.map(() => 0);
    const deviations: number[] = [];
    for (const [x, y] of samplePairs(toy, name, n)) {
      const squares = centres.map(([cx, cy]) => ((x - cx) ** 2 + (y - cy) ** 2) / std ** 2);
      const nearest = squares.indexOf(Math.min(...squares));
      counts[nearest] = (counts[nearest] as number) + 1;
      deviations.push(squares[nearest] as number);
    }
    expect(centres).toHaveLength(Number.parseInt(name, 10));
    expectMean(deviations, 2); // a χ² of two degrees
    const spread = Math.sqrt((n / centres.length) * (1 - 1 / centres.length));
    for (const count of counts) expect(Math.abs(count - n / centres.length) / spread).toBeLessThan(MAX_Z);
  },
);

test.each(TOYS.filter(([, toy]) => toy.logDensity))('%s: the density is that of the samples', (name, toy) => {
  const density = (x: number, y: number): number => Math.exp(toy.logDensity?.(x, y) ?? Number.NaN);
  // Over points uniform on the square [-2.5, 2.5]², 25 p has the mean 1, and 25 p h the mean of h over samples of p.
  const uniform = createStream(`${name}-square`).uniform([400_000], -2.5, 2.5).data;
  const h = (x: number, y: number): number => Math.cos(2 * x + 3 * y + 1);
  const masses: number[] = [];
  const weighted: number[] = [];
  for (let i = 0; i < uniform.length; i += 2) {
    const [x, y] = [Number(uniform[i]), Number(uniform[i + 1])];
    masses.push(25 * density(x, y));
    weighted.push(25 * density(x, y) * h(x, y));
  }
  expectMean(masses, 1);
  const sampled = samplePairs(toy, name, 100_000);
  expect(sampled.every(([x, y]) => density(x, y) > 0)).toBe(true);
  const [left, right] = [meanAndError(sampled.map(([x, y]) => h(x, y))), meanAndError(weighted)];
  expect(Math.abs(left.mean - right.mean) / Math.hypot(left.error, right.error)).toBeLessThan(MAX_Z);
});

test('curves have the second moments of their formulas', () => {
  const moons = samplePairs(TOY_DISTRIBUTIONS['two-moons'], 'moons', 50_000);
  expectMean(
    moons.map(([x]) => x * x),
    1 / 2 + 1 / 4 + 0.1 ** 2,
  );
  expectMean(
    moons.map(([, y]) => y * y),
    1 / 2 - 1 / Math.PI + 1 / 16 + 0.1 ** 2,
  );
  expectMean(
    moons.map(([x, y]) => x * y),
    1 / 8 - 1 / Math.PI,
  );

  const roll = samplePairs(TOY_DISTRIBUTIONS['swiss-roll'], 'roll', 50_000);
  const [from, to] = [1.5 * Math.PI, 4.5 * Math.PI];
  const meanSquare = (to ** 3 - from ** 3) / (3 * (to - from)) / 49;
  expectMean(
    roll.map(([x, y]) => x * x + y * y),
    meanSquare + 2 * 0.05 ** 2,
  );
  // On the spiral 7|x| is the angle up to whole turns. Noise of .05 is .056 turns; its square is .0031 near the curve,
  // and the curvature at the inner end (radius .67) adds under 10 %.
  const turns = roll.map(([x, y]) => (7 * Math.hypot(x, y) - Math.atan2(y, x)) / (2 * Math.PI));
  const meanTurn = turns.reduce((sum, turn) => sum + (turn - Math.round(turn)) ** 2, 0) / turns.length;
  expect(meanTurn / ((0.05 * 7) / (2 * Math.PI)) ** 2).toBeGreaterThan(0.95);
  expect(meanTurn / ((0.05 * 7) / (2 * Math.PI)) ** 2).toBeLessThan(1.1);

  const arms = samplePairs(TOY_DISTRIBUTIONS.pinwheel, 'arms', 50_000);
  expectMean(
    arms.map(([x, y]) => x * x + y * y),
    1 + 0.3 ** 2 + 0.1 ** 2,
  );
});
