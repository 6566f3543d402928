import { type NDArray, type Tensor, formatShape, matmul, transpose } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { blocksOf, rowsOf } from './rows.ts';

/** Mean and spread of a set of feature vectors, in double precision: all that the Fréchet distance needs of a set. */
export interface Moments {
  /** Vectors seen. */
  readonly count: number;
  /** `[d]`. */
  readonly mean: Float64Array;
  /** Σ (x − mean)(x − mean)ᵀ, `[d, d]` row by row: the covariance times count − 1. */
  readonly scatter: Float64Array;
}

/** Moments of no vectors, to begin a stream with. */
export function emptyMoments(dimension: number): Moments {
  return { count: 0, mean: new Float64Array(dimension), scatter: new Float64Array(dimension ** 2) };
}

/**
 * Moments of the union of two sets: with δ the difference of the means, the scatters add up to their sum plus
 * δδᵀ·nₐn_b/(nₐ + n_b) (Chan, Golub, LeVeque 1983, equation 2.1).
 *
 * @throws RangeError when the dimensions differ
 */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const d = a.mean.length;
  if (b.mean.length !== d)
    throw new RangeError(`Moments of vectors of length ${d} cannot be merged with those of length ${b.mean.length}.`);
  if (a.count === 0) return b;
  if (b.count === 0) return a;
  const count = a.count + b.count;
  const delta = b.mean.map((value, i) => value - (a.mean[i] as number));
  const weight = (a.count * b.count) / count;
  const mean = a.mean.map((value, i) => value + ((delta[i] as number) * b.count) / count);
  const scatter = a.scatter.map((value, i) => value + (b.scatter[i] as number));
  for (let i = 0; i < d; i++) {
    const scaled = (delta[i] as number) * weight;
    for (let j = 0; j < d; j++) scatter[i * d + j] = (scatter[i * d + j] as number) + scaled * (delta[j] as number);
  }
  return { count, mean, scatter };
}

/** Unbiased covariance `[d, d]`, with n − 1. @throws RangeError for fewer than two vectors */
export function covarianceOf({ count, scatter }: Moments): Float64Array {
  if (count < 2) throw new RangeError(`A covariance needs at least two vectors, got ${count}.`);
  return scatter.map((value) => value / (count - 1));
}

const ROWS = 1000;

/** Moments of batches, as a stream gathers them: `moments = mergeMoments(moments, await stream.of(batch))`. */
export interface MomentsStream {
  /** Moments of features `[n, d]`. @throws RangeError for another shape */
  of(features: NDArray): Promise<Moments>;
  dispose(): Promise<void>;
}

/** Compiles the moments of feature vectors: a mean and one matrix product per thousand vectors, in double precision. */
export function momentsStream(runtime: Runtime): MomentsStream {
  const compute = runtime.compile(
    (x: Tensor) => {
      const mean = x.mean(0);
      const centred = x.sub(mean);
      return { mean, scatter: matmul(transpose(centred), centred) };
    },
    { name: 'feature moments', precision: 'double' },
  );
  return {
    of: async (features) => {
      const [n, d] = features.shape;
      if (features.shape.length !== 2 || n === undefined || d === undefined)
        throw new RangeError(`Features must have the shape [n, d], got ${formatShape(features.shape)}.`);
      let moments = emptyMoments(d);
      for (const [from, to] of blocksOf(n, ROWS)) {
        const { mean, scatter } = await compute(rowsOf(features, from, to));
        const part = { count: to - from, mean: mean.data as Float64Array, scatter: scatter.data as Float64Array };
        moments = mergeMoments(moments, part);
      }
      return moments;
    },
    dispose: () => compute.dispose(),
  };
}

/** Moments of features `[n, d]` at once. @throws RangeError for another shape */
export async function featureMoments(runtime: Runtime, features: NDArray): Promise<Moments> {
  const stream = momentsStream(runtime);
  try {
    return await stream.of(features);
  } finally {
    await stream.dispose();
  }
}
