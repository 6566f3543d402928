import { type NDArray, type OnnxModel, type Tensor, encodeModel, grad, importOnnx, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, describe, expect, test } from 'vitest';
import { ints, numbers, positive, runFile, weighted, weights } from './import-support.ts';
import { interpreter } from './runtimes.ts';

const exact = interpreter();
const fast = nodeRuntime({ threads: 1 });
afterAll(async () => {
  await Promise.all([exact.dispose(), fast.dispose()]);
});

type Attributes = OnnxModel['nodes'][number]['attributes'];

interface NodeCase {
  readonly op: string;
  readonly label?: string;
  /** Default `[2, 4, 7, 6]`. */
  readonly shape?: readonly number[];
  readonly attributes?: Attributes;
  /** Arrays in the file, after the image; a bare string is an input left out. */
  readonly arrays?: readonly (NDArray | '')[];
  /** Default 18. */
  readonly opset?: number;
  readonly outputs?: number;
  /** Draws images from (0, 1) for functions that take positive numbers. */
  readonly positive?: boolean;
}

const scalar = (value: number): NDArray => ndarray(Float32Array.of(value), []);
const float = (value: number): { readonly float: number } => ({ float: value });

const CASES: readonly NodeCase[] = [
  { op: 'Conv', attributes: { pads: [1, 1, 1, 1] }, arrays: [weights(3, 4, 3, 3), weights(3)] },
  {
    op: 'Conv',
    label: 'strides, dilations, uneven pads',
    attributes: { strides: [2, 1], dilations: [1, 2], pads: [0, 1, 2, 1] },
    arrays: [weights(3, 4, 2, 3)],
  },
  {
    op: 'Conv',
    label: 'SAME_UPPER',
    attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] },
    arrays: [weights(3, 4, 3, 2)],
  },
  {
    op: 'Conv',
    label: 'SAME_LOWER',
    attributes: { auto_pad: 'SAME_LOWER', strides: [2, 2] },
    arrays: [weights(3, 4, 2, 3)],
  },
  { op: 'Conv', label: 'VALID', attributes: { auto_pad: 'VALID' }, arrays: [weights(3, 4, 3, 3)] },
  {
    op: 'Conv',
    label: 'depthwise',
    attributes: { group: 4, pads: [1, 0, 0, 1], strides: [2, 1], dilations: [1, 2] },
    arrays: [weights(4, 1, 3, 2), weights(4)],
  },
  { op: 'Conv', label: 'depthwise, two filters a channel', attributes: { group: 4 }, arrays: [weights(8, 1, 3, 3)] },
  { op: 'Conv', label: 'groups', attributes: { group: 2 }, arrays: [weights(6, 2, 3, 3), weights(6)] },
  {
    op: 'BatchNormalization',
    attributes: { epsilon: float(0.01) },
    arrays: [weights(4), weights(4), weights(4), positive(4)],
  },
  { op: 'MaxPool', attributes: { kernel_shape: [2, 3], strides: [2, 1], pads: [0, 1, 1, 1] } },
  { op: 'MaxPool', label: 'ceil_mode', attributes: { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 } },
  {
    op: 'MaxPool',
    label: 'ceil_mode with padding',
    attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1, pads: [1, 1, 1, 1] },
  },
  { op: 'AveragePool', attributes: { kernel_shape: [2, 3], strides: [2, 1] } },
  { op: 'AveragePool', label: 'padding not counted', attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } },
  {
    op: 'AveragePool',
    label: 'padding counted',
    attributes: { kernel_shape: [3, 3], pads: [1, 0, 1, 1], count_include_pad: 1 },
  },
  { op: 'AveragePool', label: 'ceil_mode', attributes: { kernel_shape: [3, 2], strides: [3, 2], ceil_mode: 1 } },
  { op: 'GlobalAveragePool' },
  { op: 'GlobalMaxPool' },
  { op: 'LRN', attributes: { size: 3, alpha: float(0.1), beta: float(0.6), bias: float(1.5) } },
  ...[
    'Relu',
    'Sigmoid',
    'Tanh',
    'Softplus',
    'HardSwish',
    'HardSigmoid',
    'Elu',
    'Selu',
    'LeakyRelu',
    'Erf',
    'Exp',
    'Abs',
    'Neg',
    'Sin',
    'Cos',
    'Identity',
    'Dropout',
    'Mish',
  ].map((op) => ({ op })),
  ...['Log', 'Sqrt', 'Reciprocal'].map((op) => ({ op, positive: true })),
  { op: 'Gelu', opset: 20 },
  { op: 'LeakyRelu', label: 'slope', attributes: { alpha: float(0.3) } },
  { op: 'PRelu', arrays: [weights(4, 1, 1)] },
  { op: 'Clip', label: 'ReLU6', arrays: [scalar(0), scalar(0.8)] },
  { op: 'Clip', label: 'one bound', arrays: ['', scalar(0.5)] },
  { op: 'Clip', label: 'attributes', opset: 10, attributes: { min: float(-0.5), max: float(0.25) } },
  ...['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'Sum'].map((op) => ({ op, arrays: [weights(4, 1, 6)] })),
  { op: 'Pow', arrays: [scalar(1.5)], positive: true },
  {
    op: 'Gemm',
    shape: [3, 5],
    attributes: { alpha: float(0.5), beta: float(2), transB: 1 },
    arrays: [weights(4, 5), weights(4)],
  },
  { op: 'Gemm', label: 'transA', shape: [5, 3], attributes: { transA: 1 }, arrays: [weights(5, 2)] },
  { op: 'MatMul', arrays: [weights(6, 3)] },
  { op: 'Flatten' },
  { op: 'Flatten', label: 'from the last axis', attributes: { axis: -1 } },
  { op: 'Reshape', arrays: [ints(0, -1, 6)] },
  { op: 'Transpose', attributes: { perm: [0, 2, 3, 1] } },
  { op: 'Squeeze', shape: [2, 1, 3, 1], arrays: [ints(1, -1)] },
  { op: 'Squeeze', label: 'all', shape: [2, 1, 3, 1], opset: 11 },
  { op: 'Unsqueeze', shape: [2, 3], arrays: [ints(0, -1)] },
  { op: 'Expand', shape: [2, 1, 3], arrays: [ints(2, 4, 1)] },
  { op: 'Concat', attributes: { axis: 1 }, arrays: [weights(2, 3, 7, 6)] },
  { op: 'Slice', arrays: [ints(1, -5), ints(2 ** 53, -1), ints(1, 2), ints(2, 1)] },
  { op: 'Slice', label: 'attributes', opset: 9, attributes: { starts: [1], ends: [3], axes: [-1] } },
  { op: 'Split', attributes: { axis: 1 }, arrays: [ints(1, 3)], outputs: 2 },
  { op: 'Pad', arrays: [ints(0, 0, 1, 2, 0, 0, 0, 1), scalar(0.5)] },
  { op: 'Pad', label: 'attributes', opset: 9, attributes: { pads: [0, 0, 1, 0, 0, 0, 2, 0], mode: 'constant' } },
  { op: 'Gather', attributes: { axis: 2 }, arrays: [ints(-1, 0, 0)] },
  { op: 'Gather', label: 'one', attributes: { axis: 1 }, arrays: [ndarray(BigInt64Array.of(2n), [])] },
  { op: 'Softmax', attributes: { axis: 1 } },
  { op: 'Softmax', label: 'before opset 13', opset: 11 },
  { op: 'LogSoftmax' },
  { op: 'ReduceMean', attributes: { axes: [2, 3], keepdims: 0 }, opset: 13 },
  { op: 'ReduceMean', label: 'axes as input', arrays: [ints(-1)] },
  { op: 'ReduceSum', arrays: [ints(1)] },
  { op: 'ReduceMax', opset: 13 },
];

