import { type NDArray, type Tensor, constant, formatShape, matmul, ndarray, transpose } from '@brownian/graph';

/** How {@link resize} interpolates. */
export interface ResizeOptions {
  /**
   * When shrinking, average over all pixels that a new one covers, with a triangle as wide as two of them, as Pillow does; without
   * it only the nearest two of each axis count and fine patterns alias. Growing is the same either way. Default true.
   */
  readonly antialias?: boolean;
}

/** Weights `[to, from]`, float64, of bilinear interpolation along one axis; pixel centres at halves, borders repeat. */
export function bilinearWeights(from: number, to: number, antialias: boolean): NDArray {
  const scale = from / to;
  const support = antialias ? Math.max(scale, 1) : 1;
  const matrix = new Float64Array(to * from);
  for (let i = 0; i < to; i++) {
    const centre = Math.min(Math.max((i + 0.5) * scale, 0.5), from - 0.5);
    const row = matrix.subarray(i * from, (i + 1) * from);
    row.forEach((_, j) => (row[j] = Math.max(0, 1 - Math.abs(j + 0.5 - centre) / support)));
    const total = row.reduce((a, b) => a + b, 0);
    row.forEach((weight, j) => (row[j] = weight / total));
  }
  return ndarray(matrix, [to, from]);
}

/**
 * Images in another size by bilinear interpolation, as two matrix products; differentiable.
 *
 * @param x `[n, channels, height, width]`
 * @param size new height and width
 * @throws RangeError for another shape, or a size that is not of positive integers
 */
export function resize(
  x: Tensor,
  size: readonly [height: number, width: number],
  { antialias = true }: ResizeOptions = {},
): Tensor {
  const [, , height, width] = x.shape;
  if (x.shape.length !== 4 || height === undefined || width === undefined)
    throw new RangeError(`resize takes images [n, channels, height, width], got ${formatShape(x.shape)}.`);
  if (!size.every((axis) => Number.isInteger(axis) && axis > 0))
    throw new RangeError(`resize takes a size of two positive integers, got ${formatShape(size)}.`);
  if (height === size[0] && width === size[1]) return x;
  const across = matmul(x, transpose(constant(bilinearWeights(width, size[1], antialias))));
  return matmul(constant(bilinearWeights(height, size[0], antialias)), across);
}
