import { type NDArray, float32Data } from '@brownian/graph';
import { rowsOf } from '../metrics/rows.ts';

/** A datum near an item. */
export interface Neighbour {
  /** Its index in the data. */
  readonly index: number;
  /** Root mean square difference of their values, in units of x. */
  readonly distance: number;
}

/** Squared distance of two stretches, given up once it is above `limit`. */
function squaredDistance(a: Float32Array, b: Float32Array, limit: number): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 64) {
    const end = Math.min(i + 64, a.length);
    for (let j = i; j < end; j++) sum += ((a[j] as number) - (b[j] as number)) ** 2;
    if (sum >= limit) return Infinity;
  }
  return sum;
}

/**
 * The data nearest to each item, by root mean square difference: whether samples are new or copies (VAPO, appendix C.1).
 *
 * @param items `[n, ...item]`
 * @param data batches of data of the same shape, in the order of their indices
 * @param count how many of each, the nearest first
 * @returns for each item its neighbours; fewer when there are fewer data
 */
export async function nearestNeighbours(
  items: NDArray,
  data: AsyncIterable<NDArray>,
  count: number,
): Promise<Neighbour[][]> {
  const n = items.shape[0] as number;
  const size = items.data.length / n;
  const rows = Array.from({ length: n }, (_, i) => float32Data(rowsOf(items, i, i + 1)));
  const nearest: { index: number; square: number }[][] = rows.map(() => []);
  let first = 0;
  for await (const batch of data) {
    const values = float32Data(batch);
    const length = batch.shape[0] as number;
    if (values.length !== length * size)
      throw new RangeError(`Neighbours are of one shape; items have ${size} values, data ${values.length / length}.`);
    rows.forEach((row, i) => {
      const best = nearest[i] as { index: number; square: number }[];
      for (let k = 0; k < length; k++) {
        const limit = best.length < count ? Infinity : (best.at(-1)?.square ?? Infinity);
        const square = squaredDistance(row, values.subarray(k * size, (k + 1) * size), limit);
        if (square >= limit) continue;
        best.push({ index: first + k, square });
        best.sort((a, b) => a.square - b.square);
        best.length = Math.min(best.length, count);
      }
    });
    first += length;
  }
  return nearest.map((best) => best.map(({ index, square }) => ({ index, distance: Math.sqrt(square / size) })));
}
