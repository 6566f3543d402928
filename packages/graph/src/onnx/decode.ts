import { BinaryReader, WireType, getTextEncoding } from '@bufbuild/protobuf/wire';
import { type ArrayData, type DType, type NDArray, formatShape, sizeOf } from '../types.ts';

/** A file that is no ONNX model, or one that cannot be imported. The message is one sentence. */
export class OnnxError extends Error {
  override readonly name = 'OnnxError';
}

/** A value of an attribute: numbers, text, or an array. */
export type ReadAttribute = number | readonly number[] | string | NDArray;

/** A node as the file has it. */
export interface ReadNode {
  /** Its name, or that of its first output when it has none. */
  readonly name: string;
  readonly op: string;
  /** The empty string is the ONNX standard. */
  readonly domain: string;
  /** The empty string stands for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, ReadAttribute>>;
}

/** An input or output of a model; axes of unknown size have a name, or none. */
export interface ReadValue {
  readonly name: string;
  /** Undefined for what is not a tensor of a dtype that graphs have. */
  readonly dtype: DType | undefined;
  readonly shape: readonly (number | string)[];
}

/** What {@link decodeModel} reads of an ONNX file. */
export interface ReadModel {
  readonly irVersion: number;
  readonly name: string;
  /** Version of each operator domain, such as `{ '': 18 }`. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly nodes: readonly ReadNode[];
  readonly initializers: ReadonlyMap<string, NDArray>;
  readonly inputs: readonly ReadValue[];
  readonly outputs: readonly ReadValue[];
}

/** A message as its raw fields, in order. Packed integers stay bytes until somebody knows that they are integers. */
type Fields = ReadonlyMap<number, readonly (number | bigint | Uint8Array)[]>;

function fields(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const found = new Map<number, (number | bigint | Uint8Array)[]>();
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    const list = found.get(field) ?? [];
    if (wire === WireType.Varint) list.push(BigInt(reader.int64()));
    else if (wire === WireType.Bit32) list.push(reader.float());
    else if (wire === WireType.Bit64) list.push(reader.double());
    else if (wire === WireType.LengthDelimited) list.push(reader.bytes());
    else throw new Error(`field ${field} has wire type ${wire}`);
    found.set(field, list);
  }
  return found;
}

const messages = (from: Fields, field: number): Fields[] =>
  (from.get(field) ?? []).map((bytes) => fields(bytes as Uint8Array));
const texts = (from: Fields, field: number): string[] =>
  (from.get(field) ?? []).map((bytes) => getTextEncoding().decodeUtf8(bytes as Uint8Array));
const text = (from: Fields, field: number): string => texts(from, field)[0] ?? '';
const number = (from: Fields, field: number): number | undefined => {
  const value = from.get(field)?.[0];
  return value === undefined ? undefined : Number(value);
};

/** Integers of a repeated field, packed or not. */
function integers(from: Fields, field: number): bigint[] {
  return (from.get(field) ?? []).flatMap((value) => {
    if (!(value instanceof Uint8Array)) return [BigInt(value)];
    const reader = new BinaryReader(value);
    const list: bigint[] = [];
    while (reader.pos < reader.len) list.push(BigInt(reader.int64()));
    return list;
  });
}

/** Fixed-size numbers of a repeated field, packed or not. */
function floats(from: Fields, field: number, bytes: 4 | 8): number[] {
  return (from.get(field) ?? []).flatMap((value) => {
    if (!(value instanceof Uint8Array)) return [Number(value)];
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    const count = value.byteLength / bytes;
    return Array.from({ length: count }, (_, i) =>
      bytes === 4 ? view.getFloat32(4 * i, true) : view.getFloat64(8 * i, true),
    );
  });
}

/** An element type of TensorProto: what it becomes, where it is stored when not raw, and how raw bytes are seen. */
interface ElementType {
  readonly dtype: DType;
  readonly bytes: number;
  readonly raw: (buffer: ArrayBuffer) => ArrayData;
  readonly listed: (tensor: Fields) => ArrayData;
}

const bool = (values: Iterable<number | bigint>): Uint8Array =>
  Uint8Array.from(values, (v) => (Number(v) === 0 ? 0 : 1));

/** By TensorProto.DataType. float64 is kept in float64 storage, small integers as int32. */
const ELEMENT_TYPES: Readonly<Record<number, ElementType>> = {
  1: {
    dtype: 'float32',
    bytes: 4,
    raw: (b) => new Float32Array(b),
    listed: (t) => Float32Array.from(floats(t, 4, 4)),
  },
  11: {
    dtype: 'float32',
    bytes: 8,
    raw: (b) => new Float64Array(b),
    listed: (t) => Float64Array.from(floats(t, 10, 8)),
  },
  6: {
    dtype: 'int32',
    bytes: 4,
    raw: (b) => new Int32Array(b),
    listed: (t) => Int32Array.from(integers(t, 5), Number),
  },
  7: {
    dtype: 'int64',
    bytes: 8,
    raw: (b) => new BigInt64Array(b),
    listed: (t) => BigInt64Array.from(integers(t, 7)),
  },
  9: { dtype: 'bool', bytes: 1, raw: (b) => bool(new Uint8Array(b)), listed: (t) => bool(integers(t, 5)) },
  3: {
    dtype: 'int32',
    bytes: 1,
    raw: (b) => Int32Array.from(new Int8Array(b)),
    listed: (t) => Int32Array.from(integers(t, 5), Number),
  },
  2: {
    dtype: 'int32',
    bytes: 1,
    raw: (b) => Int32Array.from(new Uint8Array(b)),
    listed: (t) => Int32Array.from(integers(t, 5), Number),
  },
};

function readTensor(tensor: Fields, owner: string): NDArray {
  const kind = number(tensor, 2) ?? 0;
  const type = ELEMENT_TYPES[kind];
  if (type === undefined)
    throw new OnnxError(
      `${owner} has the ONNX element type ${kind}; floats of 32 or 64 bits, integers and bools can be read.`,
    );
  if (number(tensor, 14) === 1)
    throw new OnnxError(`${owner} is stored outside of the model file; save the model in one file.`);
  const shape = integers(tensor, 1).map(Number);
  const raw = tensor.get(9)?.[0] as Uint8Array | undefined;
  const whole = raw === undefined || raw.length % type.bytes === 0;
  const data = raw === undefined ? type.listed(tensor) : whole ? type.raw(new Uint8Array(raw).buffer) : undefined;
  if (data === undefined || data.length !== sizeOf(shape))
    throw new OnnxError(`${owner} of shape ${formatShape(shape)} has ${data?.length ?? 'a broken number of'} values.`);
  return { dtype: type.dtype, shape, data };
}

/** By AttributeProto.AttributeType. */
function readAttribute(from: Fields, node: string): readonly [string, ReadAttribute] | undefined {
  const name = text(from, 1);
  const kind = number(from, 20) ?? 0;
  if (kind === 1) return [name, number(from, 2) ?? 0];
  if (kind === 2) return [name, number(from, 3) ?? 0];
  if (kind === 3) return [name, text(from, 4)];
  if (kind === 4) return [name, readTensor(messages(from, 5)[0] ?? new Map(), `The attribute "${name}" of ${node}`)];
  if (kind === 6) return [name, floats(from, 7, 4)];
  if (kind === 7) return [name, integers(from, 8).map(Number)];
  // Graphs, strings in lists, sparse tensors: no operator that can be imported has them.
  return undefined;
}

function readNode(from: Fields): ReadNode {
  const outputs = texts(from, 2);
  const name = text(from, 3) === '' ? (outputs[0] ?? '') : text(from, 3);
  const attributes = messages(from, 5).map((attribute) => readAttribute(attribute, name));
  return {
    name,
    op: text(from, 4),
    domain: text(from, 7) === 'ai.onnx' ? '' : text(from, 7),
    inputs: texts(from, 1),
    outputs,
    attributes: Object.fromEntries(attributes.filter((attribute) => attribute !== undefined)),
  };
}

function readValue(from: Fields): ReadValue {
  const tensor = messages(messages(from, 2)[0] ?? new Map(), 1)[0] ?? new Map();
  const axes = messages(messages(tensor, 2)[0] ?? new Map(), 1);
  const shape = axes.map((axis) => number(axis, 1) ?? text(axis, 2));
  return { name: text(from, 1), dtype: ELEMENT_TYPES[number(tensor, 1) ?? 0]?.dtype, shape };
}

function read(bytes: Uint8Array, file: string): ReadModel {
  const model = fields(bytes);
  const [graph] = messages(model, 7);
  if (graph === undefined) throw new Error('it holds no graph');
  const opsets = messages(model, 8).map((opset) => [text(opset, 1), number(opset, 2) ?? 0] as const);
  const initializers = messages(graph, 5).map((tensor) => {
    const name = text(tensor, 8);
    return [name, readTensor(tensor, `The array "${name}" of ${file}`)] as const;
  });
  return {
    irVersion: number(model, 1) ?? 0,
    name: text(graph, 2),
    opsets: Object.fromEntries(opsets.map(([domain, version]) => [domain === 'ai.onnx' ? '' : domain, version])),
    nodes: messages(graph, 1).map(readNode),
    initializers: new Map(initializers),
    // Old files list initializers among the inputs.
    inputs: messages(graph, 11)
      .map(readValue)
      .filter(({ name }) => !initializers.some(([known]) => known === name)),
    outputs: messages(graph, 12).map(readValue),
  };
}

/**
 * Reads the bytes of an `.onnx` file (ModelProto; field numbers are those of onnx.proto): the counterpart of {@link encodeModel}, for
 * files of other writers too.
 *
 * @param file names the file in errors
 * @throws OnnxError when it is no ONNX model, or has arrays that cannot be read
 */
export function decodeModel(bytes: Uint8Array, file: string): ReadModel {
  try {
    return read(bytes, file);
  } catch (error) {
    if (error instanceof OnnxError) throw error;
    const why = error instanceof Error ? error.message.replace(/\.$/, '') : String(error);
    throw new OnnxError(`${file} is not a valid ONNX model: ${why}.`, { cause: error });
  }
}
