import { type NDArray, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { meanSquaredErrors } from '../../src/metrics/mse.ts';
import { signalToNoise } from '../../src/metrics/psnr.ts';
import { structuralSimilarity } from '../../src/metrics/ssim.ts';
import { expectSentence, messageOf } from '../support/rows.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

const image = (value: (i: number) => number, ...shape: number[]): NDArray =>
  ndarray(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i)),
    shape,
  );

describe('errors of items', () => {
  test('are means of squares, one per item', async () => {
    const [x, y] = [ndarray([0, 0, 1, 3], [2, 2]), ndarray([0, 2, 1, 3], [2, 2])];
    expect(Array.from(await meanSquaredErrors(runtime, x, y))).toEqual([2, 0]);
    expect(runtime.openSessions).toBe(0);
  });

  test('in decibels are infinite for equal items', async () => {
    const [x, y] = [ndarray([0, 0, 1, 1], [2, 2]), ndarray([0.2, 0.2, 1, 1], [2, 2])];
    const [first, second] = await signalToNoise(runtime, x, y);
    // 10 log₁₀(4/.04), with .2 rounded to float32.
    expect(first).toBeCloseTo(20, 6);
    expect(second).toBe(Infinity);
    expect((await signalToNoise(runtime, x, y, 1))[0]).toBeCloseTo(20 - 20 * Math.log10(2), 6);
  });
});

describe('structural similarity', () => {
  const noise = createStream('ssim').normal([3, 2, 14, 13]);

  test('is 1 of equal images and symmetric', async () => {
    const same = await structuralSimilarity(runtime, noise, noise);
    for (const value of same) expect(value).toBeCloseTo(1, 14);
    const other = createStream('other').normal([3, 2, 14, 13]);
    expect(await structuralSimilarity(runtime, noise, other)).toEqual(
      await structuralSimilarity(runtime, other, noise),
    );
  });

  test('of constant images is the luminance term (2ab + c)/(a² + b² + c)', async () => {
    const [a, b] = [0.5, -0.25];
    const c = (0.01 * 2) ** 2;
    const [value] = await structuralSimilarity(
      runtime,
      image(() => a, 1, 12, 20),
      image(() => b, 1, 12, 20),
    );
    expect(value).toBeCloseTo((2 * a * b + c) / (a * a + b * b + c), 12);
  });

  test('of an image and its negative is negative, and each image has its own', async () => {
    // About a grey of 2, so that the means agree and only the structure is turned round.
    const about = (sign: (i: number) => number): NDArray =>
      ndarray(
        (noise.data as Float32Array).map((v, i) => 2 + sign(i) * v),
        noise.shape,
      );
    const negative = about((i) => (i < 2 * 14 * 13 ? -1 : 1));
    const found = await structuralSimilarity(
      runtime,
      about(() => 1),
      negative,
    );
    const [first, second, third] = Array.from(found);
    expect(first).toBeLessThan(-0.5);
    expect(second).toBeCloseTo(1, 14);
    expect(third).toBeCloseTo(1, 14);
  });

  test('needs images of at least 11×11 pixels', async () => {
    const small = image(() => 0, 1, 10, 30);
    expectSentence(await messageOf(() => structuralSimilarity(runtime, small, small)), '11×11', '[1, 10, 30]');
  });
});

test.each([
  ['MSE', meanSquaredErrors],
  ['MSE', signalToNoise],
  ['SSIM', structuralSimilarity],
] as const)('%s needs pairs', async (name, metric) => {
  const [x, y] = [image(() => 0, 2, 12, 12), image(() => 0, 3, 12, 12)];
  expectSentence(await messageOf(() => metric(runtime, x, y)), name, '[2, 12, 12]', '[3, 12, 12]');
  expectSentence(
    await messageOf(() =>
      metric(
        runtime,
        image(() => 0, 0, 12, 12),
        image(() => 0, 0, 12, 12),
      ),
    ),
    name,
  );
  expect(runtime.openSessions).toBe(0);
});

test.each([signalToNoise, structuralSimilarity])('a range must be positive', async (metric) => {
  const x = image(() => 0, 1, 12, 12);
  expectSentence(await messageOf(() => metric(runtime, x, x, 0)), 'got 0');
});
