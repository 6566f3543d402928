import { type NDArray, type Tensor, matmul, ndarray } from '@brownian/graph';
import type { Runtime, Stream } from '@brownian/runtime';
import { blocksOf, checkSets, rowsOf } from './rows.ts';

/** Unit vectors `[d, count]`, uniform on the sphere. */
function directions(stream: Stream, d: number, count: number): NDArray {
  const draws = Float64Array.from(stream.normal([d, count]).data as Float32Array);
  for (let j = 0; j < count; j++) {
    let squares = 0;
    for (let i = 0; i < d; i++) squares += (draws[i * count + j] as number) ** 2;
    for (let i = 0; i < d; i++) draws[i * count + j] = (draws[i * count + j] as number) / Math.sqrt(squares);
  }
  return ndarray(draws, [d, count]);
}

/**
 * Squared Wasserstein-2 distance of two sets of numbers, sorted: the integral of the squared difference of their quantile
 * functions, which are steps of width 1/n and 1/m.
 */
function squaredDistance(a: Float64Array, b: Float64Array): number {
  const [n, m] = [a.length, b.length];
  let [i, j, at, sum] = [0, 0, 0, 0];
  while (i < n && j < m) {
    // Ends of the steps in units of 1/nm, which are whole: no rounding decides which comes first.
    const end = Math.min((i + 1) * m, (j + 1) * n);
    sum += (end - at) * ((a[i] as number) - (b[j] as number)) ** 2;
    if (end === (i + 1) * m) i++;
    if (end === (j + 1) * n) j++;
    at = end;
  }
  return sum / (n * m);
}

const BLOCK = 1000;

/** The coordinates of each vector along every direction, one sorted list per direction. */
async function shadows(
  project: (x: NDArray, directions: NDArray) => Promise<NDArray>,
  x: NDArray,
  along: NDArray,
): Promise<Float64Array[]> {
  const [n, count] = [x.shape[0] as number, along.shape[1] as number];
  const lists = Array.from({ length: count }, () => new Float64Array(n));
  for (const [from, to] of blocksOf(n, BLOCK)) {
    const { data } = await project(rowsOf(x, from, to), along);
    for (let i = from; i < to; i++)
      for (let j = 0; j < count; j++) (lists[j] as Float64Array)[i] = data[(i - from) * count + j] as number;
  }
  return lists.map((list) => list.toSorted());
}

/**
 * Sliced Wasserstein-2 distance (Rabin et al. 2011, definition 5): the root mean square, over random directions, of the
 * Wasserstein-2 distance of the sets' shadows. Between N(0, Σ) and N(μ, Σ) it tends to ‖μ‖/√d.
 *
 * @param x `[n, d]`
 * @param y `[m, d]`; n and m may differ
 * @param stream draws the directions; advanced
 * @param projections how many directions. Default 256
 * @throws RangeError when the shapes do not fit, a set is empty, or there is no direction
 */
export async function slicedWasserstein(
  runtime: Runtime,
  x: NDArray,
  y: NDArray,
  stream: Stream,
  projections = 256,
): Promise<number> {
  const { d } = checkSets('The sliced Wasserstein distance', x, y, 1);
  if (!Number.isInteger(projections) || projections < 1)
    throw new RangeError(`The number of projections must be a positive integer, got ${projections}.`);
  const along = directions(stream, d, projections);
  const project = runtime.compile((a: Tensor, b: Tensor) => matmul(a, b), { name: 'projections', precision: 'double' });
  try {
    const [left, right] = [await shadows(project, x, along), await shadows(project, y, along)];
    const squares = left.map((list, j) => squaredDistance(list, right[j] as Float64Array));
    return Math.sqrt(squares.reduce((a, b) => a + b, 0) / projections);
  } finally {
    await project.dispose();
  }
}
