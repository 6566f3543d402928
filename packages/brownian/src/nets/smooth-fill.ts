import { type Tensor, clip, constant, conv2d, full, ndarray, operand, slice, upsampleNearest2d } from '@brownian/graph';

/** Sweeps of each scale towards the mean of neighbours. */
const SWEEPS = 3;

/** Applies a filter of one channel to each channel of `[n, c, h, w]`. */
function eachChannel(x: Tensor, filter: (planes: Tensor) => Tensor): Tensor {
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const y = filter(x.reshape([n * c, 1, h, w]));
  return y.reshape([n, c, ...y.shape.slice(2)]);
}

/** Sums of blocks of 2×2 pixels; an odd row or column is a block with nothing. */
function blockSums(x: Tensor): Tensor {
  const [h, w] = x.shape.slice(2) as [number, number];
  const ones = constant(full([1, 1, 2, 2], 1));
  return eachChannel(x, (planes) => conv2d(planes, ones, { stride: 2, padding: [0, 0, h % 2, w % 2] }));
}

const CROSS = [0, 1, 0, 1, 0, 1, 0, 1, 0];

/** The mean of the four neighbours of each pixel, of those that there are. */
function neighbourMeans(x: Tensor): Tensor {
  const [h, w] = x.shape.slice(2) as [number, number];
  const cross = constant(ndarray(CROSS, [1, 1, 3, 3]));
  const shares = Float32Array.from({ length: h * w }, (_, i) => {
    const [row, column] = [Math.floor(i / w), i % w];
    return 1 / ([row > 0, row < h - 1, column > 0, column < w - 1].filter(Boolean).length || 1);
  });
  return eachChannel(x, (planes) => conv2d(planes, cross, { padding: 1 })).mul(constant(ndarray(shares, [1, 1, h, w])));
}

/**
 * Images whose missing pixels continue the known ones smoothly, from the coarsest scale to the finest: near the solution of the discrete Laplace equation
 * that `harmonicFill` finds, at the cost of a few convolutions and inside a graph. At each scale missing pixels begin at those of half its size, whose
 * known pixels are means of known ones, and are replaced three times by the mean of their neighbours. Where nothing is known it is 0.
 *
 * @param x images times their mask, `[n, channels, h, w]`
 * @param known 1 where a pixel is known, 0 where it is missing, `[n, 1, h, w]`
 * @returns `[n, channels, h, w]`
 */
export function smoothFill(x: Tensor, known: Tensor): Tensor {
  const [h, w] = x.shape.slice(2) as [number, number];
  if (Math.max(h, w) === 1) return x;
  const counts = blockSums(known);
  const coarse = smoothFill(blockSums(x).div(clip(counts, 1, 4)), clip(counts, 0, 1));
  const missing = operand(1).sub(known);
  const larger = slice(upsampleNearest2d(coarse, 2), [undefined, undefined, [0, h], [0, w]]);
  let filled = x.add(larger.mul(missing));
  for (let i = 0; i < SWEEPS; i++) filled = x.add(neighbourMeans(filled).mul(missing));
  return filled;
}
