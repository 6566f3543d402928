import { type NDArray, type Shape, type Tensor, ndarray, sizeOf } from '@brownian/graph';
import { createStream } from '@brownian/runtime';

/** One operation on one set of operands: what {@link file://./check-op.ts} differentiates and compares. */
export interface OpCase {
  readonly name: string;
  /** Derivatives are taken in the float32 ones. */
  readonly inputs: readonly NDArray[];
  readonly f: (...x: Tensor[]) => Tensor;
  /** Why finite differences of the values are not the derivative at these operands; they are skipped. */
  readonly notTheSlope?: string;
}

/** A case named after what it shows; `inputs` are the arguments of `f`. */
export function op(name: string, f: OpCase['f'], ...inputs: readonly NDArray[]): OpCase {
  return { name, f, inputs };
}

/** A case at operands where the operation has a kink or hides its derivative. */
export function atKink(reason: string, { name, f, inputs }: OpCase): OpCase {
  return { name, f, inputs, notTheSlope: reason };
}

const random = createStream('operands of the operation cases');

/** Standard normal values. */
export function normal(...shape: number[]): NDArray {
  return random.normal(shape);
}

/** Uniform values between `low` and `high`, to stay inside a domain. */
export function uniform(low: number, high: number, ...shape: number[]): NDArray {
  return random.uniform(shape, low, high);
}

/**
 * All values on a grid of step 0.2 around zero, in random order: no two are equal and none is nearer to zero than 0.1, so
 * that no kink lies within reach of a finite difference. `shift` (below 0.1) tells the grids of two operands apart.
 */
export function spread(shape: Shape, shift = 0): NDArray {
  const half = Math.floor(sizeOf(shape) / 2);
  return ndarray(
    Array.from(random.permutation(sizeOf(shape)).data as Int32Array, (i) => (i - half + 0.5) * 0.2 + shift),
    shape,
  );
}

/** An int32 array, of indices for the most part. */
export function int32(values: readonly number[], shape: Shape = [values.length]): NDArray {
  return ndarray(Int32Array.from(values), shape);
}

/** An int64 array. */
export function int64(values: readonly number[], shape: Shape = [values.length]): NDArray {
  return ndarray(BigInt64Array.from(values, BigInt), shape);
}

/** A bool array of zeros and ones. */
export function bool(values: readonly number[], shape: Shape = [values.length]): NDArray {
  return ndarray(Uint8Array.from(values), shape);
}
