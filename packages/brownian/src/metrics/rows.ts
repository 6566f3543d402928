import { type NDArray, formatShape, ndarray } from '@brownian/graph';

/** The ranges [from, to) that cut n rows into blocks of at most `size`. */
export function blocksOf(n: number, size: number): [from: number, to: number][] {
  return Array.from({ length: Math.ceil(n / size) }, (_, i) => [i * size, Math.min(n, (i + 1) * size)]);
}

/** Rows [from, to) of `[n, …]`, on the same storage. */
export function rowsOf(x: NDArray, from: number, to: number): NDArray {
  const [n, ...item] = x.shape as readonly [number, ...number[]];
  const width = x.data.length / Math.max(n, 1);
  return ndarray(x.data.subarray(from * width, to * width), [to - from, ...item]);
}

/** The rows of `[n, …]` at these indices, in double precision. */
export function pickRows(x: NDArray, indices: ArrayLike<number>): NDArray {
  const [n, ...item] = x.shape as readonly [number, ...number[]];
  const width = x.data.length / Math.max(n, 1);
  const out = new Float64Array(indices.length * width);
  const data = x.data as Float32Array;
  for (let i = 0; i < indices.length; i++) {
    const from = (indices[i] as number) * width;
    out.set(data.subarray(from, from + width), i * width);
  }
  return ndarray(out, [indices.length, ...item]);
}

/** The same values as doubles, so that they are converted once and not at every run. */
export function doubles(x: NDArray): NDArray {
  return x.data instanceof Float64Array ? x : ndarray(Float64Array.from(x.data as Float32Array), x.shape);
}

/**
 * Checks that two sets are vectors of one length.
 *
 * @returns sizes of the sets and the length of their vectors
 * @throws RangeError naming the metric and both shapes; also when a set has fewer than `least` vectors
 */
export function checkSets(metric: string, x: NDArray, y: NDArray, least: number): { n: number; m: number; d: number } {
  const [n = 0, d = 0] = x.shape;
  const [m = 0, other = 0] = y.shape;
  if (x.shape.length !== 2 || y.shape.length !== 2 || d !== other || d < 1) {
    throw new RangeError(
      `${metric} takes two sets of vectors [n, d] of one length d, got ${formatShape(x.shape)} and ${formatShape(y.shape)}.`,
    );
  }
  if (Math.min(n, m) < least)
    throw new RangeError(`${metric} needs at least ${least} vectors in each set, got ${n} and ${m}.`);
  return { n, m, d };
}

/**
 * Checks that two batches can be compared item by item.
 *
 * @returns the number of items
 * @throws RangeError naming the metric and both shapes
 */
export function checkPairs(metric: string, x: NDArray, y: NDArray): number {
  const same = x.shape.length > 0 && formatShape(x.shape) === formatShape(y.shape);
  if (!same || (x.shape[0] as number) < 1) {
    throw new RangeError(
      `${metric} compares item by item and needs two batches of one shape, got ${formatShape(x.shape)} and ${formatShape(y.shape)}.`,
    );
  }
  return x.shape[0] as number;
}
