import { type NDArray, ndarray } from '@brownian/graph';
import { describe, expect, it } from 'vitest';
import { DataError } from '../src/data/errors.ts';
import { decodeTensors, encodeTensors } from '../src/data/safetensors.ts';

const ARRAYS: readonly (readonly [string, NDArray])[] = [
  ['flags', ndarray(Uint8Array.of(1, 0, 1))],
  ['params.conv.weight', ndarray([1.5, -0, NaN, Infinity], [2, 2])],
  ['exact', ndarray(Float64Array.of(Math.PI), [])],
  ['labels', ndarray(Int32Array.of(-1, 2 ** 31 - 1))],
  ['counts', ndarray(BigInt64Array.of(-(2n ** 63n), 7n))],
  ['nothing', ndarray(new Float32Array(0), [0, 3])],
  ['__proto__', ndarray([1])],
];

function bytesOf(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A file with this header, given as JSON or as raw text, and a body of this many bytes. */
function fileOf(header: unknown, body: number, declared?: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + body);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(declared ?? text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const F32 = (shape: readonly number[], from: number, to: number): object => ({
  dtype: 'F32',
  shape,
  data_offsets: [from, to],
});

describe('safetensors', () => {
  it('gives back what was written: names, shapes, types and bits', () => {
    const bytes = bytesOf(encodeTensors({ tensors: new Map(ARRAYS), metadata: { made: 'here', π: 'yes' } }));
    const { tensors, metadata } = decodeTensors(bytes, 'x');
    expect([...tensors.keys()].toSorted()).toEqual(ARRAYS.map(([name]) => name).toSorted());
    for (const [name, array] of ARRAYS) expect(tensors.get(name)).toEqual(array);
    expect(metadata).toEqual({ made: 'here', π: 'yes' });
  });

  it('aligns the header to 8 bytes and every array to its element size', () => {
    const bytes = bytesOf(encodeTensors({ tensors: new Map(ARRAYS), metadata: {} }));
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as Record<string, never>;
    const sizes: Record<string, number> = { F64: 8, I64: 8, F32: 4, I32: 4, BOOL: 1 };
    for (const { dtype, data_offsets: offsets } of Object.values(header).slice(1) as {
      dtype: string;
      data_offsets: [number];
    }[]) {
      expect(offsets[0] % (sizes[dtype] ?? NaN)).toBe(0);
    }
  });

  it('reads arrays that a foreign writer did not align, and smaller integers', () => {
    const header = { a: { dtype: 'U8', shape: [3], data_offsets: [0, 3] }, b: F32([1], 3, 7) };
    const file = fileOf(header, 7);
    file.set([9, 8, 7], file.length - 7);
    new DataView(file.buffer).setFloat32(file.length - 4, 2.5, true);
    const { tensors } = decodeTensors(file, 'x');
    expect(tensors.get('a')).toEqual({ dtype: 'int32', shape: [3], data: Int32Array.of(9, 8, 7) });
    expect(tensors.get('b')?.data).toEqual(Float32Array.of(2.5));
  });

  it.each([
    // IEEE 754 binary16: 1, −2, largest, smallest subnormal, −0, ∞, and 1/3 rounded.
    [
      'F16',
      [0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x7c00, 0x3555],
      [1, -2, 65504, 2 ** -24, -0, Infinity, 0.333251953125],
    ],
    // The upper half of a binary32.
    [
      'BF16',
      [0x3f80, 0xc000, 0x7f7f, 0x0001, 0x8000, 0xff80, 0x3eab],
      [1, -2, 3.3895313892515355e38, 2 ** -133, -0, -Infinity, 0.333984375],
    ],
    ['I8', [0xff80], [-128, -1]],
    ['I16', [0x8000, 0x7fff], [-32768, 32767]],
    ['U16', [0xffff], [65535]],
  ])('reads %s', (dtype, words, values) => {
    const bytes = Uint8Array.from(words.flatMap((word) => [word & 255, word >> 8]));
    const header = { a: { dtype, shape: [values.length], data_offsets: [0, bytes.length] } };
    const file = fileOf(header, bytes.length);
    file.set(bytes, file.length - bytes.length);
    const { tensors } = decodeTensors(file, 'x');
    expect(Array.from(tensors.get('a')?.data as Float32Array)).toEqual(values);
  });

  it('reads NaN of both 16-bit floats', () => {
    const header = {
      a: { dtype: 'F16', shape: [1], data_offsets: [0, 2] },
      b: { dtype: 'BF16', shape: [1], data_offsets: [2, 4] },
    };
    const file = fileOf(header, 4);
    file.set([0x01, 0x7c, 0x81, 0x7f], file.length - 4);
    const { tensors } = decodeTensors(file, 'x');
    expect([tensors.get('a')?.data[0], tensors.get('b')?.data[0]]).toEqual([NaN, NaN]);
  });

  it.each([
    ['an empty file', new Uint8Array(0), 'it has 0 bytes'],
    ['half a length', new Uint8Array(5), 'it has 5 bytes'],
    ['a header longer than the file', fileOf({}, 4, 1000), 'its header should be 1000 bytes long, but only 6 follow'],
    ['an absurd header length', fileOf({}, 0, 2 ** 52), 'its header should be'],
    ['no metadata but a number', fileOf({ __metadata__: 3 }, 0), 'its metadata is not a table of text'],
    ['bad JSON', fileOf('{"a":', 0), 'its header is not JSON'],
    ['a list as header', fileOf([], 0), 'its header is not a JSON object'],
    ['metadata that is not text', fileOf({ __metadata__: { a: 1 } }, 0), 'its metadata is not a table of text'],
    ['an entry without shape', fileOf({ a: { dtype: 'F32', data_offsets: [0, 4] } }, 4), 'the header entry of "a"'],
    ['an entry with extra keys', fileOf({ a: { ...F32([1], 0, 4), x: 1 } }, 4), 'the header entry of "a"'],
    ['a negative axis', fileOf({ a: F32([-1], 0, 4) }, 4), 'the header entry of "a"'],
    ['a fractional offset', fileOf({ a: F32([1], 0.5, 4) }, 4), 'the header entry of "a"'],
    [
      'an unknown type',
      fileOf({ a: { dtype: 'F8', shape: [4], data_offsets: [0, 4] } }, 4),
      '"a" has the type F8; known are F32',
    ],
    [
      'a type named like a property',
      fileOf({ a: { dtype: 'constructor', shape: [4], data_offsets: [0, 4] } }, 4),
      'the type constructor',
    ],
    [
      'overlapping arrays',
      fileOf({ a: F32([1], 0, 4), b: F32([1], 2, 6) }, 6),
      '"b" begins at byte 2, inside the array that ends at 4',
    ],
    ['a gap', fileOf({ a: F32([1], 0, 4), b: F32([1], 8, 12) }, 12), 'bytes 4 to 8, before "b", belong to no array'],
    ['an end before the beginning', fileOf({ a: F32([1], 4, 0) }, 4), '"a" ends at byte 0, before it begins at 4'],
    ['an array beyond the end', fileOf({ a: F32([2], 0, 8) }, 4), '"a" ends at byte 8, but only 4 bytes follow'],
    ['bytes left over', fileOf({ a: F32([1], 0, 4) }, 6), '2 bytes at its end belong to no array'],
    [
      'a shape that does not fit',
      fileOf({ a: F32([2, 2], 0, 8) }, 8),
      '"a" of shape [2, 2] and type F32 takes 16 bytes, not 8',
    ],
    ['an enormous shape', fileOf({ a: F32([2 ** 50, 2 ** 50], 0, 8) }, 8), 'not 8'],
  ])('says what is wrong with %s', (_name, bytes, message) => {
    const decode = (): unknown => decodeTensors(bytes, 'weights.safetensors');
    expect(decode).toThrow(DataError);
    expect(decode).toThrow('weights.safetensors is not a valid safetensors file');
    expect(decode).toThrow(message);
  });

  it('refuses every mutation of a file with an error of its own, never another', () => {
    const good = bytesOf(encodeTensors({ tensors: new Map(ARRAYS), metadata: { a: 'b' } }));
    const errors: unknown[] = [];
    for (let i = 0; i < 2000; i++) {
      const bytes = good.slice(0, i % 3 === 0 ? (i * 7919) % good.length : good.length);
      for (let k = 0; k <= i % 4; k++) bytes[(i * 104_729 + k * 31) % bytes.length] = (i * 2_654_435_761) >>> 24;
      try {
        decodeTensors(bytes, 'x');
      } catch (error) {
        errors.push(error);
      }
    }
    expect(errors.length).toBeGreaterThan(1000);
    expect(errors.filter((error) => !(error instanceof DataError))).toEqual([]);
  });
});
