import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { describe, expect, test } from 'vitest';
import { OnnxError, constant, conv2d, decodeModel, ndarray, toOnnx } from '@brownian/graph';
import { f32, graphOf } from './graphs.ts';

/** A model with one initializer, written field by field as other writers do. */
function withTensor(write: (tensor: BinaryWriter) => void): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(7, WireType.LengthDelimited).fork();
  writer.tag(5, WireType.LengthDelimited).fork();
  writer.tag(8, WireType.LengthDelimited).string('w');
  write(writer);
  return writer.join().join().finish();
}

const packed = (writer: BinaryWriter, field: number, write: () => void): BinaryWriter => {
  writer.tag(field, WireType.LengthDelimited).fork();
  write();
  return writer.join();
};

const read = (bytes: Uint8Array): unknown => decodeModel(bytes, 'w.onnx').initializers.get('w');

describe('arrays of other writers', () => {
  test('with packed floats and sizes', () => {
    const bytes = withTensor((w) => {
      packed(w, 1, () => w.int64(2).int64(1));
      w.tag(2, WireType.Varint).int32(1);
      packed(w, 4, () => w.float(1.5).float(-2));
    });
    expect(read(bytes)).toEqual(ndarray([1.5, -2], [2, 1]));
  });

  test('with packed integers, doubles, and floats one by one', () => {
    const long = withTensor((w) => {
      w.tag(1, WireType.Varint).int64(2).tag(2, WireType.Varint).int32(7);
      packed(w, 7, () => w.int64(-1).int64(300));
    });
    expect(read(long)).toEqual(ndarray(BigInt64Array.of(-1n, 300n)));
    const double = withTensor((w) => {
      w.tag(1, WireType.Varint).int64(1).tag(2, WireType.Varint).int32(11);
      packed(w, 10, () => w.double(Math.PI));
    });
    expect(read(double)).toEqual(ndarray(Float64Array.of(Math.PI)));
    const single = withTensor((w) => {
      w.tag(1, WireType.Varint).int64(2).tag(2, WireType.Varint).int32(1);
      w.tag(4, WireType.Bit32).float(1).tag(4, WireType.Bit32).float(2);
    });
    expect(read(single)).toEqual(ndarray([1, 2]));
  });

  test.each<[string, (w: BinaryWriter) => void, string]>([
    ['half floats', (w) => w.tag(2, WireType.Varint).int32(10), 'has the ONNX element type 10'],
    [
      'values in another file',
      (w) => w.tag(2, WireType.Varint).int32(1).tag(14, WireType.Varint).int32(1),
      'is stored outside of the model file',
    ],
    [
      'too few values',
      (w) => w.tag(1, WireType.Varint).int64(3).tag(2, WireType.Varint).int32(1).tag(4, WireType.Bit32).float(1),
      'of shape [3] has 1 values',
    ],
    [
      'half a value',
      (w) => w.tag(2, WireType.Varint).int32(1).tag(9, WireType.LengthDelimited).bytes(new Uint8Array(3)),
      'of shape [] has a broken number of values',
    ],
  ])('with %s are refused', (_, write, message) => {
    expect(() => read(withTensor(write))).toThrow(OnnxError);
    expect(() => read(withTensor(write))).toThrow(`The array "w" of w.onnx ${message}`);
  });
});

describe('bytes that are no model', () => {
  test.each([
    ['nothing', new Uint8Array(0)],
    ['text', new TextEncoder().encode('<!doctype html><html>404</html>')],
    ['an end in the middle', Uint8Array.of(0x3a, 0xff, 0x01, 0x00)],
  ])('%s', (_, bytes) => {
    expect(() => decodeModel(bytes, 'w.onnx')).toThrow(OnnxError);
    expect(() => decodeModel(bytes, 'w.onnx')).toThrow(/^w\.onnx is not a valid ONNX model: [^\n]+\.$/);
  });

  test('every mutation is read or refused with an error of its own, never another', () => {
    const filters = constant(ndarray(Float32Array.from({ length: 18 }, Math.sin), [2, 1, 3, 3]));
    const good = toOnnx(
      graphOf((x) => conv2d(x, filters), f32(1, 1, 5, 5)),
      { target: 'wasm' },
    );
    const errors: unknown[] = [];
    for (let i = 0; i < 3000; i++) {
      const bytes = good.slice(0, i % 3 === 0 ? (i * 7919) % good.length : good.length);
      for (let k = 0; k <= i % 4; k++) bytes[(i * 104_729 + k * 31) % bytes.length] = (i * 2_654_435_761) >>> 24;
      try {
        decodeModel(bytes, 'w.onnx');
      } catch (error) {
        errors.push(error);
      }
    }
    expect(errors.length).toBeGreaterThan(500);
    expect(errors.filter((error) => !(error instanceof OnnxError))).toEqual([]);
  });
});
