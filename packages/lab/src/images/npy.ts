import type { NDArray } from '@brownian/graph';

const DESCRIPTORS = { float32: '<f4', int32: '<i4', int64: '<i8', bool: '|b1' } as const;

/** An array as the bytes of a NumPy `.npy` file (format 1.0), in parts to write one after the other. */
export function encodeNpy(array: NDArray): Uint8Array[] {
  const type = array.data instanceof Float64Array ? '<f8' : DESCRIPTORS[array.dtype];
  const shape = array.shape.length === 1 ? `(${array.shape[0]},)` : `(${array.shape.join(', ')})`;
  const dictionary = `{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`;
  // Magic, version, length, dictionary and a line break fill a multiple of 64 bytes.
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const head = new Uint8Array(10 + length).fill(0x20);
  head.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(head.buffer).setUint16(8, length, true);
  head.set(new TextEncoder().encode(dictionary), 10);
  head[head.length - 1] = 0x0a;
  return [head, new Uint8Array(array.data.buffer, array.data.byteOffset, array.data.byteLength)];
}
