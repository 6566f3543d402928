import { type NDArray, ndarray } from '@brownian/graph';
import { type Stream, createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, describe, expect, test } from 'vitest';
import { eieg, eiegTest } from '../../src/metrics/eieg.ts';
import { fid } from '../../src/metrics/fid.ts';
import { kid, kidOfSubsets } from '../../src/metrics/kid.ts';
import { mmd, mmdTest } from '../../src/metrics/mmd.ts';
import type { PermutationOptions, PermutationTest } from '../../src/metrics/permutation.ts';
import { slicedWasserstein } from '../../src/metrics/sliced-wasserstein.ts';
import { expectScores, kolmogorovSmirnov, momentsOf } from '../support/statistics.ts';

const runtime = nodeRuntime({ threads: 2 });
afterAll(() => runtime.dispose());

/** `[n, d]` of N(μ, I) with μ = (shift, 0, …). */
function gaussian(stream: Stream, n: number, d: number, shift = 0): NDArray {
  const { data } = stream.normal([n, d]);
  return ndarray(
    (data as Float32Array).map((v, i) => (i % d === 0 ? v + shift : v)),
    [n, d],
  );
}

/** z-score of the mean of independent estimates against the exact value. */
async function meanScore(count: number, estimate: (stream: Stream) => Promise<number>, exact: number): Promise<number> {
  const values: number[] = [];
  for (let i = 0; i < count; i++) values.push(await estimate(createStream(i)));
  const { mean, variance } = momentsOf(values);
  return (mean - exact) / Math.sqrt(variance / count);
}

describe('unbiased kernel distances', () => {
  const [REPEATS, N, M, D] = [200, 40, 30, 4];

  test('are 0 on average for equal laws, though the sets are small', async () => {
    const pair = (stream: Stream): [NDArray, NDArray] => [gaussian(stream, N, D), gaussian(stream, M, D)];
    expectScores({
      kid: await meanScore(REPEATS, (stream) => kid(runtime, ...pair(stream)), 0),
      mmd: await meanScore(REPEATS, (stream) => mmd(runtime, ...pair(stream), [0.7, 2]), 0),
      subsets: await meanScore(
        60,
        async (stream) => (await kidOfSubsets(runtime, ...pair(stream), { count: 5, size: 20, stream })).mean,
        0,
      ),
    });
  });

  test('MMD of shifted Gaussians is 2 c (1 − exp(−μ²/(2(σ² + 2)))), c = (σ²/(σ² + 2))^(d/2)', async () => {
    const [shift, sigma] = [1.3, 1.5];
    const c = (sigma ** 2 / (sigma ** 2 + 2)) ** (D / 2);
    const exact = 2 * c * (1 - Math.exp(-(shift ** 2) / (2 * (sigma ** 2 + 2))));
    const estimate = (stream: Stream): Promise<number> =>
      mmd(runtime, gaussian(stream, N, D), gaussian(stream, M, D, shift), [sigma]);
    expectScores({ shifted: await meanScore(REPEATS, estimate, exact) });
  });

  test('KID of shifted Gaussians on the line is the squared distance of mean features', async () => {
    // (xy + 1)³ has the features 1, √3 x, √3 x², x³: the squared distance of their means.
    const shift = 0.8;
    const [second, third] = [shift ** 2, shift ** 3 + 3 * shift];
    const exact = 3 * shift ** 2 + 3 * second ** 2 + third ** 2;
    const estimate = (stream: Stream): Promise<number> =>
      kid(runtime, gaussian(stream, N, 1), gaussian(stream, M, 1, shift));
    expectScores({ shifted: await meanScore(REPEATS, estimate, exact) });
  });
});

