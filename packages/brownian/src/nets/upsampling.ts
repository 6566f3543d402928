import { type Shape, convTranspose2d, formatShape, sizeOf, upsampleNearest2d, zeros } from '@brownian/graph';
import { type Padding, imageShape, normalFanIn, sides } from './layers.ts';
import type { Layer } from './net.ts';

/** Options of {@link deconv}. */
export interface DeconvLayerOptions {
  readonly channels: number;
  readonly kernel: number;
  /** Default 1. */
  readonly stride?: number;
  /** What the convolution that this is the adjoint of pads. Default 0. */
  readonly padding?: Padding;
  /** Extra rows and columns at the bottom right, less than the stride. Default 0. */
  readonly outputPadding?: number;
}

/** Transposed convolution with bias: parameters `w [in, channels, kernel, kernel]` and `b [channels]`. */
export function deconv({ channels, kernel, stride = 1, padding = 0, outputPadding = 0 }: DeconvLayerOptions): Layer {
  return (inputShape) => {
    const [c, h, w] = imageShape(inputShape, 'deconv');
    const [top, left, bottom, right] = sides(padding);
    const size = (pixels: number, around: number): number => (pixels - 1) * stride - around + kernel + outputPadding;
    const [height, width] = [size(h, top + bottom), size(w, left + right)];
    if (height < 1 || width < 1)
      throw new RangeError(
        `deconv: images of ${h}×${w} leave nothing of a ${kernel}×${kernel} kernel that is cut off.`,
      );
    return {
      inputShape,
      outputShape: [channels, height, width],
      init: (key) => ({
        // Strides spread the kernel's taps over as many output pixels.
        w: normalFanIn(key.split('w'), [c, channels, kernel, kernel], (c * kernel * kernel) / (stride * stride)),
        b: zeros([channels]),
      }),
      apply: (params, x) => {
        const { w: filters, b } = params as { w: typeof x; b: typeof x };
        return convTranspose2d(x, filters, { stride, padding: [top, left, bottom, right], outputPadding, bias: b });
      },
    };
  };
}

/** Flat inputs in another shape of the same size, such as latents as images of one pixel. */
export function unflatten(shape: Shape): Layer {
  return (inputShape) => {
    if (inputShape.length !== 1 || sizeOf(inputShape) !== sizeOf(shape))
      throw new RangeError(
        `unflatten: ${formatShape(shape)} needs ${sizeOf(shape)} values, inputs have the shape ${formatShape(inputShape)}.`,
      );
    return {
      inputShape,
      outputShape: shape,
      init: () => [],
      apply: (_, x) => x.reshape([x.shape[0] as number, ...shape]),
    };
  };
}

/** Each pixel repeated `scale` times along both axes. */
export function upsample(scale: number): Layer {
  return (inputShape) => {
    const [c, h, w] = imageShape(inputShape, 'upsample');
    return {
      inputShape,
      outputShape: [c, scale * h, scale * w],
      init: () => [],
      apply: (_, x) => upsampleNearest2d(x, scale),
    };
  };
}
