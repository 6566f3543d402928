import { readFileSync } from 'node:fs';
import { type NDArray, type Tensor, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import type { SymbolicParams } from '../../src/interfaces.ts';
import { accuracy, argmaxRows, crossEntropy, predict, trainClassifier } from '../../src/metrics/classifier.ts';
import { inceptionScore, inceptionScoreOfProbabilities } from '../../src/metrics/inception-score.ts';
import { responseDistance } from '../../src/metrics/response-distance.ts';
import { toyDataset } from '../../src/data/toy2d/table.ts';
import { dense } from '../../src/nets/layers.ts';
import { descriptor } from '../../src/potentials/descriptor.ts';
import { linear } from '../support/potentials.ts';
import { expectRows, expectSentence, implementations, messageOf } from '../support/rows.ts';
import { numbersOf } from '../support/trees.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

/** Logits `[rows, classes]` with `height` at the class of each row. */
function oneHot(labels: readonly number[], classes: number, height: number): NDArray {
  return ndarray(
    Float64Array.from(labels.flatMap((label) => Array.from({ length: classes }, (_, c) => (c === label ? height : 0)))),
    [labels.length, classes],
  );
}

/** Parts that metrics share. They are tested through them, and where they have a life of their own. */
const SUPPORT = ['cholesky', 'kernel-mean', 'moments', 'nuclear-norm', 'permutation', 'rows'];

/** In which file of this folder each metric is tested. */
const TESTED = {
  auroc: 'metrics-of-values',
  classifier: 'metrics',
  eieg: 'metrics-of-sets',
  'feature-network': 'feature-networks',
  fid: 'metrics-of-sets',
  'inception-score': 'metrics',
  kid: 'metrics-of-sets',
  mmd: 'metrics-of-sets',
  'mode-coverage': 'metrics-of-values',
  'model-network': 'feature-networks',
  mse: 'metrics-of-pairs',
  'precision-recall': 'metrics-of-sets',
  psnr: 'metrics-of-pairs',
  'response-distance': 'metrics',
  roc: 'metrics-of-values',
  'sliced-wasserstein': 'metrics-of-sets',
  ssim: 'metrics-of-pairs',
};

test('every file of src/metrics is tested in this folder', () => {
  expectRows(TESTED, implementations('metrics', SUPPORT));
  for (const [metric, file] of Object.entries(TESTED))
    expect(readFileSync(new URL(`${file}.test.ts`, import.meta.url), 'utf8')).toContain(`src/metrics/${metric}.ts'`);
});

describe('the Inception Score', () => {
  const balanced = Array.from({ length: 40 }, (_, i) => i % 5);

  test('is 1 for a classifier that cannot tell', () => {
    // Fifths in double precision.
    expect(inceptionScore(oneHot(balanced, 5, 0))).toBeCloseTo(1, 14);
  });

  test('is 1 when all samples are of one class', () => {
    expect(
      inceptionScore(
        oneHot(
          balanced.map(() => 2),
          5,
          900,
        ),
      ),
    ).toBe(1);
  });

  test('is the number of classes when each sample is surely of one and all are as frequent', () => {
    // exp(−900) is 0 in double precision, so the score is 5 up to rounding of log 5.
    expect(inceptionScore(oneHot(balanced, 5, 900))).toBeCloseTo(5, 12);
  });

  test.each([700, 740, 745])('counts probabilities near the smallest number as nothing, at logits of %d', (height) => {
    expect(inceptionScore(oneHot(balanced, 5, height))).toBeCloseTo(5, 12);
    expect(
      inceptionScore(
        oneHot(
          balanced.map(() => 2),
          5,
          height,
        ),
      ),
    ).toBeCloseTo(1, 12);
  });

  test('is the exponential of the mean KL divergence in between', () => {
    const [p, q] = [0.9, 0.3];
    const logits = ndarray(Float64Array.from([Math.log(p), Math.log(1 - p), Math.log(q), Math.log(1 - q)]), [2, 2]);
    const marginal = (p + q) / 2;
    const divergence = (x: number): number => x * Math.log(x / marginal) + (1 - x) * Math.log((1 - x) / (1 - marginal));
    expect(inceptionScore(logits)).toBeCloseTo(Math.exp((divergence(p) + divergence(q)) / 2), 13);
  });

  test('is the same of probabilities, where a class may have none', async () => {
    const rows = [0.9, 0.1, 0, 0.3, 0.7, 0];
    const logits = ndarray(
      Float64Array.from(rows, (p) => Math.log(p)),
      [2, 3],
    );
    expect(inceptionScoreOfProbabilities(ndarray(Float64Array.from(rows), [2, 3]))).toBeCloseTo(
      inceptionScore(logits),
      14,
    );
    const flat = (): number => inceptionScoreOfProbabilities(ndarray([1, 2], [2]));
    expectSentence(await messageOf(flat), '[samples, classes]', '[2]');
  });

  test('does not exist for no samples', async () => {
    expectSentence(await messageOf(() => inceptionScore(ndarray([], [0, 10]))), 'no samples');
  });
});

describe('the response distance', () => {
  const potential = descriptor(dense(2)([2]));
  const params = { theta: ndarray([1, 1]), features: { w: ndarray([1, 0, 0, 10], [2, 2]), b: ndarray([5, 5]) } };
  const between = runtime.compile(
    (p: SymbolicParams, x: Tensor, y: Tensor) => responseDistance(potential, p, x, y) as Tensor,
  );
  const x = createStream('x').normal([5, 2]);

  test('of a set to itself is 0', async () => {
    expect(numbersOf(await between(params, x, x))).toEqual([0]);
  });

  test('is the mean over filters of the difference of mean responses', async () => {
    const [a, b] = [ndarray([1, 2, 3, 4], [2, 2]), ndarray([5, -6, 5, -6, 5, -6], [3, 2])];
    // Means (2, 30) and (5, −60), so (3 + 90)/2.
    expect(numbersOf(await between(params, a, b))).toEqual([46.5]);
    expect(numbersOf(await between(params, b, a))).toEqual([46.5]);
  });

  test('does not exist for a potential without filters', () => {
    expect(responseDistance(linear([2]), [], undefined as never, undefined as never)).toBeUndefined();
  });
});

describe('classification', () => {
  const logits = createStream('logits').normal([6, 4]);
  const labels = ndarray(Int32Array.of(0, 1, 2, 3, 3, 0), [6]);

  test('cross-entropy is −mean log p(label), also of integer and of large logits', async () => {
    const loss = runtime.compile((l: Tensor, y: Tensor) => crossEntropy(l, y));
    const rows = Array.from({ length: 6 }, (_, i) => numbersOf(logits).slice(4 * i, 4 * i + 4));
    const direct =
      rows.reduce(
        (sum, row, i) =>
          sum + Math.log(row.reduce((a, b) => a + Math.exp(b), 0)) - (row[Number(labels.data[i])] as number),
        0,
      ) / 6;
    // A mean of logarithms in double precision.
    expect(Number((await loss(logits, labels)).data[0])).toBeCloseTo(direct, 13);
    expect(numbersOf(await loss(oneHot([0, 1], 4, 1e4), ndarray(Int32Array.of(0, 2), [2])))).toEqual([5000]);
  });

  test('argmaxRows gives the first of the largest, accuracy the share at the label', () => {
    const table = ndarray([1, 3, 2, 5, 5, 0, -3, -2, -1], [3, 3]);
    expect(Array.from(argmaxRows(table))).toEqual([1, 0, 2]);
    expect(accuracy(table, ndarray(Int32Array.of(1, 1, 2), [3]))).toBe(2 / 3);
  });

  test('predict gives the same rows in batches as at once, and for no rows none', async () => {
    const net = dense(3)([2]);
    const params = net.init(createStream(1));
    const x = createStream('x').normal([7, 2]);
    const whole = await predict(runtime, net, params, x);
    expect(whole.shape).toEqual([7, 3]);
    const open = runtime.openSessions;
    expect(await predict(runtime, net, params, x, 3)).toEqual(whole);
    expect(runtime.openSessions).toBe(open);
    expect((await predict(runtime, net, params, ndarray([], [0, 2]))).shape).toEqual([0, 3]);
  });

  test('a classifier refuses data without labels by name', async () => {
    const points = toyDataset('rings', createStream(1), 10);
    const open = runtime.openSessions;
    expectSentence(
      await messageOf(() => trainClassifier(runtime, dense(2)([2]), points, createStream(1))),
      'labels',
      '"rings"',
    );
    expect(runtime.openSessions).toBe(open);
  });
});
