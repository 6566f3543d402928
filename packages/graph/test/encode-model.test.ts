import { describe, expect, test } from 'vitest';
import {
  type OnnxModel,
  type ReadModel,
  type Tensor,
  apply,
  cast,
  constant,
  conv2d,
  decodeModel,
  encodeModel,
  exp,
  leakyRelu,
  less,
  lower,
  max,
  maxPool2d,
  ndarray,
  scatterAdd,
  stopGradient,
  toOnnx,
} from '@brownian/graph';
import { f32, graphOf, type } from './graphs.ts';

const model: OnnxModel = {
  name: 'every field',
  opsets: { '': 18, 'com.example': 1 },
  nodes: [
    {
      op: 'Thing',
      domain: 'com.example',
      inputs: ['x', '', 'naïve·name'],
      outputs: ['y', 'z'],
      attributes: { whole: -3, list: [2 ** 40, -1, 0], none: [], real: { float: 0.5 }, text: 'constant' },
    },
  ],
  initializers: [
    { name: 'double', dtype: 'float32', shape: [2], data: Float64Array.of(0.1, -0) },
    { name: 'view', dtype: 'float32', shape: [2], data: Float32Array.of(1, 2, 3, 4).subarray(1, 3) },
    { name: 'big', dtype: 'int64', shape: [1], data: BigInt64Array.of(-(2n ** 62n)) },
    { name: 'small', dtype: 'int32', shape: [], data: Int32Array.of(-7) },
    { name: 'bits', dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) },
    { name: 'nothing', dtype: 'float32', shape: [0, 3], data: new Float32Array() },
  ],
  inputs: [{ name: 'x', dtype: 'bool', shape: [2, 0] }],
  outputs: [{ name: 'y', dtype: 'int64', shape: [] }],
};

describe('a model in double precision', () => {
  const stored = ({ initializers }: ReadModel): readonly string[] =>
    [...initializers.values()].map(({ data }) => data.constructor.name);
  const lowered = (precision: 'single' | 'double'): ReadModel => {
    const graph = graphOf((x) => cast(less(x, 1e-300), 'float32').mul(0.1), f32(2));
    return decodeModel(encodeModel(lower(graph, { target: 'cpu', precision }).model), 'a model');
  };

  test('stores every float in 64 bits and leaves integers alone', () => {
    const read = decodeModel(encodeModel({ ...model, precision: 'double' }), 'a model');
    const doubles = ['Float64Array', 'Float64Array'];
    expect(stored(read)).toEqual([...doubles, 'BigInt64Array', 'Int32Array', 'Uint8Array', 'Float64Array']);
    expect(Array.from(read.initializers.get('double')?.data as Float64Array)).toEqual([0.1, -0]);
    expect(Array.from(read.initializers.get('view')?.data as Float64Array)).toEqual([2, 3]);
  });

  test('has its casts and scalars so', () => {
    for (const [precision, elementType] of [['single', 1] as const, ['double', 11] as const]) {
      expect(lowered(precision).nodes.find(({ op }) => op === 'Cast')?.attributes).toEqual({ to: elementType });
    }
    expect(new Set(stored(lowered('single')))).toEqual(new Set(['Float32Array']));
    // 1e-300 is 0 in float32.
    const scalars = [...lowered('double').initializers.values()].map(({ data }) => data[0]);
    expect(new Set(scalars)).toEqual(new Set([0.1, 1e-300]));
  });
});

describe('the bytes of a model', () => {
  const read = decodeModel(encodeModel(model), 'a model');

  test('carry versions and names', () => {
    expect(read).toMatchObject({ irVersion: 9, name: 'every field', opsets: model.opsets });
  });

  test('carry nodes with attributes of every kind', () => {
    const [{ attributes, ...node }] = model.nodes as [OnnxModel['nodes'][number]];
    expect(read.nodes).toEqual([{ ...node, name: 'y', attributes: { ...attributes, real: 0.5 } }]);
  });

  test('carry types and shapes, also of scalars and of nothing', () => {
    expect(read.inputs).toEqual(model.inputs);
    expect(read.outputs).toEqual(model.outputs);
  });

  test('carry built-in values in their storage, doubles as float32', () => {
    expect([...read.initializers]).toEqual([
      ['double', ndarray(Float32Array.of(0.1, -0))],
      ['view', ndarray([2, 3])],
      ['big', ndarray(BigInt64Array.of(-(2n ** 62n)))],
      ['small', ndarray(Int32Array.of(-7), [])],
      ['bits', ndarray(Uint8Array.of(1, 0, 1))],
      ['nothing', ndarray(new Float32Array(), [0, 3])],
    ]);
  });

  test('are refused above what protobuf can hold', () => {
    const huge = { name: 'w', dtype: 'float32', shape: [2 ** 30], data: new Float32Array() } as const;
    expect(() => encodeModel({ ...model, initializers: [huge] })).toThrow('exceed the 2 GiB');
  });
});

