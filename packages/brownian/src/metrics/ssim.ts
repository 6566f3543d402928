import { type NDArray, type Tensor, constant, formatShape, matmul, ndarray, transpose } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { checkPairs } from './rows.ts';

const WINDOW = 11;
const SIGMA = 1.5;
const [K1, K2] = [0.01, 0.03];

/** Rows of Gaussian weights `[size − 10, size]`: times a column of pixels, its smoothed interior. */
function smoothing(size: number): NDArray {
  const weights = Float64Array.from({ length: WINDOW }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * SIGMA ** 2)));
  const total = weights.reduce((a, b) => a + b, 0);
  const rows = size - WINDOW + 1;
  const matrix = new Float64Array(rows * size);
  for (let i = 0; i < rows; i++) weights.forEach((weight, k) => (matrix[i * size + i + k] = weight / total));
  return ndarray(matrix, [rows, size]);
}

/** SSIM of each of `[n, height, width]` planes. The window is separable, so each smoothing is two matrix products. */
function similarity(x: Tensor, y: Tensor, range: number): Tensor {
  const [, height, width] = x.shape as readonly [number, number, number];
  const [down, across] = [constant(smoothing(height)), transpose(constant(smoothing(width)))];
  const smooth = (image: Tensor): Tensor => matmul(down, matmul(image, across));
  const [meanX, meanY] = [smooth(x), smooth(y)];
  const varianceX = smooth(x.square()).sub(meanX.square());
  const varianceY = smooth(y.square()).sub(meanY.square());
  const covariance = smooth(x.mul(y)).sub(meanX.mul(meanY));
  const [c1, c2] = [(K1 * range) ** 2, (K2 * range) ** 2];
  const luminance = meanX.mul(meanY).mul(2).add(c1).div(meanX.square().add(meanY.square()).add(c1));
  const structure = covariance.mul(2).add(c2).div(varianceX.add(varianceY).add(c2));
  return luminance.mul(structure).mean([1, 2]);
}

/**
 * Structural similarity (Wang et al. 2004, equation 13) of each image with its reference: an 11×11 Gaussian window of standard
 * deviation 1.5, population covariances, K₁ = .01, K₂ = .03, averaged over the positions at which the window lies within the
 * image, and over channels. In double precision.
 *
 * @param x `[n, height, width]` or `[n, channels, height, width]`, at least 11×11 pixels
 * @param reference of the same shape, image by image
 * @param range difference between the largest and smallest value a pixel can have: 2 for images in [-1, 1]
 * @returns `[n]`, 1 for equal images
 * @throws RangeError when the shapes differ, the images are too small, or the range is not positive
 */
export async function structuralSimilarity(
  runtime: Runtime,
  x: NDArray,
  reference: NDArray,
  range = 2,
): Promise<Float64Array> {
  const n = checkPairs('SSIM', x, reference);
  const [height = 0, width = 0] = x.shape.slice(-2);
  if (x.shape.length < 3 || x.shape.length > 4 || Math.min(height, width) < WINDOW) {
    throw new RangeError(`SSIM takes images of at least ${WINDOW}×${WINDOW} pixels, got ${formatShape(x.shape)}.`);
  }
  if (!(range > 0)) throw new RangeError(`The range of SSIM must be positive, got ${range}.`);
  const planes = (image: Tensor): Tensor => image.reshape([-1, height, width]);
  const compute = runtime.compile(
    (a: Tensor, b: Tensor) => similarity(planes(a), planes(b), range).reshape([n, -1]).mean(1),
    { name: 'SSIM', precision: 'double' },
  );
  try {
    return (await compute(x, reference)).data as Float64Array;
  } finally {
    await compute.dispose();
  }
}
