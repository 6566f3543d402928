import {
  type Pair,
  type Shape,
  type Tensor,
  convOutput,
  conv2d,
  formatShape,
  full,
  groupNorm,
  matmul,
  maxPool2d,
  zeros,
} from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Params } from '../interfaces.ts';
import type { Layer } from './net.ts';

/** A layer without parameters. */
export function pointwise(f: (x: Tensor) => Tensor): Layer {
  return (inputShape) => ({ inputShape, outputShape: inputShape, init: () => [], apply: (_, x) => f(x) });
}

/**
 * Weights drawn from N(0, gain/fanIn). A gain of 2 keeps the size of activations through layers that zero about half of them
 * (He et al. 2015).
 */
export function normalFanIn(key: Stream, shape: Shape, fanIn: number, gain = 2): Params {
  const std = Math.sqrt(gain / fanIn);
  const draws = key.normal(shape);
  return { ...draws, data: (draws.data as Float32Array).map((v) => v * std) };
}

type Weights = { readonly w: Tensor; readonly b: Tensor };

/** Zeros around an image, in pixels: on every side, or `[top, left, bottom, right]`. */
export type Padding = number | readonly [number, number, number, number];

/** Padding of every side by itself. */
export function sides(padding: Padding): readonly [number, number, number, number] {
  return typeof padding === 'number' ? [padding, padding, padding, padding] : padding;
}

/** Options of {@link conv}. */
export interface ConvLayerOptions {
  readonly channels: number;
  readonly kernel: number;
  /** Default 1. */
  readonly stride?: number;
  /** Default: half of kernel − 1, rounded up. */
  readonly padding?: Padding;
}

/** Convolution with bias: parameters `w [channels, in, kernel, kernel]` and `b [channels]`. */
export function conv({ channels, kernel, stride = 1, padding = Math.floor(kernel / 2) }: ConvLayerOptions): Layer {
  return (inputShape) => {
    const [c, h, w] = imageShape(inputShape, 'conv');
    const around = sides(padding);
    const [oh, ow] = convOutput([h, w], [kernel, kernel], {
      stride: [stride, stride],
      padding: around,
      dilation: [1, 1],
    });
    if (oh < 1 || ow < 1)
      throw new RangeError(
        `conv: a ${kernel}×${kernel} kernel does not fit images of ${h}×${w} with padding ${around.join(', ')}.`,
      );
    return {
      inputShape,
      outputShape: [channels, oh, ow],
      init: (key) => ({
        w: normalFanIn(key.split('w'), [channels, c, kernel, kernel], c * kernel * kernel),
        b: zeros([channels]),
      }),
      apply: (params, x) => {
        const { w: filters, b } = params as Weights;
        return conv2d(x, filters, { stride, padding: around, bias: b });
      },
    };
  };
}

/** Affine map of flat inputs: parameters `w [in, units]` and `b [units]`. */
export function dense(units: number): Layer {
  return (inputShape) => {
    const [features] = inputShape as readonly [number];
    if (inputShape.length !== 1)
      throw new RangeError(`dense: inputs must be flat, got ${formatShape(inputShape)}; put flatten() before it.`);
    return {
      inputShape,
      outputShape: [units],
      init: (key) => ({ w: normalFanIn(key.split('w'), [features, units], features), b: zeros([units]) }),
      apply: (params, x) => {
        const { w, b } = params as Weights;
        return matmul(x, w).add(b);
      },
    };
  };
}

/** All axes but the batch made one. */
export function flatten(): Layer {
  return (inputShape) => {
    const size = inputShape.reduce((a, b) => a * b, 1);
    return {
      inputShape,
      outputShape: [size],
      init: () => [],
      apply: (_, x) => x.reshape([x.shape[0] as number, size]),
    };
  };
}

/** Max pooling over windows that tile the image. */
export function pool(kernel: Pair): Layer {
  return (inputShape) => {
    const [kh, kw] = typeof kernel === 'number' ? [kernel, kernel] : kernel;
    const [c, h, w] = imageShape(inputShape, 'pool');
    if (kh > h || kw > w) throw new RangeError(`pool: a ${kh}×${kw} window does not fit images of ${h}×${w}.`);
    return {
      inputShape,
      outputShape: [c, Math.floor(h / kh), Math.floor(w / kw)],
      init: () => [],
      apply: (_, x) => maxPool2d(x, { kernel }),
    };
  };
}

/** Channels of a group of {@link normaliseImages}. */
const GROUP = 8;

/** Each image of `[n, channels, h, w]` normalised by itself, over groups of 8 channels, or one group where they do not divide (Wu and He 2018). */
export function normaliseImages(x: Tensor, affine: { readonly scale: Tensor; readonly shift: Tensor }): Tensor {
  const channels = x.shape[1] as number;
  return groupNorm(x, channels % GROUP === 0 ? channels / GROUP : 1, affine);
}

/**
 * {@link normaliseImages} as a layer: parameters `scale` and `shift`, `[channels]`. In the place of batch normalisation where an item must not depend
 * on the others of its batch, as particles must not.
 */
export function normalise(): Layer {
  return (inputShape) => {
    const [channels] = imageShape(inputShape, 'normalise');
    return {
      inputShape,
      outputShape: inputShape,
      init: () => ({ scale: full([channels], 1), shift: zeros([channels]) }),
      apply: (params, x) => normaliseImages(x, params as { scale: Tensor; shift: Tensor }),
    };
  };
}

/** Channels, height and width. @throws RangeError naming the layer when items are no images */
export function imageShape(shape: Shape, layer: string): readonly [number, number, number] {
  if (shape.length !== 3)
    throw new RangeError(`${layer}: inputs must be images [channels, height, width], got ${formatShape(shape)}.`);
  return shape as unknown as readonly [number, number, number];
}
