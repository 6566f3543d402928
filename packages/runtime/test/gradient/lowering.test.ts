import {
  type NDArray,
  type Tensor,
  and,
  apply,
  cast,
  concat,
  constant,
  conv2d,
  equal,
  exp,
  expand,
  gather,
  less,
  matmul,
  max,
  maximum,
  ndarray,
  pad,
  scatterAdd,
  select,
  slice,
  trace,
  transpose,
  zeros,
} from '@brownian/graph';
import { nodeRuntime } from '@brownian/runtime/node';
import * as ort from 'onnxruntime-node';
import { afterAll, describe, expect, test } from 'vitest';
import { loadSession } from '../../src/onnxruntime/session.ts';
import { interpreter } from './runtimes.ts';

const runtime = nodeRuntime({ threads: 1 });
const oracle = interpreter();
afterAll(() => Promise.all([runtime.dispose(), oracle.dispose()]));

const plain = ({ dtype, shape, data }: NDArray): unknown => [dtype, shape, Array.from(data, Number)];

/** Both runtimes give the same types, shapes and (exactly representable) values. */
async function expectSame(f: (...x: Tensor[]) => readonly Tensor[], ...inputs: readonly NDArray[]): Promise<unknown[]> {
  const [actual, expected] = await Promise.all(
    [runtime, oracle].map(async (on) => (await on.compile(f)(...inputs)).map(plain)),
  );
  expect(actual).toEqual(expected);
  return actual as unknown[];
}

const x = ndarray([1, 2, 3, 4, 5, 6], [2, 3]);

describe('a model on onnxruntime-node', () => {
  test('may leave inputs unused', async () => {
    await expectSame((_, b) => [b.add(b)], x, ndarray([1, 2]));
  });

  test('may give an input, one result twice, and a constant as outputs', async () => {
    await expectSame((a) => {
      const y = a.mul(2);
      return [a, y, y, a, constant([7]), constant(ndarray(BigInt64Array.of(8n)))];
    }, x);
  });

  test('may have no inputs at all', async () => {
    await expectSame(() => [constant([1, 2]).add(1)]);
  });

  test('takes views into larger buffers, and doubles', async () => {
    const buffer = Float32Array.of(0, 1, 2, 3, 4);
    await expectSame((a, b) => [a.add(b)], ndarray(buffer.subarray(1, 3)), ndarray(Float64Array.of(0.5, 0.25)));
  });

  test('takes reductions over no axes for what they are, without an optimiser’s help', async () => {
    const { graph } = trace('as traced', (a: Tensor) => [a.sum([]), max(a, [])], [x]);
    const session = await loadSession(ort, graph, { target: 'cpu' }, { graphOptimizationLevel: 'disabled' });
    expect((await session.run([x])).map(plain)).toEqual([plain(x), plain(x)]);
    await session.dispose();
  });
});

describe('integers and bools on onnxruntime-node', () => {
  const [i, j] = [ndarray(Int32Array.of(5, -7, 2)), ndarray(Int32Array.of(2, 2, -2))];
  const [k, l] = [ndarray(BigInt64Array.of(5n, -7n, 2n)), ndarray(BigInt64Array.of(2n, 2n, -2n))];
  const arithmetic = (a: Tensor, b: Tensor): Tensor[] => [
    ...(['add', 'sub', 'mul', 'div', 'maximum', 'minimum'] as const).map((primitive) => apply(primitive, [a, b], {})),
    ...(['less', 'lessEqual', 'equal'] as const).map((primitive) => apply(primitive, [a, b], {})),
    apply('pow', [a, maximum(b, 0)], {}),
  ];
  const movement = (a: Tensor): Tensor[] => [
    a.reshape([3, 1]),
    transpose(a.reshape([1, 3])),
    expand(a, [2, 3]),
    slice(a, [[0, 3, 2]]),
    concat([a, a]),
    gather(a, constant(ndarray(Int32Array.of(2, 0)))),
  ];

  test.each([
    ['int32', i, j],
    ['int64', k, l],
  ])('%s arithmetic and comparisons work as in the interpreter', async (_, a, b) => {
    await expectSame(arithmetic, a, b);
  });

  test.each([
    ['int32', i],
    ['int64', k],
    ['bool', ndarray(Uint8Array.of(1, 0, 1))],
  ])('%s arrays can be moved about', async (_, a) => {
    await expectSame(movement, a);
  });

  test('casts truncate towards zero', async () => {
    const casts = (a: Tensor): Tensor[] => [
      cast(a, 'int32'),
      cast(a, 'int64'),
      cast(cast(a, 'int64'), 'int32'),
      cast(a, 'bool'),
    ];
    await expectSame(casts, ndarray([-1.75, -0.5, 0, 0.5, 1.75]));
  });

  test('select and logic take bools', async () => {
    const both = (a: Tensor, b: Tensor): Tensor[] => {
      const smaller = less(a, b);
      return [and(smaller, equal(a, b)), select(smaller, smaller, equal(a, a)), select(smaller, a, b)];
    };
    await expectSame(both, i, j);
  });
});

describe('arrays without elements on onnxruntime-node', () => {
  const none = zeros([0, 3]);

  test('go through elementwise operations and movement', async () => {
    await expectSame(
      (a, b) => [exp(a).add(1), a.mul(b), a.reshape([3, 0]), transpose(a), expand(b, [0, 3])],
      none,
      ndarray([1, 2, 3]),
    );
  });

  test('have sum zero', async () => {
    const [all, rows, columns] = await expectSame((a) => [a.sum(), a.sum(0), a.sum(1)], none);
    expect([all, rows, columns]).toEqual([
      ['float32', [], [0]],
      ['float32', [3], [0, 0, 0]],
      ['float32', [0], []],
    ]);
  });

  test('can be cut out, put back and padded', async () => {
    const f = (a: Tensor, b: Tensor): Tensor[] => [
      slice(b, [[1, 1]]),
      concat([a, b]),
      pad(a, [
        [1, 2],
        [0, 0],
      ]),
      pad(a, [
        [1, 1, 4],
        [0, 0],
      ]),
    ];
    await expectSame(f, none, x);
  });

  test('multiply to zeros', async () => {
    await expectSame((a, b) => [matmul(transpose(a), a), matmul(a, transpose(b))], none, x);
  });

  test('gather and scatter nothing', async () => {
    const indices = ndarray(Int32Array.of());
    await expectSame((a, at) => [gather(a, at), scatterAdd(gather(a, at), at, 0, 2)], x, indices);
  });

  test('an empty batch goes through a convolution', async () => {
    await expectSame((a, w) => [conv2d(a, w)], zeros([0, 1, 3, 3]), ndarray([1, 2, 3, 4], [1, 1, 2, 2]));
  });
});
