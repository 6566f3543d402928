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

/** Filters `[kh, kw, …]` turned by 180°. */
function turned(filters: Tensor): Tensor {
  const [kh, kw, c, o] = sizes(filters);
  const taps = kh * kw;
  if (taps === 1) return filters;
  const backwards = constant({
    dtype: 'int32',
    shape: [taps],
    data: Int32Array.from({ length: taps }, (_, i) => taps - 1 - i),
  });
  return apply('gather', [filters.reshape([taps, c, o]), backwards], { axis: 0 }).reshape([kh, kw, c, o]);
}

/** A convolution with the channels last, where blocks of channels are computed at a time. */
export function convInBlocks(node: Tensor<'conv2d'>): Tensor {
  const [x, w] = node.inputs as readonly [Tensor, Tensor];
  const images = transposed(x, TO_CHANNELS_LAST);
  return transposed(
    apply('conv2dChannelsLast', [images, transposed(w, TO_FILTERS_LAST)], node.attributes),
    TO_CHANNELS_FIRST,
  );
}

/** With stride 1 the adjoint is a convolution with turned filters whose channels are exchanged. */
function plainInputGrad(node: Tensor<'conv2dInputGrad'>): Tensor {
  const [y, w] = node.inputs as readonly [Tensor, Tensor];
  const { stride, dilation, padding } = node.attributes;
  const [, , kh, kw] = sizes(w);
  const reach = [kh, kw].map((k, i) => (dilation[i] as number) * (k - 1));
  const around = padding.map((p, i) => (reach[i % 2] as number) - p) as [number, number, number, number];
  const filters = turned(transposed(w, [2, 3, 0, 1]));
  return apply('conv2dChannelsLast', [transposed(y, TO_CHANNELS_LAST), filters], { stride, dilation, padding: around });
}

/**
 * The input gradient as a convolution of stride 1 that computes blocks of stride × stride pixels, each a function of the same
 * ⌈k/s⌉ × ⌈k/s⌉ outputs; blocks that would be cropped away at the start are not computed. For dilation 1.
 */
function blockwiseInputGrad(node: Tensor<'conv2dInputGrad'>): Tensor {
  const [y, w] = node.inputs as readonly [Tensor, Tensor];
  const { stride, padding, size } = node.attributes;
  const [, , oh, ow] = sizes(y);
  const [, , kh, kw] = sizes(w);
  const taps = [Math.ceil(kh / stride[0]), Math.ceil(kw / stride[1])] as const;
  const axes = [0, 1] as const;
  const skipped = axes.map((i) => Math.min(taps[i] - 1, Math.floor(padding[i] / stride[i])));
  const start = axes.map((i) => padding[i] - (skipped[i] as number) * stride[i]) as [number, number];
  const before = axes.map((i) => taps[i] - 1 - (skipped[i] as number));
  // Blocks that hold what is asked for; what no window reached lies beyond them and is zero.
  const after = axes.map((i) => {
    const wanted = Math.ceil((start[i] + size[i]) / stride[i]);
    const computed = ([oh, ow][i] as number) + (before[i] as number) - taps[i] + 1;
    return Math.max(0, Math.min(taps[i] - 1, wanted - computed));
  });
  const filters = turned(blockFilters(w, stride, taps));
  const blocks = apply('conv2dChannelsLast', [transposed(y, TO_CHANNELS_LAST), filters], {
    stride: [1, 1],
    dilation: [1, 1],
    padding: [...before, ...after] as unknown as [number, number, number, number],
  });
  return cropped(fromBlocks(blocks, stride), start, size);
}

/** What the pixels of one phase along one axis see: pixel `stride · j + phase` of the image, for each j. */
interface Phase {
  /** Taps of the filter that meet them, ascending. */
  readonly taps: readonly number[];
  /** Outputs before the first and after the last that a row of them sees. */
  readonly before: number;
  readonly after: number;
}

