import { type NDArray, type Tree, float32Data, formatShape, ndarray, sameShape } from '@brownian/graph';
import type { Learner } from '../interfaces.ts';

/** How latents between two others are found. */
export type LatentPath = 'linear' | 'spherical';

/** Latents with every coordinate within [−1, 1], as generalised GCN has the ends of its paths (section 5.6). */
export function clipLatents(z: NDArray): NDArray {
  return { ...z, data: float32Data(z).map((value) => Math.min(1, Math.max(-1, value))) };
}

/** Weights of two ends at a point of the way: those of the chord, or of the arc between them. */
function weightsAt(a: Float32Array, b: Float32Array, t: number, path: LatentPath): readonly [number, number] {
  const dot = (p: Float32Array, q: Float32Array): number =>
    p.reduce((sum, value, i) => sum + value * (q[i] as number), 0);
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  // Ends in one direction, or at zero, have no arc between them; opposite ones have many.
  if (path === 'linear' || !(Math.sin(angle) > 1e-6)) return [1 - t, t];
  return [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
}

/**
 * Latents on the way from one to another, both ends included: ζ_c = ζ₀ + (c/C)(ζ − ζ₀), or along a great circle (Shoemake 1985). Weights of labels
 * lie on no sphere: they go along the chord, where they sum to 1, and count nothing towards the angle of the arc.
 *
 * @param from `[rows, ...latent]`
 * @param to `[rows, ...latent]`
 * @param midpoints latents between the two ends
 * @param labelWeights how many of the last values of a latent are weights of labels; default 0
 * @returns `[rows · (midpoints + 2), ...latent]`, row by row
 * @throws RangeError when the ends are of different shapes
 */
export function latentPath(from: NDArray, to: NDArray, midpoints: number, path: LatentPath, labelWeights = 0): NDArray {
  if (!sameShape(from.shape, to.shape))
    throw new RangeError(`The ends of a path have the shapes ${formatShape(from.shape)} and ${formatShape(to.shape)}.`);
  const [rows = 0, ...item] = from.shape;
  const size = from.data.length / Math.max(1, rows);
  const noise = size - labelWeights;
  const points = midpoints + 2;
  const [starts, ends] = [float32Data(from), float32Data(to)];
  const out = new Float32Array(rows * points * size);
  for (let row = 0; row < rows; row++) {
    const [a, b] = [starts.subarray(row * size, (row + 1) * size), ends.subarray(row * size, (row + 1) * size)];
    for (let point = 0; point < points; point++) {
      const t = point / (points - 1);
      const [u, v] = weightsAt(a.subarray(0, noise), b.subarray(0, noise), t, path);
      const at = (row * points + point) * size;
      a.forEach((value, i) => (out[at + i] = (i < noise ? u : 1 - t) * value + (i < noise ? v : t) * (b[i] as number)));
    }
  }
  return ndarray(out, [rows * points, ...item]);
}

/** Two latents per row, and how to go from one to the other. */
export interface Interpolation {
  /** `[rows, ...latent]` */
  readonly from: NDArray;
  /** `[rows, ...latent]` */
  readonly to: NDArray;
  /** Items between the ends of a row. Default 8, as Fig. 14 of generalised GCN shows. */
  readonly midpoints?: number;
  /** Default: that of the model. */
  readonly path?: LatentPath;
}

/**
 * Items on the way from some latents to others, both ends included.
 *
 * @returns `[rows · (midpoints + 2), ...item]`, row by row
 * @throws RangeError when the model has no latents
 */
export async function interpolate(
  learner: Learner,
  state: Tree<NDArray>,
  { from, to, midpoints = 8, path }: Interpolation,
): Promise<NDArray> {
  const { latent } = learner;
  if (latent === undefined) throw new RangeError(`${learner.name} cannot interpolate: its samples have no latents.`);
  return await latent.decode(state, latentPath(from, to, midpoints, path ?? latent.path, latent.labelWeights));
}

/** How evenly a row of items changes from one to the next. */
export interface Smoothness {
  /** Distances between neighbours, root mean square over an item's values. */
  readonly steps: readonly number[];
  /** Largest step over the median step: 1 when all are equal, much more where something jumps; infinite when most steps are 0. */
  readonly ratio: number;
}

/** The smoothness of each row of items `[rows · points, ...item]`. @throws RangeError when rows have fewer than two items */
export function smoothness(items: NDArray, points: number): Smoothness[] {
  const rows = (items.shape[0] as number) / points;
  if (points < 2 || !Number.isInteger(rows))
    throw new RangeError(`${items.shape[0]} items are no rows of ${points}; a row has at least 2.`);
  const values = float32Data(items);
  const size = values.length / (rows * points);
  return Array.from({ length: rows }, (_, row) => {
    const steps = Array.from({ length: points - 1 }, (__, point) => {
      const at = (row * points + point) * size;
      let sum = 0;
      for (let i = 0; i < size; i++) sum += ((values[at + size + i] as number) - (values[at + i] as number)) ** 2;
      return Math.sqrt(sum / size);
    });
    const sorted = steps.toSorted((a, b) => a - b);
    const middle = sorted.length / 2;
    const median = ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2;
    const largest = sorted.at(-1) as number;
    return { steps, ratio: largest === 0 ? 1 : largest / median };
  });
}
