import { DataError } from './errors.ts';

/** Bytes with a shape, row-major: what an IDX file holds and what image sets are made of. */
export interface ByteArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const MAGIC_BYTES = 4;
const BYTES_PER_DIMENSION = 4;
const UNSIGNED_BYTE = 0x08;
const ELEMENT_TYPES: ReadonlyMap<number, string> = new Map([
  [0x09, 'int8'],
  [0x0b, 'int16'],
  [0x0c, 'int32'],
  [0x0d, 'float32'],
  [0x0e, 'float64'],
]);

function hex(bytes: Uint8Array): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** Checks the magic number `0x0000 08 nn` and returns nn, the number of dimensions. */
function readMagic(bytes: Uint8Array, source: string): number {
  if (bytes.length < MAGIC_BYTES) {
    throw new DataError(
      `${source}: an IDX file begins with ${MAGIC_BYTES} bytes of magic number, the file ends at byte ${bytes.length}.`,
    );
  }
  const magic = bytes.subarray(0, MAGIC_BYTES);
  const [zero0 = 0, zero1 = 0, type = 0, dimensions = 0] = magic;
  if (zero0 === 0x1f && zero1 === 0x8b) {
    throw new DataError(
      `${source}: the magic number at byte 0 is ${hex(magic)}, which is gzip; decompress the file first.`,
    );
  }
  const known = ELEMENT_TYPES.get(type);
  if (zero0 !== 0 || zero1 !== 0 || (type !== UNSIGNED_BYTE && known === undefined)) {
    throw new DataError(
      `${source}: the magic number at byte 0 is ${hex(magic)}, expected 0x000008 and the number of dimensions.`,
    );
  }
  if (known !== undefined) {
    const found = `${known} (${hex(magic.subarray(2, 3))})`;
    throw new DataError(`${source}: byte 2 gives the element type ${found}, only unsigned bytes (0x08) are read.`);
  }
  if (dimensions === 0) {
    throw new DataError(`${source}: byte 3 gives 0 dimensions, expected at least 1.`);
  }
  return dimensions;
}

/**
 * Reads an IDX file of unsigned bytes, the format of the MNIST files: big-endian magic number `0x0000 08 nn`, nn sizes
 * of 32 bits, then the values.
 *
 * @param bytes the whole file, not compressed
 * @param source what to call the file in errors, such as its path
 * @returns the shape, and the values as a view of `bytes` (nothing is copied)
 * @throws DataError when the file is not IDX, holds other elements, or is shorter or longer than its header says
 *
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database", section "File formats".
 */
export function parseIdx(bytes: Uint8Array, source: string): ByteArray {
  const dimensions = readMagic(bytes, source);
  const header = MAGIC_BYTES + dimensions * BYTES_PER_DIMENSION;
  if (bytes.length < header) {
    throw new DataError(
      `${source}: the header of ${dimensions} dimensions takes ${header} bytes, the file ends at byte ${bytes.length}.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, header);
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(MAGIC_BYTES + i * BYTES_PER_DIMENSION));
  const size = shape.reduce((product, axis) => product * axis, 1);
  const sizes = `${source}: the dimensions [${shape.join(', ')}] at byte ${MAGIC_BYTES}`;
  if (!Number.isSafeInteger(size)) {
    throw new DataError(`${sizes} multiply to more than 2^53 values, the file has ${bytes.length} bytes.`);
  }
  const found = bytes.length - header;
  const wanted = `${sizes} call for ${size} bytes from byte ${header}`;
  if (found < size) throw new DataError(`${wanted}, the file is truncated after ${found}.`);
  if (found > size) {
    throw new DataError(`${wanted}, the file has ${found} (${found - size} trailing from byte ${header + size}).`);
  }
  return { shape, data: bytes.subarray(header) };
}
