import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type DType, type NDArray, sizeOf } from '../types.ts';

/** An attribute of an ONNX node: an integer, a list of integers, a float (wrapped) or text. */
export type OnnxAttribute = number | readonly number[] | { readonly float: number } | string;

/** A node of an ONNX graph. */
export interface OnnxNode {
  readonly op: string;
  /** The empty string is the ONNX standard. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** A named value with its type. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: DType;
  /** Sizes of the axes; a name where the file leaves one open, such as the batch. */
  readonly shape: readonly (number | string)[];
}

/** How many bits the floating-point values of a model have: 32 or 64. */
export type Precision = 'single' | 'double';

/** What an ONNX file holds; the subset this package writes. */
export interface OnnxModel {
  readonly name: string;
  /** Version of each operator domain, such as `{ '': 18 }`. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly (NDArray & { readonly name: string })[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** The type that `float32` values have in the file. Default: single. */
  readonly precision?: Precision;
}

/** TensorProto.DataType of integers, and of floats by precision. */
const DATA_TYPE: Readonly<Record<Exclude<DType, 'float32'>, number>> = { int32: 6, int64: 7, bool: 9 };
const FLOAT_TYPE: Readonly<Record<Precision, number>> = { single: 1, double: 11 };
/** AttributeProto.AttributeType. */
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, ints: 7 } as const;
/** IR version 9 carries opsets up to 20. */
const IR_VERSION = 9;

function message(writer: BinaryWriter, field: number, write: (inner: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

function text(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function integer(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function writeAttribute(writer: BinaryWriter, name: string, value: OnnxAttribute): void {
  text(writer, 1, name);
  const kind =
    typeof value === 'number' ? 'int' : typeof value === 'string' ? 'string' : 'float' in value ? 'float' : 'ints';
  if (kind === 'int') integer(writer, 3, value as number);
  else if (kind === 'string') text(writer, 4, value as string);
  else if (kind === 'float') writer.tag(2, WireType.Bit32).float((value as { float: number }).float);
  else for (const item of value as readonly number[]) integer(writer, 8, item);
  integer(writer, 20, ATTRIBUTE_TYPE[kind]);
}

function writeNode(writer: BinaryWriter, node: OnnxNode): void {
  for (const name of node.inputs) text(writer, 1, name);
  for (const name of node.outputs) text(writer, 2, name);
  text(writer, 4, node.op);
  for (const [name, value] of Object.entries(node.attributes))
    message(writer, 5, (w) => writeAttribute(w, name, value));
  if (node.domain !== '') text(writer, 7, node.domain);
}

/** TensorProto.DataType of a dtype in a model of this precision. */
export function onnxType(dtype: DType, precision: Precision): number {
  return dtype === 'float32' ? FLOAT_TYPE[precision] : DATA_TYPE[dtype];
}

/** The bytes of an array as ONNX stores them: little-endian, all floats in the model's precision. */
function rawData(array: NDArray, precision: Precision): Uint8Array {
  const Storage = precision === 'double' ? Float64Array : Float32Array;
  const isFloat = array.data instanceof Float32Array || array.data instanceof Float64Array;
  const data = isFloat && !(array.data instanceof Storage) ? Storage.from(array.data) : array.data;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function writeInitializer(
  writer: BinaryWriter,
  array: NDArray & { readonly name: string },
  precision: Precision,
): void {
  for (const size of array.shape) integer(writer, 1, size);
  integer(writer, 2, onnxType(array.dtype, precision));
  text(writer, 8, array.name);
  writer.tag(9, WireType.LengthDelimited).bytes(rawData(array, precision));
}

function writeShape(writer: BinaryWriter, shape: OnnxValue['shape']): void {
  for (const size of shape)
    message(writer, 1, (dimension) =>
      typeof size === 'string' ? text(dimension, 2, size) : integer(dimension, 1, size),
    );
}

function writeValue(writer: BinaryWriter, value: OnnxValue, precision: Precision): void {
  text(writer, 1, value.name);
  message(writer, 2, (type) =>
    message(type, 1, (tensor) => {
      integer(tensor, 1, onnxType(value.dtype, precision));
      message(tensor, 2, (shape) => writeShape(shape, value.shape));
    }),
  );
}

/**
 * Serialises a model as the bytes of an `.onnx` file (ModelProto; field numbers are those of onnx.proto).
 *
 * @throws RangeError above 2 GiB, which protobuf cannot hold
 */
export function encodeModel(model: OnnxModel): Uint8Array {
  const { precision = 'single' } = model;
  const weights = model.initializers.reduce((sum, array) => sum + 8 * sizeOf(array.shape), 0);
  if (weights > 2 ** 32)
    throw new RangeError(
      `${model.name}: built-in values exceed the 2 GiB that an ONNX file can hold; pass them as arguments.`,
    );
  const writer = new BinaryWriter();
  integer(writer, 1, IR_VERSION);
  text(writer, 2, 'brownian');
  message(writer, 7, (graph) => {
    for (const node of model.nodes) message(graph, 1, (w) => writeNode(w, node));
    text(graph, 2, model.name);
    for (const array of model.initializers) message(graph, 5, (w) => writeInitializer(w, array, precision));
    for (const value of model.inputs) message(graph, 11, (w) => writeValue(w, value, precision));
    for (const value of model.outputs) message(graph, 12, (w) => writeValue(w, value, precision));
  });
  for (const [domain, version] of Object.entries(model.opsets)) {
    message(writer, 8, (opset) => {
      if (domain !== '') text(opset, 1, domain);
      integer(opset, 2, version);
    });
  }
  return writer.finish();
}
