import { type ArrayData, type DType, type NDArray, type Shape, formatShape, sizeOf } from '@brownian/graph';
import { DataError } from './errors.ts';

/** What a safetensors file holds: arrays by name, and text by key. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, NDArray>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** One array as the header announces it: where its bytes are, counted from the end of the header. */
export interface TensorEntry {
  readonly name: string;
  /** The format's name of the element type, such as `F32`. */
  readonly type: string;
  readonly shape: Shape;
  readonly from: number;
  readonly to: number;
}

/** The header of a safetensors file. */
export interface TensorHeader {
  readonly entries: readonly TensorEntry[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** An element type of the format: its size, the dtype it becomes, and how to see aligned bytes as elements. */
interface ElementType {
  readonly bytes: number;
  readonly dtype: DType;
  view(buffer: ArrayBuffer): ArrayData;
}

/** A 16-bit float with `fractionBits` of fraction, widened exactly: both types are subsets of float32. */
function widenHalf(bits: number, fractionBits: 7 | 10): number {
  const exponentBits = 15 - fractionBits;
  const sign = bits >= 0x80_00 ? -1 : 1;
  const exponent = (bits >> fractionBits) & ((1 << exponentBits) - 1);
  const fraction = (bits & ((1 << fractionBits) - 1)) / 2 ** fractionBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const half = (fractionBits: 7 | 10): ElementType => ({
  bytes: 2,
  dtype: 'float32',
  view: (buffer) => Float32Array.from(new Uint16Array(buffer), (bits) => widenHalf(bits, fractionBits)),
});

/** The types of the format by its names. Floats become float32, integers of up to 32 bits int32. */
const TYPES: Readonly<Record<string, ElementType>> = {
  F32: { bytes: 4, dtype: 'float32', view: (buffer) => new Float32Array(buffer) },
  F64: { bytes: 8, dtype: 'float32', view: (buffer) => new Float64Array(buffer) },
  F16: half(10),
  BF16: half(7),
  I64: { bytes: 8, dtype: 'int64', view: (buffer) => new BigInt64Array(buffer) },
  I32: { bytes: 4, dtype: 'int32', view: (buffer) => new Int32Array(buffer) },
  I16: { bytes: 2, dtype: 'int32', view: (buffer) => Int32Array.from(new Int16Array(buffer)) },
  U16: { bytes: 2, dtype: 'int32', view: (buffer) => Int32Array.from(new Uint16Array(buffer)) },
  I8: { bytes: 1, dtype: 'int32', view: (buffer) => Int32Array.from(new Int8Array(buffer)) },
  U8: { bytes: 1, dtype: 'int32', view: (buffer) => Int32Array.from(new Uint8Array(buffer)) },
  BOOL: { bytes: 1, dtype: 'bool', view: (buffer) => new Uint8Array(buffer) },
};

/** Bytes before the header: its length. */
export const HEADER_LENGTH_BYTES = 8;
/** The format's own limit; a longer header is a corrupt length field. */
const MAX_HEADER_BYTES = 100_000_000;

function elementSize(type: string): number {
  return (TYPES[type] as ElementType).bytes;
}

function typeName(data: ArrayData): string {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Float64Array) return 'F64';
  if (data instanceof Int32Array) return 'I32';
  return data instanceof BigInt64Array ? 'I64' : 'BOOL';
}

/**
 * A safetensors file as chunks to write one after the other: float32 (F32, or F64 for float64 storage), int32, int64 and bool.
 * Wide elements come first, so every array is aligned to its element size.
 */
export function encodeTensors(file: TensorFile): Uint8Array[] {
  const entries = [...file.tensors].map(([name, array]) => ({ name, array, type: typeName(array.data) }));
  entries.sort((a, b) => elementSize(b.type) - elementSize(a.type) || (a.name < b.name ? -1 : 1));
  const header = new Map<string, unknown>([['__metadata__', file.metadata]]);
  let offset = 0;
  for (const { name, array, type } of entries) {
    const end = offset + array.data.byteLength;
    header.set(name, { dtype: type, shape: array.shape, data_offsets: [offset, end] });
    offset = end;
  }
  // `fromEntries` defines properties, so a tensor called `__proto__` stays a tensor.
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const padded = Math.ceil(text.length / 8) * 8;
  const head = new Uint8Array(HEADER_LENGTH_BYTES + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(text, HEADER_LENGTH_BYTES);
  const bodies = entries.map(({ array: { data } }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return [head, ...bodies];
}

function corrupt(name: string, what: string): DataError {
  return new DataError(`${name} is not a valid safetensors file: ${what}.`);
}

/**
 * The length of the header, from the first 8 bytes of a file.
 *
 * @param fileSize bytes of the whole file, which bound it
 * @throws DataError when the file has no room for such a header
 */
export function headerLength(first: Uint8Array, fileSize: number, name: string): number {
  if (first.length < HEADER_LENGTH_BYTES) {
    throw corrupt(
      name,
      `it has ${first.length} bytes, and the length of the header alone takes ${HEADER_LENGTH_BYTES}`,
    );
  }
  const length = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
  const available = fileSize - HEADER_LENGTH_BYTES;
  if (length > BigInt(available))
    throw corrupt(name, `its header should be ${length} bytes long, but only ${available} follow the length`);
  if (length > BigInt(MAX_HEADER_BYTES))
    throw corrupt(name, `its header should be ${length} bytes long; the format allows ${MAX_HEADER_BYTES}`);
  return Number(length);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readEntry(name: string, value: unknown): TensorEntry | undefined {
  if (!isRecord(value) || Object.keys(value).length !== 3) return undefined;
  const { dtype: type, shape, data_offsets: offsets } = value;
  if (typeof type !== 'string' || !Array.isArray(shape) || !shape.every(isCount)) return undefined;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) return undefined;
  const [from, to] = offsets as [number, number];
  return { name, type, shape, from, to };
}

/** Checks one array by itself: a known type, and as many bytes as its shape takes. */
function checkEntry({ name: entry, type, shape, from, to }: TensorEntry, name: string): void {
  if (!Object.hasOwn(TYPES, type))
    throw corrupt(name, `"${entry}" has the type ${type}; known are ${Object.keys(TYPES).join(', ')}`);
  if (to < from) throw corrupt(name, `"${entry}" ends at byte ${to}, before it begins at ${from}`);
  const needed = sizeOf(shape) * elementSize(type);
  if (needed !== to - from) {
    const what = `"${entry}" of shape ${formatShape(shape)} and type ${type}`;
    throw corrupt(name, `${what} takes ${needed} bytes, not ${to - from}`);
  }
}

/** The arrays must tile the rest of the file: no gap, no overlap, nothing beyond the end. */
function checkLayout(entries: readonly TensorEntry[], available: number, name: string): void {
  let end = 0;
  for (const { name: entry, from, to } of entries.toSorted((a, b) => a.from - b.from || a.to - b.to)) {
    if (from < end) throw corrupt(name, `"${entry}" begins at byte ${from}, inside the array that ends at ${end}`);
    if (from > end) throw corrupt(name, `bytes ${end} to ${from}, before "${entry}", belong to no array`);
    if (to > available)
      throw corrupt(name, `"${entry}" ends at byte ${to}, but only ${available} bytes follow the header`);
    end = to;
  }
  if (end !== available) throw corrupt(name, `${available - end} bytes at its end belong to no array`);
}

/**
 * Reads and checks the JSON header of a safetensors file.
 *
 * @param bytes the header, without its length
 * @param bodyBytes bytes that follow the header in the file
 * @param name names the file in errors
 * @throws DataError that says what is wrong and where, when header and file do not fit together
 */
export function parseHeader(bytes: Uint8Array, bodyBytes: number, name: string): TensorHeader {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw corrupt(name, `its header is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  if (!isRecord(header)) throw corrupt(name, 'its header is not a JSON object');
  const { __metadata__: metadata = {}, ...arrays } = header;
  if (!isRecord(metadata) || !Object.values(metadata).every((value) => typeof value === 'string'))
    throw corrupt(name, 'its metadata is not a table of text');
  const entries = Object.entries(arrays).map(([key, value]) => {
    const entry = readEntry(key, value);
    if (entry !== undefined) return entry;
    throw corrupt(
      name,
      `the header entry of "${key}" must have a dtype, a shape and two data_offsets, and nothing else`,
    );
  });
  for (const entry of entries) checkEntry(entry, name);
  checkLayout(entries, bodyBytes, name);
  return { entries, metadata: metadata as Record<string, string> };
}

/** The array of an entry from its bytes. Copies, because offsets in foreign files need not be aligned to the element size. */
export function readTensor({ type, shape }: TensorEntry, bytes: Uint8Array): NDArray {
  const element = TYPES[type] as ElementType;
  return { dtype: element.dtype, shape, data: element.view(new Uint8Array(bytes).buffer) };
}

/**
 * Reads the bytes of a safetensors file: F32, F16 and BF16 as float32, F64 as float32 in float64 storage, I64 as int64, smaller
 * integers as int32, BOOL as bool.
 *
 * @param name names the file in errors
 * @throws DataError that says what is wrong and where, for anything that is not a whole and consistent file
 */
export function decodeTensors(bytes: Uint8Array, name: string): TensorFile {
  const start = HEADER_LENGTH_BYTES + headerLength(bytes, bytes.length, name);
  const body = bytes.subarray(start);
  const { entries, metadata } = parseHeader(bytes.subarray(HEADER_LENGTH_BYTES, start), body.length, name);
  const tensors = entries.map((entry) => [entry.name, readTensor(entry, body.subarray(entry.from, entry.to))] as const);
  return { tensors: new Map(tensors), metadata };
}
