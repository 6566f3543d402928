import { type NDArray, float32Data } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';

/** Rows of an array at `indices`, `[indices.length, ...item]`. */
export function takeRows(array: NDArray, indices: ArrayLike<number>): NDArray {
  const [count, ...item] = array.shape as readonly [number, ...number[]];
  const size = item.reduce((a, b) => a * b, 1);
  const from = float32Data(array);
  const data = new Float32Array(indices.length * size);
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i] as number;
    if (row < 0 || row >= count) throw new RangeError(`Row ${row} is outside an array of ${count} rows.`);
    data.set(from.subarray(row * size, (row + 1) * size), i * size);
  }
  return { dtype: 'float32', shape: [indices.length, ...item], data };
}

/** A copy of `array` with its rows at `indices` replaced by those of `rows`. */
export function putRows(array: NDArray, indices: ArrayLike<number>, rows: NDArray): NDArray {
  const size = array.shape.slice(1).reduce((a, b) => a * b, 1);
  const data = Float32Array.from(float32Data(array));
  const from = float32Data(rows);
  for (let i = 0; i < indices.length; i++)
    data.set(from.subarray(i * size, (i + 1) * size), (indices[i] as number) * size);
  return { ...array, data };
}

/**
 * How many of `n` chains begin anew in an iteration: `share` of them on average. Where that is not a whole number, one more or one
 * less, drawn, so that few chains at a small share begin anew now and then rather than never.
 */
export function freshCount(n: number, share: number, draw: Stream): number {
  const expected = share * n;
  const whole = Math.round(expected);
  // Products such as .07 × 100 are whole but for their rounding, and need no draw.
  return Math.abs(expected - whole) < 1e-9 ? whole : Math.floor(expected + draw.next());
}

/** `count` different rows of a buffer of `size`, or rows with repetition when there are fewer than `count`. */
export function chooseRows(size: number, count: number, draw: Stream): Int32Array {
  if (count > size) return draw.integers([count], 0, size).data as Int32Array;
  return (draw.permutation(size).data as Int32Array).slice(0, count);
}
