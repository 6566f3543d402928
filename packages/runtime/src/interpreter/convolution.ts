import { type ConvGeometry, type Shape, type TensorType, sizeOf } from '@brownian/graph';
import { type InterpretationRules, floats } from './rule.ts';

/** The positions p of a window, first ≤ p < end, at which `p·stride + shift` lies in an axis of `size`. */
interface Span {
  readonly first: number;
  readonly end: number;
}

function insideSpan(size: number, positions: number, stride: number, shift: number): Span {
  return {
    first: Math.max(0, Math.ceil(-shift / stride)),
    end: Math.min(positions, Math.floor((size - 1 - shift) / stride) + 1),
  };
}

/**
 * Receives one row of products: for i < count, element `y + i` of the output meets element `x + i·stride` of the image
 * and element `w` of the filters.
 */
type VisitRow = (x: number, w: number, y: number, count: number) => void;

/**
 * Every product of the sum that defines all three primitives, in rows along the output's width:
 *
 *   y[n, o, p, q] = Σ_{c, a, b} x[n, c, p·s − top + a·d, q·s − left + b·d] · w[o, c, a, b]
 */
function forEachRow(x: Shape, w: Shape, y: Shape, g: ConvGeometry, visit: VisitRow): void {
  const [images, channels, height, width] = x as [number, number, number, number];
  const [filters, , kh, kw] = w as [number, number, number, number];
  const [, , rows, columns] = y as [number, number, number, number];
  const [top, left] = g.padding;
  for (let a = 0; a < kh; a++) {
    const rowShift = a * g.dilation[0] - top;
    const rowSpan = insideSpan(height, rows, g.stride[0], rowShift);
    for (let b = 0; b < kw; b++) {
      const shift = b * g.dilation[1] - left;
      const span = insideSpan(width, columns, g.stride[1], shift);
      const count = span.end - span.first;
      if (count <= 0) continue;
      for (let image = 0; image < images; image++) {
        for (let o = 0; o < filters; o++) {
          for (let c = 0; c < channels; c++) {
            const xPlane = (image * channels + c) * height;
            const yPlane = (image * filters + o) * rows;
            const tap = ((o * channels + c) * kh + a) * kw + b;
            for (let p = rowSpan.first; p < rowSpan.end; p++) {
              const xRow = (xPlane + p * g.stride[0] + rowShift) * width;
              visit(xRow + span.first * g.stride[1] + shift, tap, (yPlane + p) * columns + span.first, count);
            }
          }
        }
      }
    }
  }
}

/** Adds a row of inputs times a matrix `[inputs, outputs]` to a row of outputs, each given with where it starts. */
function addRowTimesMatrix(
  [y, yAt]: readonly [Float64Array, number],
  [x, xAt]: readonly [ArrayLike<number>, number],
  [w, wAt]: readonly [ArrayLike<number>, number],
  [inputs, outputs]: readonly [number, number],
): void {
  for (let c = 0; c < inputs; c++) {
    const value = x[xAt + c] as number;
    for (let o = 0; o < outputs; o++) {
      y[yAt + o] = (y[yAt + o] as number) + value * (w[wAt + c * outputs + o] as number);
    }
  }
}

/** The family is one trilinear sum, solved for a different operand each time. */
export const CONVOLUTION_RULES: Pick<
  InterpretationRules,
  'conv2d' | 'conv2dInputGrad' | 'conv2dFilterGrad' | 'conv2dChannelsLast'
> = {
  conv2d: (inputs, g, output, types) => {
    const [x, w, y] = [floats(inputs, 0), floats(inputs, 1), new Float64Array(sizeOf(output.shape))];
    const step = g.stride[1];
    const [xType, wType] = types as readonly [TensorType, TensorType];
    forEachRow(xType.shape, wType.shape, output.shape, g, (xAt, wAt, yAt, count) => {
      const weight = w[wAt] as number;
      for (let i = 0; i < count; i++) y[yAt + i] = (y[yAt + i] as number) + weight * (x[xAt + i * step] as number);
    });
    return y;
  },
  conv2dInputGrad: (inputs, g, output, types) => {
    const [y, w, x] = [floats(inputs, 0), floats(inputs, 1), new Float64Array(sizeOf(output.shape))];
    const step = g.stride[1];
    const [yType, wType] = types as readonly [TensorType, TensorType];
    forEachRow(output.shape, wType.shape, yType.shape, g, (xAt, wAt, yAt, count) => {
      const weight = w[wAt] as number;
      for (let i = 0; i < count; i++) {
        const at = xAt + i * step;
        x[at] = (x[at] as number) + weight * (y[yAt + i] as number);
      }
    });
    return x;
  },
  conv2dFilterGrad: (inputs, g, output, types) => {
    const [x, y, w] = [floats(inputs, 0), floats(inputs, 1), new Float64Array(sizeOf(output.shape))];
    const step = g.stride[1];
    const [xType, yType] = types as readonly [TensorType, TensorType];
    forEachRow(xType.shape, output.shape, yType.shape, g, (xAt, wAt, yAt, count) => {
      let total = 0;
      for (let i = 0; i < count; i++) total += (x[xAt + i * step] as number) * (y[yAt + i] as number);
      w[wAt] = (w[wAt] as number) + total;
    });
    return w;
  },
  conv2dChannelsLast: (inputs, g, output, types) => {
    const [x, w, y] = [floats(inputs, 0), floats(inputs, 1), new Float64Array(sizeOf(output.shape))];
    const [xType, wType] = types as readonly [TensorType, TensorType];
    const [, height, width, channels] = xType.shape as [number, number, number, number];
    const [kh, kw, , filters] = wType.shape as [number, number, number, number];
    const [images, rows, columns] = output.shape as [number, number, number, number];
    const [top, left] = g.padding;
    for (let at = 0; at < images * rows * columns; at++) {
      const [image, p, q] = [Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns];
      for (let a = 0; a < kh; a++) {
        const row = p * g.stride[0] - top + a * g.dilation[0];
        if (row < 0 || row >= height) continue;
        for (let b = 0; b < kw; b++) {
          const column = q * g.stride[1] - left + b * g.dilation[1];
          if (column < 0 || column >= width) continue;
          const pixel = ((image * height + row) * width + column) * channels;
          const tap = (a * kw + b) * channels * filters;
          addRowTimesMatrix([y, at * filters], [x, pixel], [w, tap], [channels, filters]);
        }
      }
    }
    return y;
  },
};
