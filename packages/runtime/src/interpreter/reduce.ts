import { type TensorType, sizeOf } from '@brownian/graph';
import { type InterpretationRules, floats } from './rule.ts';
import type { Values } from './storage.ts';
import { rowMajorStrides, viewOffsets } from './strides.ts';

/** Folds every element of the operand into the element of the result it belongs to, in row-major order. */
function reduce(
  inputs: readonly Values[],
  axes: readonly number[],
  output: TensorType,
  { shape }: TensorType,
  initial: number,
  fold: (total: number, value: number) => number,
): Float64Array {
  const x = floats(inputs, 0);
  const kept = rowMajorStrides(output.shape);
  let next = 0;
  const strides = shape.map((_, axis) => (axes.includes(axis) ? 0 : (kept[next++] as number)));
  const offsets = viewOffsets(shape, strides);
  const out = new Float64Array(sizeOf(output.shape)).fill(initial);
  for (let i = 0; i < x.length; i++) {
    const at = offsets[i] as number;
    out[at] = fold(out[at] as number, x[i] as number);
  }
  return out;
}

/** Reductions. The sum over an empty axis is zero; NaN wins every maximum. */
export const REDUCE_RULES: Pick<InterpretationRules, 'sum' | 'max'> = {
  sum: (inputs, { axes }, output, [type]) =>
    reduce(inputs, axes, output, type as TensorType, 0, (total, value) => total + value),
  max: (inputs, { axes }, output, [type]) =>
    reduce(inputs, axes, output, type as TensorType, -Infinity, (best, value) => Math.max(best, value)),
};
