import { ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { expect, test } from 'vitest';
import { nearestNeighbours } from '../src/tasks/neighbours.ts';

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
