import type { Primitive, PrimitiveAttributes, TensorType } from '@brownian/graph';
import type { Values } from './storage.ts';

/**
 * How the interpreter computes a primitive: the values of the result from those of the operands. Types have passed the
 * shape rules. A rule never writes to its operands; the result may share storage with one.
 */
export type InterpretationRule<P extends Primitive> = (
  inputs: readonly Values[],
  attributes: PrimitiveAttributes[P],
  output: TensorType,
  inputTypes: readonly TensorType[],
) => Values;

/** One rule per primitive; a missing one does not compile. */
export type InterpretationRules = { readonly [P in Primitive]: InterpretationRule<P> };

/** The values of a float32 operand. */
export function floats(inputs: readonly Values[], index: number): Float64Array {
  return inputs[index] as Float64Array;
}
