import { type NDArray, type Tensor, conv2d, full, gelu, matmul, sqrt, zeros } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Params, SymbolicParams } from 'brownian';
import { scaled } from '../data.ts';

/** A weight-normalised convolution: filters g·v/‖v‖ with one length g per output channel. */
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
  readonly head: { readonly w: T; readonly b: T };
}

function normed(out: number, input: number, kernel: number, draw: Stream): Normed<NDArray> {
  const v = draw.normal([out, input, kernel, kernel]);
  return { v, g: full([out], Math.SQRT2), b: zeros([out]) };
}

/** Parameters of a residual net for 3-channel images: `blocks` blocks of each width, halving the image between widths. */
export function wideResNetParams(widths: readonly number[], blocks: number, draw: Stream): Params {
  const channels = widths.flatMap((width) => Array<number>(blocks).fill(width));
  const first = widths[0] as number;
  const last = widths.at(-1) as number;
  const net: WideResNet<NDArray> = {
    stem: normed(first, 3, 3, draw),
    blocks: channels.map((width, i) => {
      const before = channels[i - 1] ?? first;
      const body = { first: normed(width, before, 3, draw), second: normed(width, width, 3, draw) };
      return before === width ? body : Object.assign(body, { shortcut: normed(width, before, 1, draw) });
    }),
    head: { w: scaled(draw.normal([last, 1]), 1 / Math.sqrt(last)), b: zeros([1]) },
  };
  return net as unknown as Params;
}

function convolve(x: Tensor, { v, g, b }: Normed<Tensor>, stride: number): Tensor {
  const length = sqrt(v.square().sum([1, 2, 3]));
  const kernel = v.shape[2] as number;
  return conv2d(x, v.mul(g.div(length).reshape([-1, 1, 1, 1])), { stride, padding: (kernel - 1) / 2, bias: b });
}

/** Φ of images `[n, 3, h, w]` → `[n]`: pre-activation residual blocks with GELU, mean over pixels, a dense layer. No time input. */
export function wideResNet(params: SymbolicParams, x: Tensor): Tensor {
  const { stem, blocks, head } = params as unknown as WideResNet<Tensor>;
  const trunk = blocks.reduce(
    (h, { first, second, shortcut }) => {
      const stride = shortcut === undefined ? 1 : 2;
      const active = gelu(h);
      const body = convolve(gelu(convolve(active, first, stride)), second, 1);
      return body.add(shortcut === undefined ? h : convolve(active, shortcut, stride));
    },
    convolve(x, stem, 1),
  );
  return matmul(gelu(trunk).mean([2, 3]), head.w)
    .add(head.b)
    .reshape([-1]);
}
