/** The element types a tensor can have. Arithmetic is float32 throughout; integers are indices. */
export type DType = 'float32' | 'int32' | 'int64' | 'bool';

/** Sizes of the axes, outermost first. A scalar has the empty shape. */
export type Shape = readonly number[];

/**
 * Storage of a concrete array. `float32` arrays are `Float32Array`, or `Float64Array` when they come from the float64
 * interpreter; `bool` arrays hold 0 and 1.
 */
export type ArrayData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** A concrete array in row-major order: what enters and leaves a compiled function. */
export interface NDArray {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: ArrayData;
}

/** What is known of a tensor before it has values. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** The number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const axis of shape) size *= axis;
  return size;
}

/** Whether two shapes are equal, axis by axis. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((axis, i) => axis === b[i]);
}

/** A shape as people write it, such as `[100, 1, 28, 28]`. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}