interface File {
  readonly bytes: Uint8Array;
  readonly outputs: readonly string[];
}

/** A model of one node; ONNX Runtime wants its outputs declared with their shapes. */
function fileOf(item: NodeCase, declared: readonly NDArray[] = []): File {
  const { op, shape = [2, 4, 7, 6], attributes = {}, arrays = [], opset = 18, outputs: count = 1 } = item;
  const names = arrays.map((array, i) => (array === '' ? '' : `array${i}`));
  const outputs = Array.from({ length: count }, (_, i) => `y${i}`);
  const bytes = encodeModel({
    name: op,
    opsets: { '': opset },
    nodes: [{ op, domain: '', inputs: ['x', ...names], outputs, attributes }],
    initializers: arrays.flatMap((array, i) => (array === '' ? [] : [{ ...array, name: `array${i}` }])),
    inputs: [{ name: 'x', dtype: 'float32', shape }],
    outputs: declared.map((array, i) => ({ name: `y${i}`, dtype: 'float32', shape: array.shape })),
  });
  return { bytes, outputs };
}

/** ∇ₓ against central differences at some places, in double precision. */
async function checkGradient(f: (x: Tensor) => Tensor, x: NDArray): Promise<void> {
  const wide = Float64Array.from(x.data as Float32Array);
  const value = exact.compile(f);
  const slope = (await exact.compile((at: Tensor) => grad(f)(at))(ndarray(wide, x.shape))).data as Float64Array;
  const h = 1e-5;
  for (const at of [0, 7 % wide.length, wide.length >> 1, wide.length - 1]) {
    const ends: number[] = [];
    for (const by of [h, -h]) {
      const moved = wide.with(at, (wide[at] as number) + by);
      ends.push(Number((await value(ndarray(moved, x.shape))).data[0]));
    }
    const [up, down] = ends as [number, number];
    // Rounding of a sum of size 100 over the step, and the third derivative times its square.
    expect(Math.abs((slope[at] as number) - (up - down) / (2 * h))).toBeLessThan(1e-7);
  }
}

describe('an imported operator gives what ONNX Runtime gives, with its derivative', () => {
  test.each(CASES.map((item) => [`${item.op}${item.label === undefined ? '' : `, ${item.label}`}`, item] as const))(
    '%s',
    async (_, item) => {
      const shape = item.shape ?? [2, 4, 7, 6];
      const x = item.positive === true ? createStream('x').uniform(shape, 0.5, 2) : createStream('x').normal(shape);
      const { bytes, outputs } = fileOf(item);
      const network = importOnnx(bytes, 'a file');
      const imported = (image: Tensor): Tensor[] => network.apply({ x: image }, outputs);
      const found = await fast.compile(imported)(x);
      const expected = await runFile(fileOf(item, found).bytes, x);
      const largest = Math.max(1, ...expected.map(Math.abs));
      // float32 rounding of sums of up to some hundred terms, in another order.
      numbers(found).forEach((value, i) =>
        expect(Math.abs(value - (expected[i] as number)) / largest).toBeLessThan(1e-6),
      );
      expect(numbers(found)).toHaveLength(expected.length);
      await checkGradient((image) => weighted(imported(image)), x);
    },
  );
});
