import { type Shape, type TensorType, sizeOf } from '@brownian/graph';
import { type InterpretationRules, floats } from './rule.ts';
import { type Values, allocate, writeAt } from './storage.ts';

/** Indices as numbers. @throws RangeError on one that is not on the axis; negative ones do not count from the end. */
function checkedIndices(primitive: string, values: Values, axis: number, length: number): Int32Array {
  return Int32Array.from(values as ArrayLike<number | bigint>, (value) => {
    const index = Number(value);
    if (index >= 0 && index < length) return index;
    const range = length === 0 ? 'an axis without elements' : `indices run from 0 to ${length - 1}`;
    throw new RangeError(`${primitive}: index ${value} is outside axis ${axis} of length ${length}: ${range}.`);
  });
}

/** How many slices lie before an axis, and how many values a slice of it has. */
function around(shape: Shape, axis: number): { outer: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, axis)), inner: sizeOf(shape.slice(axis + 1)) };
}

/** Whole slices by index, and the adjoint. */
export const INDEXING_RULES: Pick<InterpretationRules, 'gather' | 'scatterAdd'> = {
  gather: ([x, at], { axis }, output, [type]) => {
    const { shape } = type as TensorType;
    const length = shape[axis] as number;
    const indices = checkedIndices('gather', at as Values, axis, length);
    const { outer, inner } = around(shape, axis);
    const out = allocate(output.dtype, sizeOf(output.shape));
    for (let row = 0; row < outer; row++) {
      indices.forEach((index, i) => {
        const from = (row * length + index) * inner;
        writeAt(out, (x as Values).subarray(from, from + inner), (row * indices.length + i) * inner);
      });
    }
    return out;
  },
  scatterAdd: (inputs, { axis, size }, output) => {
    const updates = floats(inputs, 0);
    const indices = checkedIndices('scatterAdd', inputs[1] as Values, axis, size);
    const { outer, inner } = around(output.shape, axis);
    const out = new Float64Array(sizeOf(output.shape));
    for (let row = 0; row < outer; row++) {
      indices.forEach((index, i) => {
        const from = (row * indices.length + i) * inner;
        const to = (row * size + index) * inner;
        for (let j = 0; j < inner; j++) out[to + j] = (out[to + j] as number) + (updates[from + j] as number);
      });
    }
    return out;
  },
};
