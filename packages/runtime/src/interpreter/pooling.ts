import { type PoolGeometry, type Shape, type TensorType, sizeOf } from '@brownian/graph';
import { type InterpretationRules, floats } from './rule.ts';
import { take } from './storage.ts';

/** The offset of the first largest value, or the first NaN, in rows [r0, r1) and columns [c0, c1) of one plane. */
function firstMaximum(
  x: Float64Array,
  plane: number,
  width: number,
  [r0, r1, c0, c1]: readonly [number, number, number, number],
): number {
  let at = plane + r0 * width + c0;
  let best = x[at] as number;
  for (let r = r0; r < r1; r++) {
    for (let c = c0; c < c1; c++) {
      const here = plane + r * width + c;
      const value = x[here] as number;
      if (value > best || (Number.isNaN(value) && !Number.isNaN(best))) {
        at = here;
        best = value;
      }
    }
  }
  return at;
}

/** Where in x each window has its maximum; what lies in the padding never wins. `pooled` is the shape of maxPool(x). */
function maximumOffsets(x: Float64Array, { shape }: TensorType, pooled: Shape, g: PoolGeometry): Int32Array {
  const [images, channels, height, width] = shape as [number, number, number, number];
  const [, , rows, columns] = pooled as [number, number, number, number];
  const [kh, kw] = g.kernel;
  const [top, left] = g.padding;
  const offsets = new Int32Array(sizeOf(pooled));
  let next = 0;
  for (let plane = 0; plane < images * channels; plane++) {
    for (let p = 0; p < rows; p++) {
      const r = p * g.stride[0] - top;
      for (let q = 0; q < columns; q++) {
        const c = q * g.stride[1] - left;
        const window = [Math.max(r, 0), Math.min(r + kh, height), Math.max(c, 0), Math.min(c + kw, width)] as const;
        offsets[next++] = firstMaximum(x, plane * height * width, width, window);
      }
    }
  }
  return offsets;
}

/** Max pooling: read x, read another array, or add into zeros, each at the windows' maxima. */
export const POOLING_RULES: Pick<InterpretationRules, 'maxPool' | 'maxPoolPick' | 'maxPoolScatter'> = {
  maxPool: (inputs, g, output, [xType]) => {
    const x = floats(inputs, 0);
    return take(x, maximumOffsets(x, xType as TensorType, output.shape, g), output.dtype);
  },
  maxPoolPick: (inputs, g, output, [xType]) =>
    take(floats(inputs, 1), maximumOffsets(floats(inputs, 0), xType as TensorType, output.shape, g), output.dtype),
  maxPoolScatter: (inputs, g, output, types) => {
    const [xType, pooled] = types as readonly [TensorType, TensorType];
    const values = floats(inputs, 1);
    const out = new Float64Array(sizeOf(output.shape));
    maximumOffsets(floats(inputs, 0), xType, pooled.shape, g).forEach((at, i) => {
      out[at] = (out[at] as number) + (values[i] as number);
    });
    return out;
  },
};
