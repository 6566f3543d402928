import { type NDArray, type Tensor, grad, item, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { eieg } from '../../src/metrics/eieg.ts';
import { fid, frechetDistance } from '../../src/metrics/fid.ts';
import { kid, kidOfSubsets } from '../../src/metrics/kid.ts';
import { medianBandwidths, mmd } from '../../src/metrics/mmd.ts';
import { emptyMoments, featureMoments, mergeMoments, momentsStream } from '../../src/metrics/moments.ts';
import { precisionRecall } from '../../src/metrics/precision-recall.ts';
import { slicedWasserstein } from '../../src/metrics/sliced-wasserstein.ts';
import { elasticEnergy, elasticKernel } from '../../src/potentials/elastic.ts';
import { expectSentence, messageOf } from '../support/rows.ts';

const runtime = nodeRuntime({ threads: 2 });
afterAll(() => runtime.dispose());
afterEach(() => {
  if (runtime.openSessions > 0) throw new Error(`A test left ${runtime.openSessions} sessions open.`);
});

const draw = (seed: string, ...shape: number[]): NDArray => createStream(seed).normal(shape);

/** x·A for a matrix of rows, in double precision. */
function times(x: NDArray, matrix: readonly (readonly number[])[]): NDArray {
  const [n, d] = x.shape as readonly [number, number];
  const width = matrix[0]?.length ?? 0;
  const at = (i: number, j: number): number =>
    matrix.reduce((sum, row, k) => sum + (x.data[i * d + k] as number) * (row[j] as number), 0);
  return ndarray(
    Float64Array.from({ length: n * width }, (_, i) => at(Math.floor(i / width), i % width)),
    [n, width],
  );
}

/** n points of mean μ and, exactly, covariance diag(σ²): pairs at ±σ√((n−1)/2)… along each axis. */
function crossOf(means: readonly number[], stds: readonly number[]): NDArray {
  const d = means.length;
  const n = 2 * d;
  const rows = stds.flatMap((std, axis) =>
    [1, -1].map((sign) => means.map((mean, j) => mean + (j === axis ? sign * std * Math.sqrt((n - 1) / 2) : 0))),
  );
  return ndarray(Float64Array.from(rows.flat()), [n, d]);
}

describe('FID', () => {
  test('of axis-aligned Gaussians is ‖Δμ‖² + Σ(σₐ − σ_b)²', async () => {
    const a = crossOf([1, 2, 3], [1, 2, 0.5]);
    const b = crossOf([0, 4, 3], [3, 2, 0]);
    // 1 + 4 + 0 + 4 + 0 + .25, in double precision.
    expect(await fid(runtime, a, b)).toBeCloseTo(9.25, 10);
  });

  test('of two-dimensional Gaussians that do not commute is the closed form', async () => {
    const [a, b] = [crossOf([0, 0], [2, 1]), crossOf([0, 0], [1, 3])];
    const [c, s] = [Math.cos(0.6), Math.sin(0.6)];
    // For 2×2 matrices tr √M = √(tr M + 2 √det M), with M = Σₐ R Σ_b Rᵀ.
    const rotated = [1 * c * c + 9 * s * s, 1 * s * s + 9 * c * c] as const;
    const trace = 4 * rotated[0] + 1 * rotated[1];
    const expected = 4 + 1 + 1 + 9 - 2 * Math.sqrt(trace + 2 * Math.sqrt(4 * 1 * 1 * 9));
    expect(
      await fid(
        runtime,
        a,
        times(b, [
          [c, s],
          [-s, c],
        ]),
      ),
    ).toBeCloseTo(expected, 10);
  });

  test('of a set with itself is 0, whether or not its covariance has full rank', async () => {
    for (const [n, d] of [
      [400, 100],
      [30, 100],
      [2, 7],
    ] as const) {
      const x = draw(`self ${n}`, n, d);
      const scale = d; // the trace of the covariance
      expect(Math.abs(await fid(runtime, x, x)) / scale).toBeLessThan(1e-12);
    }
  });

  test('does not change when vectors are embedded in a larger space, where covariances are singular', async () => {
    const [a, b] = [
      draw('a', 60, 3),
      times(draw('b', 50, 3), [
        [2, 0, 1],
        [0, 1, 0],
        [0, 0.5, 1],
      ]),
    ];
    const frame = createStream('frame').normal([3, 90]).data as Float32Array;
    // Three orthonormal rows, by Gram and Schmidt.
    const rows: number[][] = [];
    for (let i = 0; i < 3; i++) {
      let row = Array.from(frame.subarray(i * 90, (i + 1) * 90));
      for (const other of rows) {
        const along = row.reduce((sum, v, j) => sum + v * (other[j] as number), 0);
        row = row.map((v, j) => v - along * (other[j] as number));
      }
      const length = Math.hypot(...row);
      rows.push(row.map((v) => v / length));
    }
    const small = await fid(runtime, a, b);
    expect(small).toBeGreaterThan(0.5);
    const [x, y] = [times(a, rows), times(b, rows)];
    expect(Math.abs((await fid(runtime, x, y)) - small)).toBeLessThan(1e-10);
    // What is left of dependent columns is cut at 1e-12 of a variance, of which the trace sees the root.
    const byMoments = frechetDistance(runtime, await featureMoments(runtime, x), await featureMoments(runtime, y));
    expect(Math.abs((await byMoments) - small)).toBeLessThan(1e-5);
  });

  test('of fewer vectors than they are long is that of their moments, whichever set is larger', async () => {
    const [x, y] = [draw('few', 20, 64), times(draw('fewer', 12, 2), [Array(64).fill(0.3), Array(64).fill(-0.1)])];
    const [a, b] = [await featureMoments(runtime, x), await featureMoments(runtime, y)];
    const expected = await frechetDistance(runtime, a, b);
    expect(expected).toBeGreaterThan(10);
    expect(Math.abs((await fid(runtime, x, y)) - expected) / expected).toBeLessThan(1e-6);
    expect(Math.abs((await fid(runtime, y, x)) - expected) / expected).toBeLessThan(1e-6);
  });

  test('of a few images by their pixels needs no covariance of all pixels', async () => {
    // Its covariance would have 10⁹ entries, beyond any array of this engine.
    expect(await fid(runtime, draw('wide', 3, 32_768), draw('wide too', 4, 32_768))).toBeGreaterThan(1000);
  });

  test('grows with noise', async () => {
    const x = draw('clean', 500, 20);
    const values: number[] = [];
    for (const level of [0, 0.5, 1, 2]) {
      const noise = draw(`noise ${level}`, 500, 20).data as Float32Array;
      values.push(
        await fid(
          runtime,
          x,
          ndarray(
            noise.map((v, i) => level * v + (x.data[i] as number)),
            [500, 20],
          ),
        ),
      );
    }
    expect(values[0]).toBeCloseTo(0, 10);
    for (let i = 1; i < values.length; i++) expect(values[i]).toBeGreaterThan(2 * (values[i - 1] as number) + 0.1);
  });

  test('comes from moments that are gathered in batches, in any order', async () => {
    const [x, y] = [draw('x', 2300, 5), draw('y', 70, 5)];
    const stream = momentsStream(runtime);
    const part = async (from: number, to: number): ReturnType<typeof stream.of> =>
      await stream.of(ndarray((x.data as Float32Array).subarray(5 * from, 5 * to), [to - from, 5]));
    const parts = [await part(0, 1), await part(1, 700), await part(700, 2300)] as const;
    await stream.dispose();
    const [whole, other] = [await featureMoments(runtime, x), await featureMoments(runtime, y)];
    const merged = mergeMoments(mergeMoments(emptyMoments(5), parts[2]), mergeMoments(parts[0], parts[1]));
    expect(merged.count).toBe(2300);
    // Sums of 2,300 terms in another order.
    merged.scatter.forEach((value, i) => expect(value / 2300).toBeCloseTo((whole.scatter[i] as number) / 2300, 12));
    expect(await frechetDistance(runtime, merged, other)).toBeCloseTo(await frechetDistance(runtime, whole, other), 12);
  });

  test('refuses what it cannot compare', async () => {
    expectSentence(await messageOf(() => fid(runtime, draw('x', 5, 3), draw('y', 5, 4))), 'FID', '[5, 3]', '[5, 4]');
    expectSentence(await messageOf(() => fid(runtime, draw('x', 1, 3), draw('y', 5, 3))), 'at least 2', 'got 1');
    expectSentence(await messageOf(() => mergeMoments(emptyMoments(2), emptyMoments(3))), '2', '3');
    expectSentence(await messageOf(() => frechetDistance(runtime, emptyMoments(2), emptyMoments(2))), 'got 0');
  });
});

/** The unbiased squared discrepancy by its definition. */
function discrepancy(x: NDArray, y: NDArray, kernel: (a: number[], b: number[]) => number): number {
  const rows = ({ data, shape: [n = 0, d = 0] }: NDArray): number[][] =>
    Array.from({ length: n }, (_, i) => Array.from(data.subarray(i * d, (i + 1) * d), Number));
  const mean = (a: number[][], b: number[][], own: boolean): number => {
    const values = a.flatMap((u, i) => b.flatMap((v, j) => (own && i === j ? [] : [kernel(u, v)])));
    return values.reduce((s, v) => s + v, 0) / values.length;
  };
  const [a, b] = [rows(x), rows(y)];
  return mean(a, a, true) + mean(b, b, true) - 2 * mean(a, b, false);
}

describe('kernel distances', () => {
  const [x, y] = [draw('kernel x', 12, 3), draw('kernel y', 9, 3)];
  const dot = (a: number[], b: number[]): number => a.reduce((sum, v, i) => sum + v * (b[i] as number), 0);
  const square = (a: number[], b: number[]): number => a.reduce((sum, v, i) => sum + (v - (b[i] as number)) ** 2, 0);

  test('KID and MMD are their definitions', async () => {
    expect(await kid(runtime, x, y)).toBeCloseTo(
      discrepancy(x, y, (a, b) => (dot(a, b) / 3 + 1) ** 3),
      12,
    );
    const direct = discrepancy(x, y, (a, b) => (Math.exp(-square(a, b) / 2) + Math.exp(-square(a, b) / 0.5)) / 2);
    expect(await mmd(runtime, x, y, [1, 0.5])).toBeCloseTo(direct, 13);
  });

  test('do not depend on how sets fall into blocks', async () => {
    const [a, b] = [draw('many a', 1203, 2), draw('many b', 1001, 2)];
    const direct = discrepancy(a, b, (u, v) => (dot(u, v) / 2 + 1) ** 3);
    expect(await kid(runtime, a, b)).toBeCloseTo(direct, 9);
  });

  test('KID of subsets: of the whole sets there is one value, of others the mean and the spread', async () => {
    const same = { count: 3, size: 9, stream: createStream('subsets') };
    const short = ndarray((x.data as Float32Array).subarray(0, 27), [9, 3]);
    const { mean, std } = await kidOfSubsets(runtime, short, y, same);
    expect(mean).toBeCloseTo(await kid(runtime, short, y), 12);
    expect(std).toBeLessThan(1e-12);
    const seen: number[] = [];
    const options = {
      count: 50,
      size: 5,
      stream: createStream(1),
      onSubset: (done: number): void => void seen.push(done),
    };
    const some = await kidOfSubsets(runtime, x, y, options);
    expect(some).toEqual(await kidOfSubsets(runtime, x, y, { count: 50, size: 5, stream: createStream(1) }));
    expect(some.std).toBeGreaterThan(0.1);
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expectSentence(await messageOf(() => kidOfSubsets(runtime, x, y, { ...same, size: 10 })), 'from 2 to 9', 'got 10');
    expectSentence(await messageOf(() => kidOfSubsets(runtime, x, y, { ...same, count: 0 })), 'got a count of 0');
  });

  test('bandwidths are multiples of the median distance', async () => {
    const corners = ndarray([0, 0, 3, 4, 3, 4, 3, 4], [4, 2]);
    expect(await medianBandwidths(runtime, corners)).toEqual([0.25, 0.5, 1, 2, 4].map((factor) => 5 * factor));
    expectSentence(await messageOf(() => medianBandwidths(runtime, ndarray([1, 1, 1], [3, 1]))), 'equal');
    expectSentence(await messageOf(() => mmd(runtime, x, y, [])), 'none');
    expectSentence(await messageOf(() => mmd(runtime, x, y, [1, 0])), 'got 0');
  });
});

describe('precision and recall', () => {
  test('are 1 for equal sets and 0 for sets apart', async () => {
    const x = draw('pr', 600, 8);
    expect(await precisionRecall(runtime, x, x)).toEqual({ precision: 1, recall: 1 });
    const far = ndarray(
      (x.data as Float32Array).map((v) => v + 100),
      x.shape,
    );
    expect(await precisionRecall(runtime, x, far)).toEqual({ precision: 0, recall: 0 });
  });

  test('are shares within the distance of the k-th neighbour', async () => {
    // Radii with k = 1: 1, 1, 2 for the data and 1, 1, 95 for the samples.
    const [data, samples] = [ndarray([0, 1, 3], [3, 1]), ndarray([4, 5, 100], [3, 1])];
    expect(await precisionRecall(runtime, data, samples, 1)).toEqual({ precision: 2 / 3, recall: 1 / 3 });
    // With k = 2 they are 3, 2, 3 and 96, 95, 96.
    expect(await precisionRecall(runtime, data, samples, 2)).toEqual({ precision: 2 / 3, recall: 1 });
  });

  test('of one mode of two: precise, with half the recall', async () => {
    const [data, samples] = [draw('two', 400, 2), draw('one', 400, 2)];
    const two = ndarray(
      (data.data as Float32Array).map((v, i) => (i % 4 === 0 ? v + 50 : v)),
      data.shape,
    );
    const found = await precisionRecall(runtime, two, samples);
    expect(found.precision).toBeGreaterThan(0.9);
    expect(found.recall).toBeGreaterThan(0.4);
    expect(found.recall).toBeLessThanOrEqual(0.5);
  });

  test('need neighbours', async () => {
    const few = draw('few', 3, 2);
    expectSentence(await messageOf(() => precisionRecall(runtime, few, few)), 'at least 4', 'got 3');
    expectSentence(await messageOf(() => precisionRecall(runtime, few, few, 0)), 'got 0');
  });
});

describe('the sliced Wasserstein distance', () => {
  test('on the line is the Wasserstein distance, also of sets of different sizes', async () => {
    const stream = createStream(1);
    const [a, b] = [ndarray([3, 1, 2], [3, 1]), ndarray([5, 3, 4], [3, 1])];
    expect(await slicedWasserstein(runtime, a, b, stream)).toBeCloseTo(2, 14);
    // Quantiles 0 0 0 · 6 6 6 against 0 0 · 3 3 · 6 6: (0 + 0 + 9 + 9 + 0 + 0)/6.
    const [c, d] = [ndarray([6, 0], [2, 1]), ndarray([3, 0, 6], [3, 1])];
    expect(await slicedWasserstein(runtime, c, d, stream)).toBeCloseTo(Math.sqrt(3), 14);
    expect(await slicedWasserstein(runtime, a, a, stream)).toBe(0);
  });

  test('of a shift by μ is the root mean square of μ along its own directions, and a function of the stream', async () => {
    const x = draw('shift', 50, 6);
    const shifted = ndarray(
      Float64Array.from(x.data as Float32Array, (v, i) => v + (i % 6 === 0 ? 3 : 0)),
      [50, 6],
    );
    const found = await slicedWasserstein(runtime, x, shifted, createStream(4), 4000);
    // μ·u has the variance 9/6; of its square's mean over 4,000 directions the standard error is 9·√(5/144)/√4000 = .0265.
    expect(Math.abs(found ** 2 - 1.5) / 0.0265).toBeLessThan(4);
    expect(await slicedWasserstein(runtime, x, shifted, createStream(4), 4000)).toBe(found);
    expectSentence(await messageOf(() => slicedWasserstein(runtime, x, x, createStream(1), 0)), 'got 0');
  });
});

describe('the elastic energy', () => {
  const kernelAt = async (r: number, dimension: number, cutoff: number): Promise<[value: number, slope: number]> => {
    const f = runtime.compile(
      (x: Tensor) => {
        const value = (p: Tensor): Tensor => elasticKernel(p.square(), { dimension, cutoff }).sum();
        return [value(x), grad(value)(x)];
      },
      { precision: 'double' },
    );
    const [value, slope] = (await f(ndarray(Float64Array.of(r), []))) as [NDArray, NDArray];
    await f.dispose();
    return [item(value), item(slope)];
  };

  test.each([
    [2, 0.1],
    [3, 0.5],
    [16, 0.1],
    [64, 0.1],
  ])('has a kernel of dimension %d, cut-off %d', async (d, m) => {
    const beyond = await kernelAt(3 * m, d, m);
    expect(beyond[0] / 3 ** (1 - d)).toBeCloseTo(1, 12);
    expect(beyond[1] / (((1 - d) * 3 ** -d) / m)).toBeCloseTo(1, 12);
    const [top, slope] = await kernelAt(0, d, m);
    expect([top, Math.abs(slope)]).toEqual([(d + 1) / 2, 0]);
    // Value and slope meet at the cut-off.
    const [below, above] = [await kernelAt(m * (1 - 1e-9), d, m), await kernelAt(m * (1 + 1e-9), d, m)];
    expect(below[0]).toBeCloseTo(1, 6);
    expect(above[0]).toBeCloseTo(1, 6);
    expect(below[1] / above[1]).toBeCloseTo(1, 6);
  });

  test('by blocks is the energy that is differentiated', async () => {
    const [x, y] = [draw('elastic x', 1100, 2), draw('elastic y', 40, 2)];
    const options = { dimension: 2, cutoff: 0.1 };
    const direct = runtime.compile((a: Tensor, b: Tensor) => elasticEnergy(a, b, options), { precision: 'double' });
    expect(await eieg(runtime, x, y, options)).toBeCloseTo(item(await direct(x, y)), 12);
    await direct.dispose();
    expect(await eieg(runtime, x, x, options)).toBeCloseTo(0, 12);
    expect(await eieg(runtime, x, ndarray([500, 500], [1, 2]), options)).toBeGreaterThan(1);
  });

  test('checks its options', async () => {
    const x = draw('x', 2, 2);
    expectSentence(await messageOf(() => eieg(runtime, x, x, { dimension: 0, cutoff: 1 })), 'dimension', 'got 0');
    expectSentence(await messageOf(() => eieg(runtime, x, x, { dimension: 2, cutoff: 0 })), 'cut-off', 'got 0');
  });
});