function phasesOf(kernel: number, stride: number, padding: number, outputs: number, pixels: number): Phase[] {
  return Array.from({ length: stride }, (_, phase) => {
    const first = (phase + padding) % stride;
    const taps = Array.from(
      { length: Math.max(0, Math.ceil((kernel - first) / stride)) },
      (__, m) => first + m * stride,
    );
    const shift = (phase + padding - first) / stride;
    return { taps, before: taps.length - 1 - shift, after: Math.max(0, Math.ceil(pixels / stride) + shift - outputs) };
  });
}

/** The phases of both axes, or undefined when some see nothing or begin inside of the outputs. */
function bothPhases(node: Tensor<'conv2dInputGrad'>): readonly [Phase[], Phase[]] | undefined {
  const [y, w] = node.inputs as readonly [Tensor, Tensor];
  const { stride, padding, size } = node.attributes;
  const both = [0, 1].map((i) =>
    phasesOf(
      w.shape[2 + i] as number,
      stride[i] as number,
      padding[i] as number,
      y.shape[2 + i] as number,
      size[i] as number,
    ),
  ) as [Phase[], Phase[]];
  return both.flat().every(({ taps, before }) => taps.length > 0 && before >= 0) ? both : undefined;
}

/**
 * The input gradient as one convolution of stride 1 for each phase of the stride, with the taps that meet its pixels: no product with
 * zeros, nothing to crop but a last part of a block. For dilation 1.
 */
function phasewiseInputGrad(
  node: Tensor<'conv2dInputGrad'>,
  [vertical, horizontal]: readonly [Phase[], Phase[]],
): Tensor {
  const [y, w] = node.inputs as readonly [Tensor, Tensor];
  const { stride, size } = node.attributes;
  const images = transposed(y, TO_CHANNELS_LAST);
  const filters = transposed(w, [2, 3, 0, 1]);
  const [kh, kw, o, c] = sizes(filters);
  const results = vertical.flatMap((row) =>
    horizontal.map((column) => {
      const at = row.taps.toReversed().flatMap((a) => column.taps.toReversed().map((b) => a * kw + b));
      const indices = constant({ dtype: 'int32', shape: [at.length], data: Int32Array.from(at) });
      const taken = apply('gather', [filters.reshape([kh * kw, o, c]), indices], { axis: 0 });
      return apply('conv2dChannelsLast', [images, taken.reshape([row.taps.length, column.taps.length, o, c])], {
        stride: [1, 1],
        dilation: [1, 1],
        padding: [row.before, column.before, row.after, column.after],
      });
    }),
  );
  return cropped(fromBlocks(apply('concat', results, { axis: 3 }), stride), [0, 0], size);
}

/** From so many products with zeros on, one convolution per phase is worth its operators (measured). */
const WASTE = 3e8;

function stridedInputGrad(node: Tensor<'conv2dInputGrad'>): Tensor {
  const { stride, padding } = node.attributes;
  const [y, w] = node.inputs as readonly [Tensor, Tensor];
  const [n, o, ...outputs] = sizes(y);
  const [, c, ...kernel] = sizes(w);
  const blocks = [0, 1].map((i) => {
    const taps = Math.ceil((kernel[i] as number) / (stride[i] as number));
    const skipped = Math.min(taps - 1, Math.floor((padding[i] as number) / (stride[i] as number)));
    return ((outputs[i] as number) + taps - 1 - 2 * skipped) * taps * (stride[i] as number);
  });
  const needed = n * o * c * outputs[0] * outputs[1] * kernel[0] * kernel[1];
  const wasted = n * o * c * (blocks[0] as number) * (blocks[1] as number) - needed;
  const phases = wasted >= WASTE ? bothPhases(node) : undefined;
  return phases === undefined ? blockwiseInputGrad(node) : phasewiseInputGrad(node, phases);
}

/** An input gradient with the channels last, where blocks of channels are computed at a time. */
export function inputGradInBlocks(node: Tensor<'conv2dInputGrad'>): Tensor {
  const plain = node.attributes.stride.every((s) => s === 1);
  return transposed(plain ? plainInputGrad(node) : stridedInputGrad(node), TO_CHANNELS_FIRST);
}
