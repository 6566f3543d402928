import { readFile } from 'node:fs/promises';
import { type ArrayData, type NDArray, type Shape, formatShape, sizeOf } from '@brownian/graph';
import { z } from 'zod';
import { UserError, fileProblem } from '../errors.ts';
import { writeAtomically } from './atomic.ts';

/** What a safetensors file holds: arrays by name, and text by key. */
export interface TensorFile {
  readonly tensors: ReadonlyMap<string, NDArray>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes per element, and how to see bytes as elements, by the format's name of the type. */
const TYPES = {
  F32: { bytes: 4, dtype: 'float32', view: (buffer: ArrayBuffer): ArrayData => new Float32Array(buffer) },
  F64: { bytes: 8, dtype: 'float32', view: (buffer: ArrayBuffer): ArrayData => new Float64Array(buffer) },
  I32: { bytes: 4, dtype: 'int32', view: (buffer: ArrayBuffer): ArrayData => new Int32Array(buffer) },
  I64: { bytes: 8, dtype: 'int64', view: (buffer: ArrayBuffer): ArrayData => new BigInt64Array(buffer) },
  U8: { bytes: 1, dtype: 'bool', view: (buffer: ArrayBuffer): ArrayData => new Uint8Array(buffer) },
  BOOL: { bytes: 1, dtype: 'bool', view: (buffer: ArrayBuffer): ArrayData => new Uint8Array(buffer) },
} as const;

type TypeName = keyof typeof TYPES;

// The format's own limit; a longer header is a corrupt length field.
const MAX_HEADER_BYTES = 100_000_000;

const ENTRY = z.strictObject({
  dtype: z.string(),
  shape: z.array(z.int().min(0)),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
});

type Entry = z.infer<typeof ENTRY> & { readonly name: string };

function typeName(data: ArrayData): TypeName {
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
  entries.sort((a, b) => TYPES[b.type].bytes - TYPES[a.type].bytes || (a.name < b.name ? -1 : 1));
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
  const head = new Uint8Array(8 + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(text, 8);
  const bodies = entries.map(({ array: { data } }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return [head, ...bodies];
}

function corrupt(name: string, what: string): UserError {
  return new UserError(`${name} is not a valid safetensors file: ${what}.`);
}

/** The JSON header, as entries and metadata. */
function readHeader(
  bytes: Uint8Array,
  name: string,
): { entries: Entry[]; metadata: Record<string, string>; start: number } {
  if (bytes.length < 8) throw corrupt(name, `it has ${bytes.length} bytes, and the length of the header alone takes 8`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(bytes.length - 8, MAX_HEADER_BYTES))) {
    throw corrupt(name, `its header should be ${length} bytes long, but only ${bytes.length - 8} follow the length`);
  }
  const start = 8 + Number(length);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)));
  } catch (error) {
    throw corrupt(name, `its header is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw corrupt(name, 'its header is not a JSON object');
  let metadata: Record<string, string> = {};
  const entries: Entry[] = [];
  for (const [key, value] of Object.entries(header)) {
    if (key === '__metadata__') {
      const parsed = z.record(z.string(), z.string()).safeParse(value);
      if (!parsed.success) throw corrupt(name, 'its metadata is not a table of text');
      metadata = parsed.data;
      continue;
    }
    const parsed = ENTRY.safeParse(value);
    if (!parsed.success)
      throw corrupt(
        name,
        `the header entry of "${key}" must have a dtype, a shape and two data_offsets, and nothing else`,
      );
    entries.push({ ...parsed.data, name: key });
  }
  return { entries, metadata, start };
}

/** The arrays must tile the rest of the file: no gap, no overlap, nothing beyond the end. */
function checkLayout(entries: readonly Entry[], available: number, name: string): void {
  let end = 0;
  const byOffset = entries.toSorted(
    (a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );
  for (const entry of byOffset) {
    const [from, to] = entry.data_offsets;
    if (to < from) throw corrupt(name, `"${entry.name}" ends at byte ${to}, before it begins at ${from}`);
    if (from < end) throw corrupt(name, `"${entry.name}" begins at byte ${from}, inside the array that ends at ${end}`);
    if (from > end) throw corrupt(name, `bytes ${end} to ${from}, before "${entry.name}", belong to no array`);
    if (to > available)
      throw corrupt(name, `"${entry.name}" ends at byte ${to}, but only ${available} bytes follow the header`);
    end = to;
  }
  if (end !== available) throw corrupt(name, `${available - end} bytes at its end belong to no array`);
}

function readArray(entry: Entry, body: Uint8Array, name: string): NDArray {
  if (!Object.hasOwn(TYPES, entry.dtype)) {
    throw corrupt(name, `"${entry.name}" has the type ${entry.dtype}; known are ${Object.keys(TYPES).join(', ')}`);
  }
  const type = TYPES[entry.dtype as TypeName];
  const [from, to] = entry.data_offsets;
  const shape: Shape = entry.shape;
  if (sizeOf(shape) * type.bytes !== to - from) {
    const needed = sizeOf(shape) * type.bytes;
    throw corrupt(
      name,
      `"${entry.name}" of shape ${formatShape(shape)} and type ${entry.dtype} takes ${needed} bytes, not ${to - from}`,
    );
  }
  // A copy, because offsets in foreign files need not be aligned to the element size.
  return { dtype: type.dtype, shape, data: type.view(new Uint8Array(body.subarray(from, to)).buffer) };
}

/**
 * Reads the bytes of a safetensors file.
 *
 * @param name names the file in errors.
 * @throws UserError that says what is wrong and where, for anything that is not a whole and consistent file.
 */
export function decodeTensors(bytes: Uint8Array, name: string): TensorFile {
  const { entries, metadata, start } = readHeader(bytes, name);
  const body = bytes.subarray(start);
  checkLayout(entries, body.length, name);
  return { tensors: new Map(entries.map((entry) => [entry.name, readArray(entry, body, name)])), metadata };
}

/** Reads a safetensors file. @throws UserError when it is missing or corrupt. */
export async function readTensors(path: string): Promise<TensorFile> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UserError(`Cannot read ${path}: ${fileProblem(error)}.`, { cause: error });
  }
  return decodeTensors(bytes, path);
}

/** Writes a safetensors file, whole or not at all. @throws UserError when it cannot be written. */
export async function writeTensors(path: string, file: TensorFile): Promise<void> {
  await writeAtomically(path, encodeTensors(file));
}
