import type { NDArray, Tree } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Batch, Dataset, Learner } from 'brownian';

/** Items to score or to compare with, given out batch by batch. */
export interface Items {
  readonly name: string;
  /** Shape of one item. */
  readonly itemShape: readonly number[];
  readonly count: number;
  batches(): AsyncIterable<NDArray>;
}

/** Items of a batch: enough to keep two cores busy, little enough for a network at 299×299. */
const BATCH = 100;
/** Samples that a learner draws at once. */
const DRAWN = 1000;

/** Data batches may be read from disk as they are asked for. */
async function itemsAt(data: Dataset, indices: ArrayLike<number>): Promise<Batch> {
  return await Promise.resolve(data.batch(indices));
}

/**
 * Items of a data set: the first `count` in their order, or, with a stream, a random choice.
 *
 * @throws RangeError when there are fewer
 */
export function datasetItems(data: Dataset, count: number, choose?: Stream): Items {
  const order = choose?.permutation(data.size).data as Int32Array | undefined;
  const indices = order?.slice(0, count) ?? Int32Array.from({ length: count }, (_, i) => i);
  return {
    name: data.name,
    itemShape: data.itemShape,
    count,
    async *batches() {
      for (let from = 0; from < count; from += BATCH)
        yield (await itemsAt(data, indices.subarray(from, from + BATCH))).x;
    },
  };
}

/** New samples of a learner. Each pass continues the stream, so they are to be gone through once. */
export function sampledItems(
  learner: Learner,
  state: Tree<NDArray>,
  facts: Pick<Items, 'name' | 'itemShape' | 'count'>,
  stream: Stream,
): Items {
  return {
    ...facts,
    async *batches() {
      for (let from = 0; from < facts.count; from += DRAWN)
        yield await learner.sample(state, Math.min(DRAWN, facts.count - from), stream);
    },
  };
}

/** Items that are in memory, `[n, ...item]`. */
export function arrayItems(name: string, { dtype, shape, data }: NDArray): Items {
  const [count = 0, ...itemShape] = shape;
  const size = data.length / Math.max(1, count);
  return {
    name,
    itemShape,
    count,
    async *batches() {
      for (let from = 0; from < count; from += BATCH) {
        const to = Math.min(count, from + BATCH);
        yield await Promise.resolve({
          dtype,
          shape: [to - from, ...itemShape],
          data: data.subarray(from * size, to * size),
        });
      }
    },
  };
}
