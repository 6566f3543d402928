import { type NDArray, type Tensor, item, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { eieg, eiegTest } from '../../src/metrics/eieg.ts';
import { mmdTest } from '../../src/metrics/mmd.ts';
import { elasticEnergy } from '../../src/potentials/elastic.ts';
import { expectSentence, messageOf } from '../support/rows.ts';

const runtime = nodeRuntime({ threads: 2 });
afterAll(() => runtime.dispose());
afterEach(() => {
  if (runtime.openSessions > 0) throw new Error(`A test left ${runtime.openSessions} sessions open.`);
});

const draw = (seed: string, ...shape: number[]): NDArray => createStream(seed).normal(shape);

describe('the permutation test', () => {
  const kernel = { dimension: 2, cutoff: 0.3 };
  const options = (seed: string, permutations = 99) => ({ stream: createStream(seed), permutations });

  test('has the EIEG metric for its statistic, over several blocks and sets of two sizes', async () => {
    const [x, y] = [draw('many', 700, 2), draw('more', 620, 2)];
    const { statistic, nullDistribution } = await eiegTest(runtime, x, y, kernel, options('p', 3));
    // Sums in double precision, of terms of size 1/n.
    expect(statistic).toBeCloseTo(await eieg(runtime, x, y, kernel), 12);
    expect(nullDistribution).toHaveLength(3);
  });

  test('of the MMD has the biased estimate: the unbiased one with the self pairs put back', async () => {
    const [n, m, sigma] = [8, 5, 0.9];
    const [x, y] = [draw('x', n, 3), draw('y', m, 3)];
    const values = async (a: NDArray, b: NDArray): Promise<number> => {
      const pairs = Array.from({ length: (a.shape[0] as number) * (b.shape[0] as number) }, (_, k) => {
        const [i, j] = [Math.floor(k / (b.shape[0] as number)), k % (b.shape[0] as number)];
        const squared = [0, 1, 2].reduce(
          (sum, c) => sum + (Number(a.data[3 * i + c]) - Number(b.data[3 * j + c])) ** 2,
          0,
        );
        return Math.exp(-squared / (2 * sigma ** 2));
      });
      return pairs.reduce((sum, v) => sum + v, 0) / pairs.length;
    };
    const { statistic } = await mmdTest(runtime, x, y, [sigma], options('p'));
    expect(statistic).toBeCloseTo((await values(x, x)) + (await values(y, y)) - 2 * (await values(x, y)), 12);
  });

  test('of three points against three has only values that relabellings give, each about as often', async () => {
    const [x, y] = [draw('x', 3, 2), draw('y', 3, 2)];
    const all = [...Array.from(x.data, Number), ...Array.from(y.data, Number)];
    const labelled = async (first: readonly number[]): Promise<number> => {
      const rest = [0, 1, 2, 3, 4, 5].filter((i) => !first.includes(i));
      const set = (rows: readonly number[]): NDArray =>
        ndarray(Float64Array.from(rows.flatMap((i) => all.slice(2 * i, 2 * i + 2))), [3, 2]);
      return await eieg(runtime, set(first), set(rest), kernel);
    };
    // A choice and its complement have one value: ten values, each of probability 1/10.
    const values = await Promise.all(
      [1, 2, 3, 4].flatMap((i) => [2, 3, 4, 5].filter((j) => j > i).map((j) => labelled([0, i, j]))),
    );
    const { nullDistribution } = await eiegTest(runtime, x, y, kernel, options('p', 2000));
    for (const value of values) {
      const count = nullDistribution.filter((v) => Math.abs(v - value) < 1e-12).length;
      // A binomial count with standard deviation √(2000 · .09) = 13.4, |z| < 4.
      expect(Math.abs(count - 200)).toBeLessThan(54);
    }
  });

  test('gives 1 for a set with itself, the smallest value for sets far apart, and the same for the same stream', async () => {
    const x = draw('x', 30, 2);
    const far = ndarray(
      (x.data as Float32Array).map((v) => v + 3),
      [30, 2],
    );
    expect((await eiegTest(runtime, x, x, kernel, options('p'))).pValue).toBe(1);
    expect((await mmdTest(runtime, x, x, [1], options('p'))).pValue).toBe(1);
    expect((await eiegTest(runtime, x, far, kernel, options('p'))).pValue).toBe(0.01);
    const other = draw('other', 20, 2);
    expect(await eiegTest(runtime, x, other, kernel, options('p'))).toEqual(
      await eiegTest(runtime, x, other, kernel, options('p')),
    );
  });

  test('checks what it is given', async () => {
    const x = draw('x', 4, 2);
    expectSentence(await messageOf(() => eiegTest(runtime, x, x, kernel, options('p', 0))), 'permutations', 'got 0');
    expectSentence(await messageOf(() => eiegTest(runtime, x, draw('y', 4, 3), kernel, options('p'))), '[4, 3]');
    expectSentence(await messageOf(() => mmdTest(runtime, x, x, [], options('p'))), 'bandwidths');
  });
});

test('an elastic energy estimate of identical sets is not below −1e-6, in single precision and in another order', async () => {
  for (const [n, d, dimension, cutoff] of [
    [64, 2, 2, 0.1],
    [500, 16, 16, 0.1],
    [300, 3, 3, 0.8],
    [200, 32, 32, 0.1],
  ] as const) {
    const x = draw(`x${d}`, n, d);
    const order = createStream('order').permutation(n).data;
    const shuffled = ndarray(
      Float32Array.from({ length: n * d }, (_, i) => Number(x.data[Number(order[Math.floor(i / d)]) * d + (i % d)])),
      [n, d],
    );
    const kernel = { dimension, cutoff };
    const single = runtime.compile((a: Tensor, b: Tensor) => elasticEnergy(a, b, kernel));
    for (const value of [
      item(await single(x, x)),
      item(await single(x, shuffled)),
      await eieg(runtime, x, shuffled, kernel),
    ])
      expect(value).toBeGreaterThanOrEqual(-1e-6);
    await single.dispose();
  }
});
