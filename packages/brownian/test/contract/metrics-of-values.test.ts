import { ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { describe, expect, test } from 'vitest';
import { TOY_DISTRIBUTIONS } from '../../src/data/toy2d/table.ts';
import { auroc } from '../../src/metrics/auroc.ts';
import { modeCoverage, modeSpreads } from '../../src/metrics/mode-coverage.ts';
import { rocCurve } from '../../src/metrics/roc.ts';
import { expectSentence, messageOf } from '../support/rows.ts';

describe('AUROC', () => {
  /** The definition: over all pairs, ties counting half. */
  function direct(scores: readonly number[], labels: readonly number[]): number {
    let [won, pairs] = [0, 0];
    scores.forEach((a, i) =>
      scores.forEach((b, j) => {
        if (labels[i] !== 1 || labels[j] !== 0) return;
        pairs++;
        won += a > b ? 1 : a === b ? 0.5 : 0;
      }),
    );
    return won / pairs;
  }

  test('of known cases', () => {
    expect(auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toBe(0.75);
    expect(auroc([1, 2, 3, 4], [0, 0, 1, 1])).toBe(1);
    expect(auroc([4, 3, 2, 1], [0, 0, 1, 1])).toBe(0);
    expect(auroc([5, 5, 5], [0, 1, 1])).toBe(0.5);
    expect(auroc([-Infinity, 0, Infinity], [false, true, true])).toBe(1);
  });

  test('is its definition over pairs, with many ties', () => {
    const stream = createStream('auroc');
    const scores = Array.from(stream.integers([120], -4, 5).data, Number);
    const labels = Array.from(stream.integers([120], 0, 2).data, Number);
    // Both are quotients of whole halves, rounded once.
    expect(auroc(scores, labels)).toBeCloseTo(direct(scores, labels), 15);
    expect(auroc(scores.map(Math.exp), labels)).toBe(auroc(scores, labels));
    expect(
      auroc(
        scores.map((v) => -v),
        labels,
      ),
    ).toBeCloseTo(1 - auroc(scores, labels), 15);
  });

  test('needs both classes, a label for each score, and numbers', async () => {
    expectSentence(await messageOf(() => auroc([1, 2], [1, 1])), 'got 2 and 0');
    expectSentence(await messageOf(() => auroc([1, 2], [1])), '2 scores', '1 labels');
    expect(await messageOf(() => auroc([1, NaN], [1, 0]))).toBe('AUROC cannot rank score 1, which is NaN.');
  });
});

describe('mode coverage', () => {
  const modes = {
    centres: [
      [0, 0],
      [10, 0],
      [0, 10],
    ] as const,
    std: 1,
  };

  test('counts points within three standard deviations of their nearest mode', () => {
    const points = ndarray([0, 0, 0, 2.9, 0, 3.1, 10, 1, 5, 0], [5, 2]);
    expect(modeCoverage(points, modes)).toEqual({ covered: 2, modes: 3, share: 3 / 5, counts: [2, 1, 0] });
    expect(modeCoverage(points, modes, 5)).toMatchObject({ share: 1, counts: [4, 1, 0] });
  });

  test('of a mixture’s own points finds all modes, and 98.9 % of the points near one', () => {
    const toy = TOY_DISTRIBUTIONS['8-gaussians'];
    const found = modeCoverage(toy.sample(createStream(1), 20_000), toy.modes as NonNullable<typeof toy.modes>);
    expect(found.covered).toBe(8);
    const expected = 1 - Math.exp(-9 / 2);
    expect(Math.abs(found.share - expected) / Math.sqrt((expected * (1 - expected)) / 20_000)).toBeLessThan(4);
  });

  test('gives the spread of the points near each mode, and 0 where there are none', () => {
    // Squared distances 8 and 2 about the first mode, 1 about the second; 5 is far from all.
    const points = ndarray([2, 2, 1, -1, 10, 1, 5, 0], [4, 2]);
    expect(modeSpreads(points, modes)).toEqual({
      counts: [2, 1, 0],
      spreads: [Math.sqrt(10 / 2 / 2), Math.sqrt(1 / 2), 0],
    });
  });

  test('finds the spread of a mixture’s own points', () => {
    const toy = TOY_DISTRIBUTIONS['8-gaussians'];
    const { counts, spreads } = modeSpreads(
      toy.sample(createStream(1), 20_000),
      toy.modes as NonNullable<typeof toy.modes>,
    );
    spreads.forEach((spread, k) => {
      // Of n points a variance has the relative error 1/√n, its root half of that; within four deviations it is .4 % smaller.
      const error = 0.5 / Math.sqrt(counts[k] as number);
      expect(Math.abs(spread / 0.05 - 1)).toBeLessThan(4 * error + 0.002);
    });
  });

  test('is of points on the plane', async () => {
    expectSentence(await messageOf(() => modeCoverage(ndarray([1, 2, 3], [1, 3]), modes)), '[1, 3]');
    expectSentence(await messageOf(() => modeCoverage(ndarray([1, 2], [1, 2]), modes, 0)), 'got 0');
  });
});

test('a ROC curve goes from corner to corner, passes ties at once, and has the area of AUROC', () => {
  const stream = createStream('roc');
  const scores = Array.from({ length: 200 }, () => Math.floor(stream.next() * 30));
  const positive = scores.map((score) => (stream.next() * 30 < score ? 1 : 0));
  const curve = rocCurve(scores, positive);
  expect(curve[0]).toEqual({ falsePositives: 0, truePositives: 0 });
  expect(curve.at(-1)).toEqual({ falsePositives: 1, truePositives: 1 });
  expect(curve).toHaveLength(1 + new Set(scores).size);
  const area = curve
    .slice(1)
    .reduce(
      (sum, point, i) =>
        sum + ((point.falsePositives - curve[i]!.falsePositives) * (point.truePositives + curve[i]!.truePositives)) / 2,
      0,
    );
  // The same sum of exact products, in another order.
  expect(area).toBeCloseTo(auroc(scores, positive), 12);
});

test('a ROC curve of one class is refused', () => {
  expect(() => rocCurve([1, 2], [1, 1])).toThrow('got 2 scores, 2 labels and 2 positives.');
});
