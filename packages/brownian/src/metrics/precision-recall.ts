import { type NDArray, type Tensor, cast, lessEqual, max, ndarray } from '@brownian/graph';
import type { Compiled, Runtime } from '@brownian/runtime';
import { squaredDistances } from './kernel-mean.ts';
import { blocksOf, checkSets, doubles, rowsOf } from './rows.ts';

/** How real samples look, and how much of the data they cover. */
export interface PrecisionRecall {
  /** Share of samples that lie among the data. */
  readonly precision: number;
  /** Share of the data that lies among the samples. */
  readonly recall: number;
}

/** Vectors whose distances to a whole set are held at a time: 10,000 others make 20 MB. */
const BLOCK = 250;

type Distances = Compiled<[x: Tensor, y: Tensor], Tensor>;
type Inside = Compiled<[x: Tensor, set: Tensor, radii: Tensor], Tensor>;

/** The k-th smallest of a row, with the entry at `self` left out. */
function kthSmallest(row: Float64Array, k: number, self: number): number {
  const smallest = new Float64Array(k).fill(Infinity);
  row.forEach((value, j) => {
    if (j === self || value >= (smallest[k - 1] as number)) return;
    let place = k - 1;
    while (place > 0 && (smallest[place - 1] as number) > value) {
      smallest[place] = smallest[place - 1] as number;
      place--;
    }
    smallest[place] = value;
  });
  return smallest[k - 1] as number;
}

/** Squared distance of each vector to its k-th nearest neighbour in its own set. */
async function neighbourRadii(distances: Distances, x: NDArray, k: number): Promise<NDArray> {
  const n = x.shape[0] as number;
  const radii = new Float64Array(n);
  for (const [from, to] of blocksOf(n, BLOCK)) {
    const data = (await distances(rowsOf(x, from, to), x)).data as Float64Array;
    for (let i = from; i < to; i++) radii[i] = kthSmallest(data.subarray((i - from) * n, (i - from + 1) * n), k, i);
  }
  return ndarray(radii, [n]);
}

/** Share of x within the radius of at least one vector of the set. */
async function shareInside(inside: Inside, x: NDArray, set: NDArray, radii: NDArray): Promise<number> {
  const n = x.shape[0] as number;
  let count = 0;
  for (const [from, to] of blocksOf(n, BLOCK)) {
    const hits = (await inside(rowsOf(x, from, to), set, radii)).data as Float64Array;
    count += hits.reduce((sum, hit) => sum + hit, 0);
  }
  return count / n;
}

/**
 * Improved precision and recall (Kynkäänniemi et al. 2019, section 2): a set's region is the union of balls around its vectors
 * that reach to their k-th nearest neighbour; precision is the share of samples in the region of the data, recall the share of
 * the data in that of the samples.
 *
 * @param data features `[n, d]`, n > k
 * @param samples features `[m, d]` of the same network, m > k; take as many as data, since regions grow as sets shrink
 * @param k which neighbour; the paper takes 3
 * @throws RangeError when the shapes do not fit, a set has no k-th neighbours, or k is no positive integer
 */
export async function precisionRecall(
  runtime: Runtime,
  data: NDArray,
  samples: NDArray,
  k = 3,
): Promise<PrecisionRecall> {
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`The neighbour k must be a positive integer, got ${k}.`);
  checkSets('Precision and recall', data, samples, k + 1);
  const [real, made] = [doubles(data), doubles(samples)];
  const options = { precision: 'double' } as const;
  const distances = runtime.compile((x: Tensor, y: Tensor) => squaredDistances(x, y), {
    ...options,
    name: 'distances',
  });
  const inside = runtime.compile(
    (x: Tensor, set: Tensor, radii: Tensor) => max(cast(lessEqual(squaredDistances(x, set), radii), 'float32'), 1),
    { ...options, name: 'inside a region' },
  );
  try {
    const ofData = await neighbourRadii(distances, real, k);
    const ofSamples = await neighbourRadii(distances, made, k);
    return {
      precision: await shareInside(inside, made, real, ofData),
      recall: await shareInside(inside, real, made, ofSamples),
    };
  } finally {
    await Promise.all([distances.dispose(), inside.dispose()]);
  }
}
