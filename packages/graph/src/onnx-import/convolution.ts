import { avgPool2d, conv2d, maxPool2d } from '../ops/conv.ts';
import { max } from '../ops/reduce.ts';
import { concat, expand, pad, slice } from '../ops/shape.ts';
import { Tensor, constant } from '../tensor.ts';
import { type NDArray, sizeOf } from '../types.ts';
import { type ImportRule, type NodeContext, Refusal, asTensor, numbersOf } from './context.ts';

type Pads = readonly [top: number, left: number, bottom: number, right: number];
type Two = readonly [height: number, width: number];

interface Windows {
  readonly kernel: Two;
  readonly stride: Two;
  readonly dilation: Two;
  readonly padding: Pads;
}

function imageOf(at: NodeContext): Tensor {
  const x = at.tensor(0);
  if (x.shape.length !== 4) throw new Refusal(`its input has ${x.shape.length} axes; images have 4`);
  return x;
}

/** Padding so that the result has ⌈size/stride⌉ pixels. */
function samePadding(size: number, kernel: number, stride: number, dilation: number): number {
  return Math.max(0, (Math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size);
}

function windowsOf(at: NodeContext, x: Tensor, kernel: Two): Windows {
  const stride = at.ints('strides', [1, 1]) as unknown as Two;
  const dilation = at.ints('dilations', [1, 1]) as unknown as Two;
  const auto = at.text('auto_pad', 'NOTSET');
  let padding = at.ints('pads', [0, 0, 0, 0]);
  if (auto === 'VALID') padding = [0, 0, 0, 0];
  if (auto.startsWith('SAME')) {
    const around = [0, 1].map((i) =>
      samePadding(x.shape[2 + i] as number, kernel[i] as number, stride[i] as number, dilation[i] as number),
    );
    const less = around.map((p) => Math.floor(p / 2));
    const more = around.map((p) => Math.ceil(p / 2));
    padding = auto === 'SAME_UPPER' ? [...less, ...more] : [...more, ...less];
  }
  if (padding.some((p) => p < 0)) throw new Refusal('its padding is negative');
  return { kernel, stride, dilation, padding: padding as unknown as Pads };
}

/** Every channel with filters of its own: one product per place of the kernel, which is fast and has every derivative. */
function depthwise(x: Tensor, w: Tensor, { kernel, stride, dilation, padding }: Windows): Tensor {
  const [n, c] = x.shape as readonly [number, number, number, number];
  const [top, left, bottom, right] = padding;
  const around = pad(x, [
    [0, 0],
    [0, 0],
    [top, bottom],
    [left, right],
  ]);
  const [, , height, width] = around.shape as readonly [number, number, number, number];
  const each = (w.shape[0] as number) / c;
  const repeated =
    each === 1
      ? around
      : expand(around.reshape([n, c, 1, height, width]), [n, c, each, height, width]).reshape([
          n,
          c * each,
          height,
          width,
        ]);
  const span = (size: number, i: 0 | 1): number => size - dilation[i] * (kernel[i] - 1);
  let sum: Tensor | undefined;
  for (let i = 0; i < kernel[0]; i++) {
    for (let j = 0; j < kernel[1]; j++) {
      const [y0, x0] = [i * dilation[0], j * dilation[1]];
      const pixels = slice(repeated, [
        undefined,
        undefined,
        [y0, y0 + span(height, 0), stride[0]],
        [x0, x0 + span(width, 1), stride[1]],
      ]);
      const tap = slice(w, [undefined, undefined, [i, i + 1], [j, j + 1]]).reshape([c * each, 1, 1]);
      sum = sum === undefined ? pixels.mul(tap) : sum.add(pixels.mul(tap));
    }
  }
  return sum as Tensor;
}

function grouped(x: Tensor, w: Tensor, group: number, windows: Windows): Tensor {
  const [inside, outside] = [w.shape[1] as number, (w.shape[0] as number) / group];
  const parts = Array.from({ length: group }, (_, i) =>
    conv2d(
      slice(x, [undefined, [i * inside, (i + 1) * inside]]),
      slice(w, [[i * outside, (i + 1) * outside]]),
      windows,
    ),
  );
  return concat(parts, 1);
}

function convolve(x: Tensor, w: Tensor, bias: Tensor | undefined, group: number, windows: Windows): Tensor {
  if (group === 1) return conv2d(x, w, { ...windows, ...(bias === undefined ? {} : { bias }) });
  const y = w.shape[1] === 1 && x.shape[1] === group ? depthwise(x, w, windows) : grouped(x, w, group, windows);
  return bias === undefined ? y : y.add(bias.reshape([-1, 1, 1]));
}

/** Filters times a gain per output channel. */
function scaled(w: NDArray, gain: Float64Array): NDArray {
  const each = sizeOf(w.shape) / gain.length;
  const values = numbersOf(w);
  return { ...w, data: Float32Array.from(values, (v, i) => v * (gain[Math.floor(i / each)] as number)) };
}

const conv: ImportRule = (at) => {
  const x = imageOf(at);
  const filters = at.value(1);
  if (filters.shape.length !== 4)
    throw new Refusal(`its filters have ${filters.shape.length} axes; those of images have 4`);
  const group = at.number('group', 1);
  const windows = windowsOf(at, x, filters.shape.slice(2) as unknown as Two);
  const bias = at.has(2) ? at.value(2) : undefined;
  const y = convolve(x, asTensor(filters), bias && asTensor(bias), group, windows);
  if (filters instanceof Tensor || bias instanceof Tensor) return y;
  at.state.rescalable.set(y, (gain, shift) => {
    const old = bias === undefined ? undefined : numbersOf(bias);
    const moved = Float32Array.from(shift, (s, i) => s + (old?.[i] ?? 0) * (gain[i] as number));
    const b = constant({ dtype: 'float32', shape: [moved.length], data: moved });
    return convolve(x, constant(scaled(filters, gain)), b, group, windows);
  });
  return y;
};

/** Normalisation with the statistics of training: a gain and a shift per channel, put into the convolution before it if there is one. */
const batchNormalization: ImportRule = (at) => {
  if (at.number('training_mode', 0) !== 0) throw new Refusal('it normalises by the batch (training_mode 1)');
  const x = at.tensor(0);
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => numbersOf(at.known(i, 'statistics'))) as [
    number[],
    number[],
    number[],
    number[],
  ];
  const epsilon = at.number('epsilon', 1e-5);
  const gain = Float64Array.from(scale, (s, c) => s / Math.sqrt((variance[c] as number) + epsilon));
  const shift = Float64Array.from(bias, (b, c) => b - (mean[c] as number) * (gain[c] as number));
  const folded = at.state.rescalable.get(x);
  if (folded !== undefined) return folded(gain, shift);
  const perChannel = (data: Float64Array): Tensor =>
    constant({ dtype: 'float32', shape: [data.length, ...x.shape.slice(2).map(() => 1)], data });
  return x.mul(perChannel(gain)).add(perChannel(shift));
};