describe('lowering', () => {
  const lowered = (f: (...x: Tensor[]) => unknown, ...args: readonly unknown[]): ReturnType<typeof lower> =>
    lower(graphOf(f, ...args), { target: 'cpu' });
  const ops = (f: (...x: Tensor[]) => unknown, ...args: readonly unknown[]): string[] =>
    lowered(f, ...args).model.nodes.map((node) => node.op);

  test('leaves out the inputs that nothing uses, and says which are fed', () => {
    const { model: made, feeds } = lowered((_, x, __, y) => x.add(y), f32(1), f32(2), f32(3), f32(2));
    expect(made.inputs.map(({ name }) => name)).toEqual(['arg1', 'arg3']);
    expect(feeds).toEqual([1, 3]);
  });

  test('gives every output a node and a name of its own', () => {
    const { model: made } = lowered((x) => {
      const y = exp(x);
      return [x, y, y, x, constant([1, 2])];
    }, f32(2));
    expect(made.nodes.map(({ op }) => op)).toEqual(['Exp', 'Identity', 'Identity', 'Identity', 'Identity']);
    expect(new Set(made.outputs.map(({ name }) => name)).size).toBe(5);
    const results = new Set(made.nodes.flatMap(({ outputs }) => outputs));
    expect(made.outputs.every(({ name }) => results.has(name))).toBe(true);
  });

  test('never makes two values of one name', () => {
    const { model: made } = lowered(
      (x, i) => scatterAdd(leakyRelu(x).mul(2).add(3), i, 0, 4).mul(2),
      f32(2, 2),
      type('int32', 2),
    );
    const names = [...made.inputs, ...made.initializers]
      .map(({ name }) => name)
      .concat(made.nodes.flatMap(({ outputs }) => outputs));
    expect(new Set(names).size).toBe(names.length);
  });

  test('uses every value only after it was made', () => {
    const { model: made } = lowered(
      (x, w) => maxPool2d(conv2d(x, w), { kernel: 2 }).sum(),
      f32(1, 1, 5, 5),
      f32(2, 1, 2, 2),
    );
    const known = new Set([...made.inputs, ...made.initializers].map(({ name }) => name));
    for (const { inputs, outputs } of made.nodes) {
      for (const name of inputs) expect(known).toContain(name);
      for (const name of outputs) known.add(name);
    }
  });

  test('shares scalars and lists of integers', () => {
    const { model: made } = lowered((x) => x.mul(2).sum(0).add(2).sum(0), f32(3, 3));
    expect(made.initializers.map(({ data }) => Number(data[0]))).toEqual([2, 0]);
  });

  test('takes no axes for no axes, where ONNX would take all', () => {
    for (const { attributes } of lowered((x) => [x.sum([]), max(x, [])], f32(3)).model.nodes) {
      expect(attributes).toMatchObject({ noop_with_empty_axes: 1 });
    }
  });

  test('writes nothing for stopped gradients and marks', () => {
    expect(ops((x) => exp(stopGradient(apply('identity', [x], {}))), f32(3, 1))).toEqual(['Exp']);
  });

  test('names the forms there are when another is asked for', () => {
    const graph = graphOf((x, w) => conv2d(x, w), f32(1, 1, 3, 3), f32(1, 1, 2, 2));
    expect(() => lower(graph, { target: 'cpu', choose: () => 'magic' })).toThrow(
      'conv2d: "magic" is not a form of it here; choose from',
    );
  });

  test('and encoding together make the file', () => {
    const graph = graphOf((x) => exp(x.add(constant(ndarray([1, 2])))), f32(2));
    expect(decodeModel(toOnnx(graph, { target: 'cpu' }), 'a model')).toMatchObject({
      name: 'f',
      opsets: { '': 18 },
      nodes: [{ op: 'Add' }, { op: 'Exp' }],
      inputs: [{ name: 'arg0', dtype: 'float32', shape: [2] }],
      outputs: [{ dtype: 'float32', shape: [2] }],
    });
  });
});
