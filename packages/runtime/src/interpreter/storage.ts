import { type ArrayData, type DType, type NDArray, formatShape, sizeOf } from '@brownian/graph';

/** Values inside the interpreter: float32 tensors are held in double precision, bool ones as 0 and 1. */
export type Values = Float64Array | Int32Array | BigInt64Array | Uint8Array;

const STORAGE: { readonly [D in DType]: (size: number) => Values } = {
  float32: (size) => new Float64Array(size),
  int32: (size) => new Int32Array(size),
  int64: (size) => new BigInt64Array(size),
  bool: (size) => new Uint8Array(size),
};

/** Zeros of a dtype. */
export function allocate(dtype: DType, size: number): Values {
  return STORAGE[dtype](size);
}

/**
 * The elements of `from` at `offsets`, in their order.
 *
 * One loop serves all storage types: both sides have the same one, so the cast to float64 only quiets the compiler.
 */
export function take(from: Values, offsets: Int32Array, dtype: DType): Values {
  const out = allocate(dtype, offsets.length);
  const [source, target] = [from as Float64Array, out as Float64Array];
  for (let i = 0; i < offsets.length; i++) target[i] = source[offsets[i] as number] as number;
  return out;
}

/** Writes all of `from` into `out` at `offset`; both have the same storage type, see {@link take}. */
export function writeAt(out: Values, from: Values, offset: number): void {
  (out as Float64Array).set(from as Float64Array, offset);
}

function isStorageOf(data: ArrayData, dtype: DType): data is Values {
  return data.constructor === allocate(dtype, 0).constructor;
}

/**
 * The values of an array in the interpreter's storage: Float32Array is widened, everything else is shared.
 *
 * @throws TypeError when the storage is not that of the dtype, or its length not that of the shape.
 */
export function toValues(array: NDArray, what: string): Values {
  const { dtype, shape, data } = array;
  if (data.length !== sizeOf(shape)) {
    throw new TypeError(
      `${what}: shape ${formatShape(shape)} holds ${sizeOf(shape)} values, its data has ${data.length}.`,
    );
  }
  if (isStorageOf(data, dtype)) return data;
  if (dtype === 'float32' && data instanceof Float32Array) return Float64Array.from(data);
  throw new TypeError(`${what}: ${data.constructor.name} is not the storage of ${dtype}; make arrays with ndarray().`);
}
