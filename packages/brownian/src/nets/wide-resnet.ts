import {
  type NDArray,
  type Shape,
  type Tensor,
  conv2d,
  formatShape,
  full,
  gelu,
  matmul,
  sqrt,
  zeros,
} from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Params } from '../interfaces.ts';
import { normalFanIn } from './layers.ts';
import type { Layer } from './net.ts';

/** A weight-normalised convolution: filters g·v/‖v‖ with one length g per output channel (Salimans and Kingma 2016). */
interface Normed<T> {
  readonly v: T;
  readonly g: T;
  readonly b: T;
}

interface Block<T> {
  readonly first: Normed<T>;
  readonly second: Normed<T>;
  /** 1×1, where the shape changes. */
  readonly shortcut?: Normed<T>;
}

interface WideResNet<T> {
  readonly stem: Normed<T>;
  readonly blocks: readonly Block<T>[];
  /** A dense layer that sees every position, in the place of the mean over them. */
  readonly hidden?: { readonly w: T; readonly b: T };
  readonly head: { readonly w: T; readonly b: T };
}

/** Options of {@link wideResNet}. */
export interface WideResNetOptions {
  /** Channels of each resolution, the first that of the image; every further width halves it. */
  readonly widths: readonly number[];
  /** Residual blocks of each width. */
  readonly blocks: number;
  /**
   * Units of a dense layer with GELU that sees the last resolution whole; 0 takes the mean over its positions, as the original does.
   * Default 0.
   */
  readonly hidden?: number;
}

/** Widths for images of 28, 32 and 64 pixels: down to 7, 8 and 8. */
export const WIDE_RESNETS: Readonly<Record<28 | 32 | 64, WideResNetOptions>> = {
  28: { widths: [32, 64, 128], blocks: 2 },
  32: { widths: [64, 128, 256], blocks: 2 },
  64: { widths: [64, 128, 256, 256], blocks: 2 },
};

function normed(key: Stream, out: number, input: number, kernel: number): Normed<NDArray> {
  return { v: key.normal([out, input, kernel, kernel]), g: full([out], Math.SQRT2), b: zeros([out]) };
}

function convolve(x: Tensor, { v, g, b }: Normed<Tensor>, stride: number): Tensor {
  const length = sqrt(v.square().sum([1, 2, 3]));
  const kernel = v.shape[2] as number;
  return conv2d(x, v.mul(g.div(length).reshape([-1, 1, 1, 1])), { stride, padding: (kernel - 1) / 2, bias: b });
}

function block(x: Tensor, { first, second, shortcut }: Block<Tensor>, stride: number): Tensor {
  const active = gelu(x);
  const body = convolve(gelu(convolve(active, first, stride)), second, 1);
  return body.add(shortcut === undefined ? x : convolve(active, shortcut, stride));
}

/** The output: from all positions by the dense layer, or from their mean. */
function readOut(x: Tensor, { hidden, head }: Pick<WideResNet<Tensor>, 'hidden' | 'head'>): Tensor {
  const seen =
    hidden === undefined ? x.mean([2, 3]) : gelu(matmul(x.reshape([x.shape[0] as number, -1]), hidden.w).add(hidden.b));
  return matmul(seen, head.w).add(head.b);
}

/** Positions of an image after so many halvings. */
function positionsLeft([, height = 1, width = 1]: Shape, halvings: number): number {
  const halved = (size: number): number =>
    Array.from({ length: halvings }).reduce<number>((n) => Math.ceil(n / 2), size);
  return halved(height) * halved(width);
}

/** What comes after the blocks: a dense layer over all positions, if there is to be one, and the output. */
function ending(
  key: Stream,
  hidden: number,
  last: number,
  positions: number,
): Pick<WideResNet<NDArray>, 'hidden' | 'head'> {
  const features = hidden > 0 ? hidden : last;
  return {
    ...(hidden > 0 && {
      hidden: { w: normalFanIn(key.split('hidden'), [positions, hidden], positions) as NDArray, b: zeros([hidden]) },
    }),
    head: { w: normalFanIn(key.split('head'), [features, 1], features, 1) as NDArray, b: zeros([1]) },
  };
}

/**
 * A wide residual net with one output: pre-activation residual blocks with GELU and weight normalisation, the mean over pixels (or
 * a dense layer that sees all), a dense layer. `[n, channels, h, w] → [n, 1]` (Zagoruyko and Komodakis 2016; VAPO, appendix on networks).
 */
export function wideResNet({ widths, blocks, hidden = 0 }: WideResNetOptions): Layer {
  const [first] = widths;
  const last = widths.at(-1);
  if (first === undefined || last === undefined || blocks < 1)
    throw new RangeError(
      `wideResNet: needs at least one width and one block of each, got ${widths.length} widths and ${blocks} blocks.`,
    );
  const channels = widths.flatMap((width, level) =>
    Array.from({ length: blocks }, (_, i) => ({
      width,
      before: i > 0 ? width : (widths[level - 1] ?? first),
      level,
      i,
    })),
  );
  const halves = channels.map(({ level, i }) => level > 0 && i === 0);
  return (inputShape: Shape) => {
    if (inputShape.length !== 3)
      throw new RangeError(
        `wideResNet: inputs must be images [channels, height, width], got ${formatShape(inputShape)}.`,
      );
    const [colors] = inputShape as readonly [number];
    const positions = last * positionsLeft(inputShape, widths.length - 1);
    return {
      inputShape,
      outputShape: [1],
      init: (key) => {
        const net: WideResNet<NDArray> = {
          stem: normed(key.split('stem'), first, colors, 3),
          blocks: channels.map(({ width, before }, k) => {
            const at = key.split(k);
            const body = {
              first: normed(at.split('first'), width, before, 3),
              second: normed(at.split('second'), width, width, 3),
            };
            return halves[k] === true
              ? Object.assign(body, { shortcut: normed(at.split('shortcut'), width, before, 1) })
              : body;
          }),
          ...ending(key, hidden, last, positions),
        };
        return net as unknown as Params;
      },
      apply: (params, x) => {
        const net = params as unknown as WideResNet<Tensor>;
        const trunk = net.blocks.reduce(
          (h, parts, k) => block(h, parts, halves[k] === true ? 2 : 1),
          convolve(x, net.stem, 1),
        );
        return readOut(gelu(trunk), net);
      },
    };
  };
}
