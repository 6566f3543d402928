import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** A message as its raw fields: integers, floats and byte strings by field number, in order. */
type Fields = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

function fields(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const found = new Map<number, (number | Uint8Array)[]>();
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    const read = { [WireType.Varint]: () => Number(reader.int64()), [WireType.Bit32]: () => reader.float() } as Partial<
      Record<WireType, () => number>
    >;
    const value = wire === WireType.LengthDelimited ? reader.bytes() : read[wire]?.();
    if (value === undefined) throw new Error(`Field ${field} has wire type ${wire}, which ONNX does not use.`);
    found.set(field, [...(found.get(field) ?? []), value]);
  }
  return found;
}

const messages = (from: Fields, field: number): Fields[] =>
  (from.get(field) ?? []).map((bytes) => fields(bytes as Uint8Array));
const texts = (from: Fields, field: number): string[] =>
  (from.get(field) ?? []).map((bytes) => new TextDecoder().decode(bytes as Uint8Array));
const text = (from: Fields, field: number): string => texts(from, field)[0] ?? '';
const numbers = (from: Fields, field: number): number[] => (from.get(field) ?? []) as number[];

/** A typed name: `float32[2, 3]` in ONNX's own numbers. */
interface ReadValue {
  readonly name: string;
  readonly elementType: number;
  readonly shape: readonly number[];
}

/** What the tests look at in an `.onnx` file. */
export interface ReadModel {
  readonly irVersion: number;
  readonly opsets: Readonly<Record<string, number>>;
  readonly name: string;
  readonly nodes: readonly {
    readonly op: string;
    readonly domain: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
  readonly initializers: readonly (ReadValue & { readonly bytes: Uint8Array })[];
  readonly inputs: readonly ReadValue[];
  readonly outputs: readonly ReadValue[];
}

function readAttribute(from: Fields): readonly [string, unknown] {
  const [kind] = numbers(from, 20);
  const value =
    kind === 1 ? numbers(from, 2)[0] : kind === 2 ? numbers(from, 3)[0] : kind === 3 ? text(from, 4) : numbers(from, 8);
  return [text(from, 1), value];
}

function readValue(from: Fields): ReadValue {
  const [tensor] = messages(messages(from, 2)[0] as Fields, 1) as [Fields];
  const dimensions = messages(messages(tensor, 2)[0] as Fields, 1);
  return {
    name: text(from, 1),
    elementType: numbers(tensor, 1)[0] as number,
    shape: dimensions.map((d) => numbers(d, 1)[0] as number),
  };
}

/** Reads the subset of ONNX that this package writes; field numbers are those of onnx.proto. */
export function readModel(bytes: Uint8Array): ReadModel {
  const model = fields(bytes);
  const [graph] = messages(model, 7) as [Fields];
  return {
    irVersion: numbers(model, 1)[0] as number,
    opsets: Object.fromEntries(messages(model, 8).map((opset) => [text(opset, 1), numbers(opset, 2)[0] as number])),
    name: text(graph, 2),
    nodes: messages(graph, 1).map((node) => ({
      op: text(node, 4),
      domain: text(node, 7),
      inputs: texts(node, 1),
      outputs: texts(node, 2),
      attributes: Object.fromEntries(messages(node, 5).map(readAttribute)),
    })),
    initializers: messages(graph, 5).map((array) => ({
      name: text(array, 8),
      elementType: numbers(array, 2)[0] as number,
      shape: numbers(array, 1),
      bytes: (array.get(9)?.[0] ?? new Uint8Array()) as Uint8Array,
    })),
    inputs: messages(graph, 11).map(readValue),
    outputs: messages(graph, 12).map(readValue),
  };
}
