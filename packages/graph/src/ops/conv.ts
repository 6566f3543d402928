import type { ConvGeometry, PoolGeometry } from '../primitives.ts';
import { ShapeError, convOutput } from '../rules/shape.ts';
import { type Tensor, apply, constant } from '../tensor.ts';
import { full } from '../ndarray.ts';
import { formatShape } from '../types.ts';

/** One number for both axes, or height and width. */
export type Pair = number | readonly [number, number];

/** Options of convolutions; all in pixels. */
export interface ConvOptions {
  /** Default 1. */
  readonly stride?: Pair;
  /** Zeros around the image: one number, [height, width], or [top, left, bottom, right]. Default 0. */
  readonly padding?: Pair | readonly [number, number, number, number];
  /** Default 1. */
  readonly dilation?: Pair;
  /** `[channels]`, added to every pixel. */
  readonly bias?: Tensor;
}

function pair(value: Pair): readonly [number, number] {
  return typeof value === 'number' ? [value, value] : value;
}

function paddings(value: Pair | readonly [number, number, number, number]): readonly [number, number, number, number] {
  if (typeof value === 'number') return [value, value, value, value];
  return value.length === 4 ? value : [value[0], value[1], value[0], value[1]];
}

function geometry({ stride = 1, padding = 0, dilation = 1 }: ConvOptions): ConvGeometry {
  return { stride: pair(stride), padding: paddings(padding), dilation: pair(dilation) };
}

function withBias(y: Tensor, bias: Tensor | undefined): Tensor {
  return bias === undefined ? y : y.add(bias.reshape([-1, 1, 1]));
}

/**
 * Cross-correlation of images with filters, as deep-learning libraries call convolution.
 *
 * @param x images `[n, c, h, w]`
 * @param w filters `[o, c, kh, kw]`
 * @returns `[n, o, h', w']`
 */
export function conv2d(x: Tensor, w: Tensor, options: ConvOptions = {}): Tensor {
  return withBias(apply('conv2d', [x, w], geometry(options)), options.bias);
}

/**
 * Transposed convolution: the adjoint of {@link conv2d} with the same filters.
 *
 * @param x images `[n, c, h, w]`
 * @param w filters `[c, o, kh, kw]`
 * @param options `outputPadding`: extra rows and columns at the bottom right, less than the stride
 * @returns `[n, o, (h−1)·stride − padding + dilation·(kh−1) + 1 + outputPadding, …]`
 */
export function convTranspose2d(
  x: Tensor,
  w: Tensor,
  options: ConvOptions & { readonly outputPadding?: Pair } = {},
): Tensor {
  if (x.shape.length !== 4 || w.shape.length !== 4) {
    throw new ShapeError(
      `convTranspose2d: images and filters need four axes (got [${x.shape.join(', ')}] and [${w.shape.join(', ')}])`,
    );
  }
  const g = geometry(options);
  const extra = pair(options.outputPadding ?? 0);
  const size = [0, 1].map((i) => {
    const [input, kernel] = [x.shape[2 + i] as number, w.shape[2 + i] as number];
    const [stride, dilation] = [g.stride[i] as number, g.dilation[i] as number];
    const around = (g.padding[i] as number) + (g.padding[i + 2] as number);
    return (input - 1) * stride - around + dilation * (kernel - 1) + 1 + (extra[i] as number);
  }) as [number, number];
  return withBias(apply('conv2dInputGrad', [x, w], { ...g, size }), options.bias);
}

/** Options of pooling, in pixels. */
export interface PoolOptions {
  readonly kernel: Pair;
  /** Default: the kernel, so that windows do not overlap. */
  readonly stride?: Pair;
  readonly padding?: Pair | readonly [number, number, number, number];
}

function poolGeometry({ kernel, stride = kernel, padding = 0 }: PoolOptions): PoolGeometry {
  return { kernel: pair(kernel), stride: pair(stride), padding: paddings(padding) };
}

/** Largest value of each window of images `[n, c, h, w]`; the first of equal ones takes the derivative. */
export function maxPool2d(x: Tensor, options: PoolOptions): Tensor {
  return apply('maxPool', [x], poolGeometry(options));
}

/** `[n, c, h, w]` of images. @throws ShapeError naming the caller's operation */
function imageShape(x: Tensor, operation: string): readonly [number, number, number, number] {
  if (x.shape.length !== 4)
    throw new ShapeError(`${operation}: images need four axes (got ${x.dtype}${formatShape(x.shape)})`);
  return x.shape as unknown as readonly [number, number, number, number];
}

/** Mean of each window of images `[n, c, h, w]`, counting padded zeros. */
export function avgPool2d(x: Tensor, options: PoolOptions): Tensor {
  const { kernel, stride, padding } = poolGeometry(options);
  const [n, c, h, w] = imageShape(x, 'avgPool2d');
  const [kh, kw] = kernel;
  const tiles = stride[0] === kh && stride[1] === kw && padding.every((p) => p === 0) && h % kh === 0 && w % kw === 0;
  if (tiles) return x.reshape([n, c, h / kh, kh, w / kw, kw]).mean([3, 5]);
  const mean = constant(full([1, 1, kh, kw], 1 / (kh * kw)));
  const [oh, ow] = convOutput([h, w], kernel, { stride, padding, dilation: [1, 1] });
  return apply('conv2d', [x.reshape([n * c, 1, h, w]), mean], { stride, padding, dilation: [1, 1] }).reshape([
    n,
    c,
    oh,
    ow,
  ]);
}

/** Mean over all pixels: `[n, c, h, w] → [n, c]`. */
export function globalAvgPool2d(x: Tensor): Tensor {
  imageShape(x, 'globalAvgPool2d');
  return x.mean([2, 3]);
}

/** Each pixel repeated `scale` times along both axes. */
export function upsampleNearest2d(x: Tensor, scale: Pair): Tensor {
  const [sh, sw] = pair(scale);
  const [n, c, h, w] = imageShape(x, 'upsampleNearest2d');
  const spread = apply('expand', [x.reshape([n, c, h, 1, w, 1])], { shape: [n, c, h, sh, w, sw] });
  return spread.reshape([n, c, h * sh, w * sw]);
}
