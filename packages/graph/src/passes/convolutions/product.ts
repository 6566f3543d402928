import type { ConvGeometry } from '../../primitives.ts';
import { type Tensor, apply, constant } from '../../tensor.ts';
import {
  TO_CHANNELS_FIRST,
  TO_CHANNELS_LAST,
  TO_FILTERS_LAST,
  blockFilters,
  cropped,
  fromBlocks,
  sizes,
  transposed,
} from './layout.ts';

/**
 * Rows of an image by position: images `[n, c, h, w]` → `[n · positions, taps · c]`, where each of `indices` (positions × taps) is a pixel
 * h·w + … of the image, or −1 for a zero outside of it.
 */
function gatherPixels(x: Tensor, indices: Int32Array, positions: number): Tensor {
  const [n, c, h, w] = sizes(x);
  const rows = transposed(x, TO_CHANNELS_LAST).reshape([n, h * w, c]);
  const outside = indices.includes(-1);
  const padded = outside ? apply('pad', [rows], { low: [0, 0, 0], high: [0, 1, 0], interior: [0, 0, 0] }) : rows;
  const at = constant({ dtype: 'int32', shape: [indices.length], data: indices.map((i) => (i < 0 ? h * w : i)) });
  return apply('gather', [padded, at], { axis: 1 }).reshape([n * positions, (indices.length / positions) * c]);
}

/** For each output position and tap of a convolution, the pixel of the image under it, or −1. */
function windowPixels(
  image: readonly [number, number],
  output: readonly [number, number],
  kernel: readonly [number, number],
  g: ConvGeometry,
): Int32Array {
  const result = new Int32Array(output[0] * output[1] * kernel[0] * kernel[1]);
  let next = 0;
  for (let i = 0; i < output[0]; i++) {
    for (let j = 0; j < output[1]; j++) {
      for (let a = 0; a < kernel[0]; a++) {
        for (let b = 0; b < kernel[1]; b++) {
          const row = i * g.stride[0] + a * g.dilation[0] - g.padding[0];
          const column = j * g.stride[1] + b * g.dilation[1] - g.padding[1];
          const inside = row >= 0 && row < image[0] && column >= 0 && column < image[1];
          result[next++] = inside ? row * image[1] + column : -1;
        }
      }
    }
  }
  return result;
}

/** The columns of a convolution, `[n · positions, kh · kw · c]`: what its filters are multiplied with. */
function columns(
  x: Tensor,
  output: readonly [number, number],
  kernel: readonly [number, number],
  g: ConvGeometry,
): Tensor {
  const [, , h, w] = sizes(x);
  return gatherPixels(x, windowPixels([h, w], output, kernel, g), output[0] * output[1]);
}

/** A convolution as one matrix product over all images and positions. */
export function convAsProduct(node: Tensor<'conv2d'>): Tensor {
  const [x, w] = node.inputs as readonly [Tensor, Tensor];
  const [o, c, kh, kw] = sizes(w);
  const [n, , oh, ow] = sizes(node);
  const filters = transposed(w, TO_FILTERS_LAST).reshape([kh * kw * c, o]);
  const product = apply('matmul', [columns(x, [oh, ow], [kh, kw], node.attributes), filters], {});
  return transposed(product.reshape([n, oh, ow, o]), TO_CHANNELS_FIRST);
}

/** The filter gradient as one product of the convolution's columns, which the forward pass has at hand. */
export function filterGradAsProduct(node: Tensor<'conv2dFilterGrad'>): Tensor {
  const [x, y] = node.inputs as readonly [Tensor, Tensor];
  const [n, o, oh, ow] = sizes(y);
  const [, c, kh, kw] = sizes(node);
  const cols = transposed(columns(x, [oh, ow], [kh, kw], node.attributes), [1, 0]);
  const outputs = transposed(y, TO_CHANNELS_LAST).reshape([n * oh * ow, o]);
  return transposed(apply('matmul', [cols, outputs], {}).reshape([kh, kw, c, o]), [3, 2, 0, 1]);
}

/** For each block of s × s pixels of the full result and each of its taps, the output it sees, or −1. */
function blockPixels(output: readonly [number, number], taps: readonly [number, number]): Int32Array {
  const blocks = [output[0] + taps[0] - 1, output[1] + taps[1] - 1] as const;
  const result = new Int32Array(blocks[0] * blocks[1] * taps[0] * taps[1]);
  let next = 0;
  for (let i = 0; i < blocks[0]; i++) {
    for (let j = 0; j < blocks[1]; j++) {
      for (let p = 0; p < taps[0]; p++) {
        for (let q = 0; q < taps[1]; q++) {
          const [row, column] = [i - p, j - q];
          const inside = row >= 0 && row < output[0] && column >= 0 && column < output[1];
          result[next++] = inside ? row * output[1] + column : -1;
        }
      }
    }
  }
  return result;
}

/**
 * The input gradient as one product: the full result falls into blocks of stride × stride pixels, each a linear function of the same
 * ⌈k/s⌉ × ⌈k/s⌉ outputs. For dilation 1.
 */
export function inputGradAsProduct(node: Tensor<'conv2dInputGrad'>): Tensor {
  const [y, w] = node.inputs as readonly [Tensor, Tensor];
  const { stride, padding, size } = node.attributes;
  const [n, , oh, ow] = sizes(y);
  const [o, c, kh, kw] = sizes(w);
  const taps = [Math.ceil(kh / stride[0]), Math.ceil(kw / stride[1])] as const;
  const [bh, bw] = [oh + taps[0] - 1, ow + taps[1] - 1];
  const rows = gatherPixels(y, blockPixels([oh, ow], taps), bh * bw);
  const filters = blockFilters(w, stride, taps).reshape([taps[0] * taps[1] * o, stride[0] * stride[1] * c]);
  const product = apply('matmul', [rows, filters], {});
  const full = fromBlocks(product.reshape([n, bh, bw, stride[0] * stride[1] * c]), stride);
  return transposed(cropped(full, [padding[0], padding[1]], size), TO_CHANNELS_FIRST);
}
