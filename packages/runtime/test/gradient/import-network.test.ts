import {
  type NDArray,
  type OnnxModel,
  type Tensor,
  avgPool2d,
  concat,
  constant,
  conv2d,
  encodeModel,
  globalAvgPool2d,
  grad,
  importOnnx,
  leakyRelu,
  matmul,
  maxPool2d,
  ndarray,
  relu,
  sigmoid,
  softmax,
  toOnnx,
  topologicalOrder,
  trace,
} from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { ints, numbers, positive, runFile, weighted, weights } from './import-support.ts';
import { interpreter } from './runtimes.ts';

const exact = interpreter();
afterAll(() => exact.dispose());

type Attributes = OnnxModel['nodes'][number]['attributes'];

describe('a function written as ONNX and read again is the same function', () => {
  const w1 = weights(6, 3, 3, 3);
  const w2 = weights(4, 6, 2, 2);
  const head = weights(4, 5);
  const network = (x: Tensor): Tensor => {
    const a = relu(conv2d(x, constant(w1), { padding: 1, bias: constant(ndarray([1, 2, 3, 4, 5, 6])) }));
    const b = leakyRelu(conv2d(maxPool2d(a, { kernel: 2 }), constant(w2), { stride: 2 }), 0.1);
    const c = concat([b, sigmoid(b)], 1);
    return softmax(matmul(globalAvgPool2d(c.reshape([2, 4, -1, 2])), constant(head)));
  };
  const pooled = (x: Tensor): Tensor => avgPool2d(x.sub(x.mean([2, 3]).reshape([2, 3, 1, 1])), { kernel: 2 });
  const x = createStream('round trip').normal([2, 3, 8, 8]);

  test.each([
    ['network', network],
    ['pooling', pooled],
  ])('%s', async (_, f) => {
    for (const target of ['wasm', 'webgpu'] as const) {
      const { graph } = trace('f', f, [x]);
      const read = importOnnx(toOnnx(graph, { target }), 'ours');
      const again = (image: Tensor): Tensor => read.apply({ arg0: image }, [read.outputs[0]?.name ?? ''])[0] as Tensor;
      const [first, second] = [await exact.compile(f)(x), await exact.compile(again)(x)];
      expect(second.shape).toEqual(first.shape);
      // Numbers in the file are float32, those of the function doubles.
      numbers([first]).forEach((value, i) =>
        expect(Math.abs(value - (numbers([second])[i] as number))).toBeLessThan(1e-6),
      );
      const [slope, other] = [f, again].map((g) =>
        exact.compile((at: Tensor) => grad((z: Tensor) => weighted([g(z)]))(at)),
      );
      const [a, b] = [numbers([await slope!(x)]), numbers([await other!(x)])];
      a.forEach((value, i) => expect(Math.abs(value - (b[i] as number))).toBeLessThan(1e-6));
    }
  });
});

function modelOf(
  nodes: OnnxModel['nodes'],
  initializers: OnnxModel['initializers'] = [],
  shape: readonly number[] = [1, 2],
): Uint8Array {
  const inputs = [{ name: 'x', dtype: 'float32', shape: [1, 2, 4, 4] }] as const;
  const outputs = [{ name: 'y', dtype: 'float32', shape }] as const;
  return encodeModel({ name: 'm', opsets: { '': 18 }, nodes, initializers, inputs, outputs });
}

const node = (
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Attributes = {},
  domain = '',
): OnnxModel['nodes'][number] => ({ op, domain, inputs, outputs: [output], attributes });

