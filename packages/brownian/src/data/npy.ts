import { type NDArray, sizeOf } from '@brownian/graph';
import { DataError } from './errors.ts';

const MAGIC: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Headers are text of a line; NumPy itself reads no longer ones unless told to. */
const MOST_HEADER_BYTES = 10_000;
const DESCRIPTORS = { float32: '<f4', int32: '<i4', int64: '<i8', bool: '|b1' } as const;

/** An array as the bytes of a NumPy `.npy` file (format 1.0), in parts to write one after the other. */
export function encodeNpy(array: NDArray): Uint8Array[] {
  const type = array.data instanceof Float64Array ? '<f8' : DESCRIPTORS[array.dtype];
  const shape = array.shape.length === 1 ? `(${array.shape[0]},)` : `(${array.shape.join(', ')})`;
  const dictionary = `{'descr': '${type}', 'fortran_order': False, 'shape': ${shape}, }`;
  // Magic, version, length, dictionary and a line break fill a multiple of 64 bytes.
  const length = Math.ceil((10 + dictionary.length + 1) / 64) * 64 - 10;
  const head = new Uint8Array(10 + length).fill(0x20);
  head.set([...MAGIC, 1, 0]);
  new DataView(head.buffer).setUint16(8, length, true);
  head.set(
    Uint8Array.from(dictionary, (letter) => letter.charCodeAt(0)),
    10,
  );
  head[head.length - 1] = 0x0a;
  return [head, new Uint8Array(array.data.buffer, array.data.byteOffset, array.data.byteLength)];
}

/** Values of a `.npy` file, of the type that it states. */
export type NpyData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

/** Bytes per element, and how to see bytes as elements, by NumPy's name of the type. */
const TYPES = {
  '|b1': { bytes: 1, view: (b: ArrayBuffer): NpyData => new Uint8Array(b) },
  '|u1': { bytes: 1, view: (b: ArrayBuffer): NpyData => new Uint8Array(b) },
  '|i1': { bytes: 1, view: (b: ArrayBuffer): NpyData => new Int8Array(b) },
  '<u2': { bytes: 2, view: (b: ArrayBuffer): NpyData => new Uint16Array(b) },
  '<i2': { bytes: 2, view: (b: ArrayBuffer): NpyData => new Int16Array(b) },
  '<u4': { bytes: 4, view: (b: ArrayBuffer): NpyData => new Uint32Array(b) },
  '<i4': { bytes: 4, view: (b: ArrayBuffer): NpyData => new Int32Array(b) },
  '<u8': { bytes: 8, view: (b: ArrayBuffer): NpyData => new BigUint64Array(b) },
  '<i8': { bytes: 8, view: (b: ArrayBuffer): NpyData => new BigInt64Array(b) },
  '<f4': { bytes: 4, view: (b: ArrayBuffer): NpyData => new Float32Array(b) },
  '<f8': { bytes: 8, view: (b: ArrayBuffer): NpyData => new Float64Array(b) },
} as const;

/** NumPy's name of an element type that is read. */
export type NpyType = keyof typeof TYPES;

/** What the beginning of a `.npy` file says of the rest. */
export interface NpyHeader {
  readonly type: NpyType;
  readonly shape: readonly number[];
  /** Bytes of one element. */
  readonly bytes: number;
  /** Where the values begin, in bytes. */
  readonly start: number;
}

/** The text of the header's dictionary and the byte after it. */
function readDictionary(bytes: Uint8Array, source: string): { text: string; start: number } {
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new DataError(
      `${source}: an .npy file begins with the 6 bytes "\\x93NUMPY" and a version, this one does not.`,
    );
  }
  const version = bytes[6] as number;
  if (version < 1 || version > 3) {
    throw new DataError(`${source}: byte 6 gives the .npy version ${version}, versions 1 to 3 are read.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, 12);
  const [from, length] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (length > MOST_HEADER_BYTES || from + length > bytes.length) {
    throw new DataError(
      `${source}: byte 8 gives a header of ${length} bytes, expected at most ${Math.min(MOST_HEADER_BYTES, bytes.length - from)}.`,
    );
  }
  return {
    text: Array.from(bytes.subarray(from, from + length), (byte) => String.fromCharCode(byte)).join(''),
    start: from + length,
  };
}

function readType(text: string, source: string): NpyType {
  const type = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  if (type !== undefined && Object.hasOwn(TYPES, type)) return type as NpyType;
  const found = type === undefined ? 'no plain element type' : `the element type ${JSON.stringify(type.slice(0, 40))}`;
  throw new DataError(`${source}: the header gives ${found}; read are ${Object.keys(TYPES).join(', ')}.`);
}

function readShape(text: string, source: string): number[] {
  const inside = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text)?.[1];
  const axes = inside?.split(',').map((axis) => axis.trim()) ?? [];
  if (axes.at(-1) === '') axes.pop();
  const shape = axes.map((axis) => (/^\d+L?$/.test(axis) ? Number.parseInt(axis, 10) : Number.NaN));
  if (inside !== undefined && shape.every(Number.isSafeInteger)) return shape;
  throw new DataError(`${source}: the header gives no shape that can be read; expected one such as (60000, 28, 28).`);
}

/**
 * Reads the header of a NumPy `.npy` file.
 *
 * @param bytes the beginning of the file, at least up to the end of the header
 * @param fileSize bytes of the whole file, which the values must fill
 * @param source what to call the file in errors, such as its path
 * @throws DataError when it is no such file, has elements of another kind or order, or is not as long as it says
 *
 * Source: NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays".
 */
export function parseNpyHeader(bytes: Uint8Array, fileSize: number, source: string): NpyHeader {
  const { text, start } = readDictionary(bytes, source);
  const type = readType(text, source);
  if (/'fortran_order'\s*:\s*True/.test(text)) {
    throw new DataError(`${source}: the values are in Fortran order; save them with numpy.ascontiguousarray first.`);
  }
  const shape = readShape(text, source);
  const { bytes: each } = TYPES[type];
  const size = sizeOf(shape) * each;
  if (!Number.isSafeInteger(size) || size !== fileSize - start) {
    throw new DataError(
      `${source}: shape (${shape.join(', ')}) and type ${type} call for ${size} bytes from byte ${start}, ` +
        `the file has ${fileSize - start}.`,
    );
  }
  return { type, shape, bytes: each, start };
}

/** Values of one type from their bytes, which are copied: in a file they need not be aligned to the element size. */
export function npyValues(type: NpyType, bytes: Uint8Array): NpyData {
  return TYPES[type].view(new Uint8Array(bytes).buffer);
}

/**
 * Reads a whole NumPy `.npy` file.
 *
 * @returns the shape, and the values as a copy
 * @throws DataError as {@link parseNpyHeader}
 */
export function parseNpy(
  bytes: Uint8Array,
  source: string,
): { readonly shape: readonly number[]; readonly data: NpyData } {
  const { type, shape, start } = parseNpyHeader(bytes, bytes.length, source);
  return { shape, data: npyValues(type, bytes.subarray(start)) };
}