test('the sliced Wasserstein distance of shifted Gaussians tends to ‖μ‖/√d', async () => {
  const [n, d, shift] = [10_000, 3, 6];
  const stream = createStream('sliced');
  const [x, y] = [gaussian(stream, n, d), gaussian(stream, n, d, shift)];
  const found = (await slicedWasserstein(runtime, x, y, stream, 500)) ** 2;
  // (μ·u)² has mean μ²/3 and variance μ⁴·4/45 over directions; samples add about 2 μ²/3 · √(2/n)/μ, a tenth of that.
  const error = shift ** 2 * Math.sqrt(4 / 45 / 500);
  expectScores({ squared: (found - shift ** 2 / d) / error });
});

test('FID of samples of Gaussians is near their Fréchet distance, above it by a bias that falls with their number', async () => {
  const d = 8;
  const of = async (n: number, shift: number): Promise<number> => {
    const stream = createStream(`fid ${n} ${shift}`);
    return await fid(runtime, gaussian(stream, n, d), gaussian(stream, n, d, shift));
  };
  // The mean part has the standard error 2μ√(2/n); the bias at 40,000 is of the order d²/n = .0016.
  const [n, shift] = [40_000, 2];
  expectScores({ shifted: ((await of(n, shift)) - shift ** 2) / (2 * shift * Math.sqrt(2 / n)) });
  // Of one law it is all bias: a hundredth for a hundred times the points.
  const ratio = (await of(100, 0)) / (await of(10_000, 0));
  expect(ratio).toBeGreaterThan(50);
  expect(ratio).toBeLessThan(200);
});

test('the EIEG metric of sets of one law falls as 1/n and stays for different laws', async () => {
  const options = { dimension: 2, cutoff: 0.1 };
  const of = async (n: number, shift: number): Promise<number> => {
    const stream = createStream(`eieg ${n} ${shift}`);
    return await eieg(runtime, gaussian(stream, n, 2), gaussian(stream, n, 2, shift), options);
  };
  const [few, many] = [await of(250, 0), await of(4000, 0)];
  // E = (2/n)(E e(x, x) − E e(x, x')): sixteen times as many points give a sixteenth, within the spread of one draw.
  expect(few / many).toBeGreaterThan(8);
  expect(few / many).toBeLessThan(32);
  const [apartFew, apart] = [await of(250, 1), await of(4000, 1)];
  expect(apart).toBeGreaterThan(10 * many);
  expect(apartFew / apart).toBeGreaterThan(0.5);
});

describe('p-values of permutation tests', () => {
  const [REPEATS, PERMUTATIONS] = [300, 199];
  const kernel = { dimension: 2, cutoff: 0.3 };

  test.each([
    ['EIEG, equal sizes', 30, 30, (x, y, options) => eiegTest(runtime, x, y, kernel, options)],
    ['EIEG, other sizes', 40, 15, (x, y, options) => eiegTest(runtime, x, y, kernel, options)],
    ['MMD', 30, 20, (x, y, options) => mmdTest(runtime, x, y, [1], options)],
  ] as readonly [
    string,
    number,
    number,
    (x: NDArray, y: NDArray, options: PermutationOptions) => Promise<PermutationTest>,
  ][])('of sets of one law are uniform: %s', async (_, n, m, testOf) => {
    const values: number[] = [];
    for (let i = 0; i < REPEATS; i++) {
      const stream = createStream(`repeat ${i}`);
      const options = { stream: stream.split('labels'), permutations: PERMUTATIONS };
      values.push((await testOf(gaussian(stream, n, 2), gaussian(stream, m, 2), options)).pValue);
    }
    // Uniform on 1/200, …, 1: a step of .005 is far below the distance that 300 values tell, about .09 at p = .01.
    expect(kolmogorovSmirnov(values, (p) => p)).toBeGreaterThan(0.01);
  });

  test('of 400 points a half standard deviation apart are the smallest there are', async () => {
    const pValue = async (n: number): Promise<number> => {
      const stream = createStream('power');
      const options = { stream: stream.split('labels'), permutations: PERMUTATIONS };
      return (await eiegTest(runtime, gaussian(stream, n, 2), gaussian(stream, n, 2, 0.5), kernel, options)).pValue;
    };
    expect(await pValue(400)).toBe(1 / (PERMUTATIONS + 1));
  });
});
