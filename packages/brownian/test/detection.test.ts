import { ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { expect, test } from 'vitest';
import { auroc } from '../src/metrics/auroc.ts';
import { rocCurve } from '../src/metrics/roc.ts';
import { nearestNeighbours } from '../src/tasks/neighbours.ts';

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

test('nearest neighbours are those of a plain search, whatever the batches', async () => {
  const stream = createStream('neighbours');
  const [items, data] = [stream.normal([5, 3, 30]), stream.normal([50, 3, 30])];
  const rows = (x: typeof data, i: number): Float32Array => (x.data as Float32Array).subarray(90 * i, 90 * (i + 1));
  async function* batches(size: number): AsyncGenerator<typeof data> {
    for (let from = 0; from < 50; from += size)
      yield await Promise.resolve(
        ndarray((data.data as Float32Array).slice(90 * from, 90 * (from + size)), [Math.min(size, 50 - from), 3, 30]),
      );
  }
  const found = await nearestNeighbours(items, batches(7), 4);
  expect(await nearestNeighbours(items, batches(50), 4)).toEqual(found);
  found.forEach((list, i) => {
    const all = Array.from({ length: 50 }, (_, index) => {
      const square = rows(items, i).reduce((sum, v, k) => sum + (v - (rows(data, index)[k] as number)) ** 2, 0);
      return { index, distance: Math.sqrt(square / 90) };
    }).toSorted((a, b) => a.distance - b.distance);
    expect(list).toEqual(all.slice(0, 4));
  });
  await expect(nearestNeighbours(ndarray(new Float32Array(4), [1, 4]), batches(50), 1)).rejects.toThrow('of one shape');
});