describe('importing', () => {
  const x = createStream('image').normal([1, 2, 4, 4]);
  const build = (bytes: Uint8Array, wanted: string): Promise<NDArray> => {
    const network = importOnnx(bytes, 'net.onnx');
    return exact.compile((image: Tensor) => network.apply({ x: image }, [wanted])[0] as Tensor)(x);
  };

  test('puts a normalisation into the convolution before it', async () => {
    const bytes = modelOf(
      [
        node('Conv', ['x', 'w', 'b'], 'c'),
        node('BatchNormalization', ['c', 's', 's', 'm', 'v'], 'n'),
        node('Relu', ['n'], 'y'),
      ],
      [
        { ...weights(3, 2, 2, 2), name: 'w' },
        { ...weights(3), name: 'b' },
        { ...weights(3), name: 's' },
        { ...weights(3), name: 'm' },
        { ...positive(3), name: 'v' },
      ],
      [1, 3, 3, 3],
    );
    const network = importOnnx(bytes, 'net.onnx');
    const f = exact.compile((image: Tensor) => network.apply({ x: image }, ['y'])[0] as Tensor);
    const primitives = topologicalOrder(f.graph(x).outputs).map((tensor) => tensor.primitive);
    expect(primitives.filter((name) => name !== 'constant' && name !== 'input')).toEqual(['conv2d', 'add', 'relu']);
    const expected = await runFile(bytes, x);
    numbers([await f(x)]).forEach((value, i) => expect(Math.abs(value - (expected[i] as number))).toBeLessThan(1e-5));
  });

  test('works out shapes that are computed from the image, and builds only what is needed', async () => {
    const bytes = modelOf(
      [
        node('Shape', ['x'], 'shape'),
        node('Gather', ['shape', 'zero'], 'batch'),
        node('Unsqueeze', ['batch', 'axis'], 'batches'),
        node('Concat', ['batches', 'rest'], 'target', { axis: 0 }),
        node('Reshape', ['x', 'target'], 'flat'),
        node('Mystery', ['flat'], 'y', {}, 'com.example'),
      ],
      [
        { ...ndarray(BigInt64Array.of(0n), []), name: 'zero' },
        { ...ints(0), name: 'axis' },
        { ...ints(-1), name: 'rest' },
      ],
    );
    expect((await build(bytes, 'flat')).shape).toEqual([1, 32]);
    await expect(async () => build(bytes, 'y')).rejects.toThrow(
      'The node "y" (Mystery) of net.onnx cannot be imported: there is no rule for operators of the domain com.example; take the filters from a value before it.',
    );
  });

  test.each<[string, OnnxModel['nodes'], string]>([
    [
      'an operator without a rule',
      [node('NonMaxSuppression', ['x'], 'y')],
      'The node "y" (NonMaxSuppression) of net.onnx cannot be imported: there is no rule for this operator',
    ],
    [
      'a mode without a rule',
      [node('Pad', ['x'], 'y', { mode: 'reflect', pads: [0, 0, 0, 0, 0, 0, 0, 0] })],
      'it pads with mode "reflect"',
    ],
    [
      'batch statistics',
      [node('BatchNormalization', ['x', 'x', 'x', 'x', 'x'], 'y', { training_mode: 1 })],
      'it normalises by the batch',
    ],
    [
      'weights from the image',
      [node('BatchNormalization', ['x', 'x', 'x', 'x', 'x'], 'y')],
      'its statistics is computed from the image',
    ],
    [
      'an attribute of another kind',
      [node('Flatten', ['x'], 'y', { axis: 'one' })],
      'its attribute "axis" is of another kind',
    ],
    [
      'shapes that do not fit',
      [node('MatMul', ['x', 'x2'], 'y'), node('Identity', ['x'], 'unused')],
      'reads "x2", which nothing makes',
    ],
    ['an input that is left out', [node('Add', ['x', ''], 'y')], 'its input 2 is missing'],
    [
      'a value that does not exist',
      [node('Relu', ['x'], 'z')],
      'net.onnx has no value called "y"; its outputs are "y".',
    ],
  ])('names the node in a sentence: %s', async (_, nodes, message) => {
    const error: unknown = await (async () => build(modelOf(nodes), 'y'))().catch((caught: unknown) => caught);
    expect((error as Error).name).toBe('OnnxError');
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).toMatch(/^[^\n]+\.$/);
  });
});
