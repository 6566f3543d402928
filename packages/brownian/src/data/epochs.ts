import type { Stream } from '@brownian/runtime';

/** The order in which a data set is visited. Its position is the step number, so there is nothing else to store. */
export interface BatchOrder {
  /** Items in the set. */
  readonly size: number;
  /** Items in every batch. */
  readonly batchSize: number;
  /** Steps in which the set is seen once; not an integer when batches straddle epochs. */
  readonly stepsPerEpoch: number;
  /** The epoch that the first item of batch `step` belongs to, from 0. @throws RangeError as `indicesAt`. */
  epochAt(step: number): number;
  /** The items of batch `step`: a function of the step alone. @throws RangeError when `step` is not an integer ≥ 0. */
  indicesAt(step: number): Int32Array;
}

function checkPositive(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`The ${what} is an integer of at least 1, got ${value}.`);
  }
}

/**
 * Shuffled epochs cut into batches of equal size.
 *
 * The permutations of the epochs, each from `stream.split('epoch-' + e)`, follow one another without a gap, and batch s
 * is places s·batchSize to (s + 1)·batchSize - 1 of that sequence. So every item comes once per epoch, no item is
 * dropped, and where the batch size does not divide the set a batch straddles two epochs (an item may then be in it
 * twice). A batch larger than the set runs through several epochs.
 *
 * @param stream names the order; it is not advanced
 * @param size items in the set
 * @param batchSize items in a batch
 * @throws RangeError when a size is not an integer of at least 1
 */
export function batchIndices(stream: Stream, size: number, batchSize: number): BatchOrder {
  checkPositive(size, 'size of a data set');
  checkPositive(batchSize, 'batch size');
  let cached = { epoch: -1, order: new Int32Array(0) };
  const orderOf = (epoch: number): Int32Array => {
    if (cached.epoch !== epoch) {
      cached = { epoch, order: stream.split(`epoch-${epoch}`).permutation(size).data as Int32Array<ArrayBuffer> };
    }
    return cached.order;
  };
  const placeOf = (step: number): number => {
    if (!Number.isSafeInteger(step) || step < 0 || !Number.isSafeInteger((step + 1) * batchSize)) {
      throw new RangeError(`The step of a batch is an integer of at least 0, got ${step}.`);
    }
    return step * batchSize;
  };
  const indicesAt = (step: number): Int32Array => {
    const start = placeOf(step);
    const indices = new Int32Array(batchSize);
    for (let done = 0; done < batchSize;) {
      const from = (start + done) % size;
      const count = Math.min(size - from, batchSize - done);
      indices.set(orderOf(Math.floor((start + done) / size)).subarray(from, from + count), done);
      done += count;
    }
    return indices;
  };
  const epochAt = (step: number): number => Math.floor(placeOf(step) / size);
  return { size, batchSize, stepsPerEpoch: size / batchSize, epochAt, indicesAt };
}
