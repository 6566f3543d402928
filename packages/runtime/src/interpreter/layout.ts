import { type TensorType, sizeOf } from '@brownian/graph';
import { type InterpretationRules, floats } from './rule.ts';
import { type Values, allocate, take, writeAt } from './storage.ts';
import { broadcastOffsets, rowMajorStrides, viewOffsets } from './strides.ts';

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

function concat(inputs: readonly Values[], axis: number, output: TensorType, types: readonly TensorType[]): Values {
  const out = allocate(output.dtype, sizeOf(output.shape));
  const outer = sizeOf(output.shape.slice(0, axis));
  const runs = types.map(({ shape }) => sizeOf(shape.slice(axis)));
  let at = 0;
  for (let row = 0; row < outer; row++) {
    inputs.forEach((values, i) => {
      const run = runs[i] as number;
      writeAt(out, values.subarray(row * run, (row + 1) * run), at);
      at += run;
    });
  }
  return out;
}

/** What moves elements and computes nothing. */
export const LAYOUT_RULES: Pick<InterpretationRules, 'reshape' | 'transpose' | 'expand' | 'slice' | 'concat' | 'pad'> =
  {
    reshape: ([x]) => x as Values,
    transpose: ([x], { permutation }, output, [type]) => {
      const strides = rowMajorStrides((type as TensorType).shape);
      return take(
        x as Values,
        viewOffsets(
          output.shape,
          permutation.map((axis) => strides[axis] as number),
        ),
        output.dtype,
      );
    },
    expand: ([x], _, output, [type]) =>
      take(x as Values, broadcastOffsets((type as TensorType).shape, output.shape), output.dtype),
    slice: ([x], { start, step }, output, [type]) => {
      const strides = rowMajorStrides((type as TensorType).shape);
      const steps = strides.map((stride, axis) => stride * (step[axis] as number));
      return take(x as Values, viewOffsets(output.shape, steps, dot(start, strides)), output.dtype);
    },
    concat: (inputs, { axis }, output, types) => concat(inputs, axis, output, types),
    pad: (inputs, { low, interior }, output, [type]) => {
      const x = floats(inputs, 0);
      const strides = rowMajorStrides(output.shape);
      const steps = strides.map((stride, axis) => stride * ((interior[axis] as number) + 1));
      const out = new Float64Array(sizeOf(output.shape));
      viewOffsets((type as TensorType).shape, steps, dot(low, strides)).forEach((at, i) => {
        out[at] = x[i] as number;
      });
      return out;
    },
  };
