import type { ConvGeometry } from '../primitives.ts';
import type { Tensor } from '../tensor.ts';
import type { Lowering } from './lowering.ts';
import type { OnnxAttribute } from './model.ts';
import type { LoweringRule } from './rules.ts';
import { transpose } from './transpose.ts';

/** ONNX Runtime's own operators on images in blocks of channels, `[n, c/B, h, w, B]`. It keeps them to itself: probe before use. */
const DOMAIN = 'com.microsoft.nchwc';

type Four = readonly [number, number, number, number];

function attributes(
  { stride, padding, dilation }: ConvGeometry,
  kernel: readonly number[],
): Record<string, OnnxAttribute> {
  return { kernel_shape: kernel, strides: stride, pads: padding, dilations: dilation };
}

/**
 * Filters `[kh, kw, c, o]` in the order of the blocked operator: blocks of outputs, then of inputs, then taps, then the inputs and
 * outputs inside of a block. Outputs are filled up with zeros.
 */
function blockedFilters(to: Lowering, w: string, [kh, kw, c, o]: Four, filled: number, block: number): string {
  const { onnx } = to;
  const whole = onnx.pad(w, [0, 0, 0, 0], [0, 0, 0, filled - o]);
  const split = [kh * kw, c / block, block, filled / block, block];
  const moved = transpose(to, onnx.reshape(whole, split), split, [3, 1, 0, 2, 4]);
  return onnx.reshape(moved, [filled, c, kh, kw]);
}

/** The same for images of fewer channels than a block has, which stay as they are: only the outputs come in blocks. */
function thinFilters(to: Lowering, w: string, [kh, kw, c, o]: Four, filled: number, block: number): string {
  const { onnx } = to;
  const split = [kh * kw, c, filled / block, block];
  const whole = onnx.pad(w, [0, 0, 0, 0], [0, 0, 0, filled - o]);
  const moved = transpose(to, onnx.reshape(whole, split), split, [2, 1, 0, 3]);
  return onnx.reshape(moved, [filled, c, kh, kw]);
}

/** In blocks where the target has them and the inputs are whole blocks or less than one; else as Conv between transposes. */
export const lowerConv2dChannelsLast: LoweringRule<'conv2dChannelsLast'> = (to, node, [x, w, bias]) => {
  const { onnx, blockSize } = to;
  const image = (node.inputs[0] as Tensor).shape;
  const filters = (node.inputs[1] as Tensor).shape as unknown as Four;
  const [kh, kw, c, o] = filters;
  const geometry = attributes(node.attributes, [kh, kw]);
  if (blockSize === undefined || (c > blockSize && c % blockSize !== 0)) {
    const [n, rows, columns] = node.shape as Four;
    const images = transpose(to, x as string, image, [0, 3, 1, 2]);
    const flat = transpose(to, w as string, filters, [3, 2, 0, 1]);
    const y = onnx.node('Conv', [images, flat, ...(bias === undefined ? [] : [bias])], geometry);
    return transpose(to, y, [n, o, rows, columns], [0, 2, 3, 1]);
  }
  const filled = Math.ceil(o / blockSize) * blockSize;
  const operands =
    c < blockSize
      ? [transpose(to, x as string, image, [0, 3, 1, 2]), thinFilters(to, w as string, filters, filled, blockSize)]
      : [
          onnx.node('ReorderInput', [x as string], { channels_last: 1 }, DOMAIN),
          blockedFilters(to, w as string, filters, filled, blockSize),
        ];
  if (bias !== undefined) operands.push(onnx.pad(bias, [0], [filled - o]));
  const y = onnx.node('Conv', operands, geometry, DOMAIN);
  return onnx.node('ReorderOutput', [y], { channels: o, channels_last: 1 }, DOMAIN);
};