/** Rows and columns added at the bottom right so that windows reach the end (`ceil_mode`); none may begin in the padding. */
function ceiling(x: Tensor, { kernel, stride, padding }: Windows): Pads {
  const extra = [0, 1].map((i) => {
    const size = (x.shape[2 + i] as number) + (padding[i] as number) + (padding[i + 2] as number);
    const [k, s] = [kernel[i] as number, stride[i] as number];
    let count = Math.ceil((size - k) / s) + 1;
    if ((count - 1) * s >= (x.shape[2 + i] as number) + (padding[i] as number)) count -= 1;
    return Math.max(0, (count - 1) * s + k - size);
  });
  return [padding[0], padding[1], padding[2] + (extra[0] as number), padding[3] + (extra[1] as number)];
}

function poolWindows(at: NodeContext, x: Tensor): Windows {
  const windows = windowsOf(at, x, at.ints('kernel_shape', []) as unknown as Two);
  if (windows.dilation.some((d) => d !== 1)) throw new Refusal('its windows are dilated');
  return at.number('ceil_mode', 0) === 1 ? { ...windows, padding: ceiling(x, windows) } : windows;
}

const maxPool: ImportRule = (at) => {
  if ((at.node.outputs[1] ?? '') !== '') throw new Refusal('it also gives the places of the maxima');
  const x = imageOf(at);
  return maxPool2d(x, poolWindows(at, x));
};

const averagePool: ImportRule = (at) => {
  const x = imageOf(at);
  const plain = windowsOf(at, x, at.ints('kernel_shape', []) as unknown as Two);
  const windows = poolWindows(at, x);
  const sum = avgPool2d(x, windows);
  const padded = windows.padding.some((p) => p > 0);
  if (!padded) return sum;
  // What counts besides the image: its own padding if asked for, never what ceil_mode added.
  const counts = at.number('count_include_pad', 0) === 1 ? plain.padding : ([0, 0, 0, 0] as const);
  const [height, width] = x.shape.slice(2) as [number, number];
  const [oh, ow] = sum.shape.slice(2) as [number, number];
  const inside = (i: number, axis: 0 | 1, size: number): number => {
    const from = i * windows.stride[axis] - windows.padding[axis];
    const to = from + windows.kernel[axis];
    return Math.min(to, size + (counts[axis + 2] as number)) - Math.max(from, -counts[axis]);
  };
  const whole = windows.kernel[0] * windows.kernel[1];
  const share = Float64Array.from({ length: oh * ow }, (_, i) => {
    const [row, column] = [Math.floor(i / ow), i % ow];
    return whole / (inside(row, 0, height) * inside(column, 1, width));
  });
  return sum.mul(constant({ dtype: 'float32', shape: [oh, ow], data: share }));
};

function global(reduce: (x: Tensor) => Tensor): ImportRule {
  return (at) => {
    const x = imageOf(at);
    return reduce(x).reshape([...x.shape.slice(0, 2), 1, 1]);
  };
}

/** Convolutions, pooling and the normalisations between them. */
export const CONVOLUTION_RULES: Readonly<Record<string, ImportRule>> = {
  Conv: conv,
  BatchNormalization: batchNormalization,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: global((x) => x.mean([2, 3])),
  GlobalMaxPool: global((x) => max(x, [2, 3])),
};
