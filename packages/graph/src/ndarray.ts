import { type ArrayData, type DType, type NDArray, type Shape, formatShape, sizeOf } from './types.ts';

const STORAGE = {
  float32: [Float32Array, Float64Array],
  int32: [Int32Array],
  int64: [BigInt64Array],
  bool: [Uint8Array],
} as const;

function dtypeOf(data: ArrayData): DType {
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof Uint8Array) return 'bool';
  return 'float32';
}

/**
 * Wraps values as an array; the dtype follows from the storage. Plain numbers become float32.
 *
 * @throws RangeError when the number of values is not the size of `shape`.
 */
export function ndarray(values: ArrayData | readonly number[] | number, shape?: Shape): NDArray {
  const data: ArrayData =
    typeof values === 'number'
      ? Float32Array.of(values)
      : ArrayBuffer.isView(values)
        ? values
        : Float32Array.from(values);
  const sizes = shape ?? (typeof values === 'number' ? [] : [data.length]);
  if (sizeOf(sizes) !== data.length) {
    throw new RangeError(`Shape ${formatShape(sizes)} holds ${sizeOf(sizes)} values, ${data.length} were given.`);
  }
  return { dtype: dtypeOf(data), shape: [...sizes], data };
}

/** An array of zeros. */
export function zeros(shape: Shape, dtype: DType = 'float32'): NDArray {
  const Storage = STORAGE[dtype][0];
  return { dtype, shape: [...shape], data: new Storage(sizeOf(shape)) };
}

/** A float32 array with every element `value`. */
export function full(shape: Shape, value: number): NDArray {
  return { dtype: 'float32', shape: [...shape], data: new Float32Array(sizeOf(shape)).fill(value) };
}

/** The values of a float32 array as `Float32Array`; float64 results of the interpreter are rounded. */
export function float32Data(array: NDArray): Float32Array {
  if (array.data instanceof Float32Array) return array.data;
  if (array.data instanceof BigInt64Array) return Float32Array.from(array.data, Number);
  return Float32Array.from(array.data);
}

/** The single value of an array of one element. @throws RangeError when there are more. */
export function item(array: NDArray): number {
  if (array.data.length !== 1)
    throw new RangeError(`item() takes an array of one element, got shape ${formatShape(array.shape)}.`);
  return Number(array.data[0]);
}
