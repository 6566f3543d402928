import { expect, test } from 'vitest';
import type { NDArray } from '@brownian/graph';
import { createStream } from '../src/stream/stream.ts';
import { threefry2x32 } from '../src/stream/threefry.ts';

/** Statistical tests divide the error by its standard error; seeds are fixed, so they pass always or never. */
const MAX_Z = 4;

/** FNV-1a of the bytes of an array (all supported machines are little-endian). */
function fingerprint(array: NDArray): string {
  let hash = 0x811c9dc5;
  for (const byte of new Uint8Array(array.data.buffer, array.data.byteOffset, array.data.byteLength)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

const numbers = (array: NDArray): number[] => Array.from(array.data, Number);

function zOfProportion(hits: number, n: number, probability: number): number {
  return (hits - n * probability) / Math.sqrt(n * probability * (1 - probability));
}

/** A chi-square statistic as a z-score, by the cube-root transform of Wilson and Hilferty. */
function zOfCounts(counts: readonly number[], expected: number): number {
  const freedom = counts.length - 1;
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const spread = 2 / (9 * freedom);
  return (Math.cbrt(statistic / freedom) - (1 - spread)) / Math.sqrt(spread);
}

/** Correlation of two samples of independent standard variables as a z-score. */
function zOfCorrelation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum / Math.sqrt(a.length);
}

/** Φ(x) by the series of Marsaglia (2004), exact to about 1e-15 for |x| < 7. */
function normalCdf(x: number): number {
  if (x < -7) return 0;
  if (x > 7) return 1;
  let term = x;
  let sum = x;
  for (let i = 3; Math.abs(term) > 1e-17; i += 2) {
    term *= (x * x) / i;
    sum += term;
  }
  return 0.5 + sum * Math.exp(-0.5 * x * x - 0.9189385332046728);
}

test('threefry gives the published known answers', () => {
  // Random123, kat_vectors, "threefry2x32 20".
  expect(threefry2x32([0, 0], [0, 0])).toEqual([0x6b200159, 0x99ba4efe]);
  expect(threefry2x32([0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff])).toEqual([0x1cb996fc, 0xbb002be7]);
  expect(threefry2x32([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3])).toEqual([0xc4923a9c, 0x483df7a0]);
});

test('draws are the same bits for ever', () => {
  const stream = createStream(1);
  const drawn = {
    normal: fingerprint(stream.normal([100, 100])),
    uniform: fingerprint(stream.uniform([10_000], -1, 1)),
    integers: fingerprint(stream.integers([10_000], -5, 1000)),
    permutation: fingerprint(stream.permutation(10_000)),
    next: stream.next(),
    split: fingerprint(stream.split('a').split(-3).normal([1000])),
    text: createStream('brownian').state().key,
  };
  expect(drawn).toMatchInlineSnapshot(`
    {
      "integers": "cceaefec",
      "next": 0.4395537584298851,
      "normal": "050e818e",
      "permutation": "76de30a9",
      "split": "df6aa635",
      "text": [
        1856804923,
        1166211980,
      ],
      "uniform": "d7ff3494",
    }
  `);
});

test('shapes and types are those asked for', () => {
  const stream = createStream('shapes');
  expect(stream.normal([2, 3])).toMatchObject({ dtype: 'float32', shape: [2, 3] });
  expect(stream.uniform([])).toMatchObject({ dtype: 'float32', shape: [] });
  expect(stream.integers([0, 4], 0, 2)).toMatchObject({ dtype: 'int32', shape: [0, 4] });
  expect(stream.permutation(0).data).toHaveLength(0);
  expect(stream.state().count).toBe(4);
});

test('a draw depends on the key and its number alone', () => {
  const a = createStream(7);
  const b = createStream(7);
  a.normal([1000]);
  a.permutation(10);
  b.next();
  b.next();
  const long = numbers(a.normal([3000]));
  expect(numbers(b.normal([10]))).toEqual(long.slice(0, 10));
  expect(new Set([1, '1', 2, -1, 2 ** 32 + 1, 'x'].map((seed) => createStream(seed).next())).size).toBe(6);
});

test('restore replays, also from JSON and beyond 2³² draws', () => {
  const stream = createStream(3);
  stream.next();
  const saved = JSON.parse(JSON.stringify(stream.state()));
  const first = [fingerprint(stream.normal([50])), stream.next()];
  const other = createStream('elsewhere');
  other.restore(saved);
  expect([fingerprint(other.normal([50])), other.next()]).toEqual(first);
  const at = (count: number): number => {
    other.restore({ key: saved.key, count });
    return other.next();
  };
  expect(new Set([0, 1, 2 ** 32, 2 ** 32 + 1, 2 ** 33, 2 ** 52].map(at)).size).toBe(6);
  expect(other.state().count).toBe(2 ** 52 + 1);
});

test('split leaves the stream alone and does not see its position', () => {
  const stream = createStream(11);
  const before = stream.split('noise').next();
  expect(stream.state().count).toBe(0);
  const untouched = createStream(11).next();
  expect(stream.next()).toBe(untouched);
  expect(stream.split('noise').next()).toBe(before);
  const labels = ['', '\0', 'a', 'a\0', 'abcd', 'abcde', '1', 1, 0, -1, 2 ** 32, 2 ** 40, 'epoch-1', 'epoch-2'];
  expect(new Set(labels.map((label) => stream.split(label).state().key.join())).size).toBe(labels.length);
});

test('split and successive streams are uncorrelated', () => {
  const stream = createStream(5);
  const n = 200_000;
  const families = [
    [stream.normal([n]), stream.normal([n]), stream.normal([n])],
    [
      stream.split('a').normal([n]),
      stream.split('b').normal([n]),
      stream.split(0).normal([n]),
      stream.split(1).normal([n]),
    ],
    [createStream(0).normal([n]), createStream(1).normal([n])],
  ].flat();
  for (const [i, a] of families.entries()) {
    for (const b of families.slice(i + 1)) {
      expect(Math.abs(zOfCorrelation(numbers(a), numbers(b)))).toBeLessThan(MAX_Z);
    }
  }
  const single = numbers(families[0] as NDArray);
  expect(Math.abs(zOfCorrelation(single.slice(1), single.slice(0, -1)))).toBeLessThan(MAX_Z);
  const squares = single.map((x) => (x * x - 1) / Math.SQRT2);
  expect(Math.abs(zOfCorrelation(squares.slice(1), squares.slice(0, -1)))).toBeLessThan(MAX_Z);
  // The first values of successive draws are as independent as the values of one draw.
  const firsts = Array.from({ length: 50_000 }, () => Number(stream.normal([1]).data[0]));
  expect(Math.abs(zOfCorrelation(firsts.slice(1), firsts.slice(0, -1)))).toBeLessThan(MAX_Z);
});

test('normals have the moments and tails of the normal law', () => {
  const n = 4_000_000;
  const moments = [0, 0, 0, 0];
  const beyond = new Map([
    [3, 0],
    [4, 0],
    [-3, 0],
    [-4, 0],
  ]);
  let largest = 0;
  for (const x of createStream(2).normal([n]).data as Float32Array) {
    for (let k = 0, power = x; k < 4; k++, power *= x) moments[k] = (moments[k] as number) + power / n;
    if (x > 3 || x < -3) {
      for (const [edge, hits] of beyond) if (edge > 0 ? x > edge : x < edge) beyond.set(edge, hits + 1);
      largest = Math.max(largest, Math.abs(x));
    }
  }
  const [m1, m2, m3, m4] = moments as [number, number, number, number];
  // Variances of xᵏ: 1, 3 - 1, 15, 105 - 9.
  const scores = [m1, (m2 - 1) / Math.sqrt(2), m3 / Math.sqrt(15), (m4 - 3) / Math.sqrt(96)];
  for (const score of scores) expect(Math.abs(score * Math.sqrt(n))).toBeLessThan(MAX_Z);
  for (const [edge, hits] of beyond) {
    expect(Math.abs(zOfProportion(hits, n, normalCdf(-Math.abs(edge))))).toBeLessThan(MAX_Z);
  }
  expect(largest).toBeLessThan(7);
});

test('normals pass a Kolmogorov-Smirnov test', () => {
  const n = 1_000_000;
  const sorted = (createStream('ks').normal([n]).data as Float32Array).toSorted();
  let distance = 0;
  for (let i = 0; i < n; i++) {
    const cdf = normalCdf(sorted[i] as number);
    distance = Math.max(distance, cdf - i / n, (i + 1) / n - cdf);
  }
  // P(√n D > 2.28) = 2 exp(-2 · 2.28²) = 6e-5, as rare as |z| > 4.
  expect(Math.sqrt(n) * distance).toBeLessThan(2.28);
});

test('uniform values are uniform and never reach the upper bound', () => {
  const n = 1_000_000;
  const stream = createStream(9);
  const bins = Array.from<number>({ length: 256 }).fill(0);
  const low = Array.from<number>({ length: 256 }).fill(0);
  for (const x of stream.uniform([n]).data as Float32Array) {
    const k = x * 2 ** 24;
    bins[k >>> 16] = (bins[k >>> 16] as number) + 1;
    low[k & 255] = (low[k & 255] as number) + 1;
  }
  expect(Math.abs(zOfCounts(bins, n / 256))).toBeLessThan(MAX_Z);
  expect(Math.abs(zOfCounts(low, n / 256))).toBeLessThan(MAX_Z);
  for (const [from, to] of [
    [1, 1 + 2 ** -22],
    [-0.1, 0.1],
    [-3e-45, 0],
    [0.1, 0.3],
    [-3e38, 3e38],
    [16777215, 16777216],
  ] as const) {
    for (const x of stream.uniform([20_000], from, to).data) expect(x >= from && x < to).toBe(true);
  }
  const mean = Array.from({ length: 20_000 }, () => stream.next()).reduce((a, b) => a + b, 0) / 20_000;
  expect(Math.abs((mean - 0.5) * Math.sqrt(12 * 20_000))).toBeLessThan(MAX_Z);
});

test('integers are unbiased over their range', () => {
  const stream = createStream(13);
  const n = 400_000;
  for (const [low, high] of [
    [0, 10],
    [-3, 4],
    [100, 228],
    [0, 1000],
  ] as const) {
    const counts = Array.from<number>({ length: high - low }).fill(0);
    for (const value of numbers(stream.integers([n], low, high)))
      counts[value - low] = (counts[value - low] as number) + 1;
    expect(Math.abs(zOfCounts(counts, n / (high - low)))).toBeLessThan(MAX_Z);
  }
  expect(new Set(numbers(stream.integers([100], 5, 6)))).toEqual(new Set([5]));
  const wide = numbers(stream.integers([n], -(2 ** 31), 2 ** 31));
  expect(Math.abs(zOfProportion(wide.filter((value) => value < 0).length, n, 0.5))).toBeLessThan(MAX_Z);
});

test('all permutations are equally likely', () => {
  const stream = createStream(17);
  const counts = new Map<string, number>();
  const n = 48_000;
  for (let i = 0; i < n; i++) {
    const order = stream.permutation(4).data.join('');
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(24);
  expect(Math.abs(zOfCounts([...counts.values()], n / 24))).toBeLessThan(MAX_Z);
  expect(new Set(numbers(stream.permutation(5000))).size).toBe(5000);
});

test('bad arguments are refused by name and do not advance the stream', () => {
  const stream = createStream(1);
  const refusals: [() => unknown, string][] = [
    [() => createStream(0.5), 'The seed is a string or an integer of at most 53 bits, got 0.5.'],
    [() => createStream(Number.NaN), 'got NaN'],
    [() => stream.split(1.5), 'The label of a split is a string or an integer of at most 53 bits, got 1.5.'],
    [() => stream.normal([2, -1]), 'Axes of a draw are integers of at least 0, got -1 in [2, -1].'],
    [() => stream.normal([1.5]), 'got 1.5'],
    [() => stream.uniform([2], 1, 1), 'Uniform values need low < high, got low 1 and high 1.'],
    [() => stream.uniform([2], 0, Number.POSITIVE_INFINITY), 'finite'],
    [() => stream.uniform([2], 1 + 2 ** -40, 1 + 2 ** -39), 'There is no float32 number in'],
    [() => stream.integers([2], 3, 3), 'Random integers need low < high, got low 3 and high 3.'],
    [() => stream.integers([2], 0, 2.5), 'integers within int32'],
    [() => stream.permutation(-1), 'at least 0 and within int32, got -1'],
    [
      () => stream.restore({ key: [0, -1], count: 0 }),
      'The key of a stream is two unsigned 32-bit integers, got [0,-1].',
    ],
    [() => stream.restore({ key: [0, 1], count: 0.5 }), 'The count of a stream is an integer of at least 0, got 0.5.'],
  ];
  for (const [act, message] of refusals) expect(act).toThrow(message);
  expect(stream.state()).toEqual(createStream(1).state());
});
