import {
  type NDArray,
  type Tensor,
  abs,
  clip,
  floor,
  grad,
  leakyRelu,
  max,
  maxPool2d,
  maximum,
  minimum,
  ndarray,
  relu,
  sign,
} from '@brownian/graph';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, describe, expect, test } from 'vitest';
import { interpreter } from './runtimes.ts';

/** What a derivative is where there is none, or several: the same on every runtime. */
const CONVENTIONS: readonly (readonly [
  name: string,
  f: (x: Tensor) => Tensor,
  at: NDArray,
  gradient: readonly number[],
])[] = [
  ['relu has slope 0 at 0 and at −0', relu, ndarray([-1, -0, 0, 1]), [0, 0, 0, 1]],
  ['leakyRelu has its slope at 0', (x) => leakyRelu(x, 0.25), ndarray([-1, 0, 1]), [0.25, 0.25, 1]],
  ['abs has slope 0 at 0', abs, ndarray([-2, -0, 0, 2]), [-1, 0, 0, 1]],
  ['sign and floor have slope 0 where they jump', (x) => sign(x).add(floor(x)), ndarray([-1, 0, 1]), [0, 0, 0]],
  ['max shares among ties', (x) => max(x), ndarray([3, 1, 3, 3]), [1 / 3, 0, 1 / 3, 1 / 3]],
  [
    'max of an axis shares among the ties of each row',
    (x) => max(x, 1),
    ndarray([2, 2, 1, 5], [2, 2]),
    [0.5, 0.5, 0, 1],
  ],
  ['maximum halves a tie', (x) => maximum(x, 1), ndarray([0, 1, 2]), [0, 0.5, 1]],
  ['minimum halves a tie', (x) => minimum(x, 1), ndarray([0, 1, 2]), [1, 0.5, 0]],
  ['a maximum with itself has the whole slope', (x) => maximum(x, x), ndarray([0, -1]), [1, 1]],
  ['clip halves at its bounds', (x) => clip(x, -1, 1), ndarray([-2, -1, 0, 1, 2]), [0, 0.5, 1, 0.5, 0]],
  [
    'of equal values in a window the first wins',
    (x) => maxPool2d(x, { kernel: 2 }),
    ndarray([1, 1, 0, 2, 1, 1, 2, 2], [1, 1, 2, 4]),
    [1, 0, 0, 1, 0, 0, 0, 0],
  ],
  [
    'of equal values in overlapping windows the first of each wins',
    (x) => maxPool2d(x, { kernel: [1, 2], stride: 1 }),
    ndarray([4, 4, 4, 1], [1, 1, 1, 4]),
    [1, 1, 1, 0],
  ],
  [
    'padding never wins, not even against large negative values',
    (x) => maxPool2d(x, { kernel: 2, padding: 1 }),
    ndarray([-5, -6, -7, -8], [1, 1, 2, 2]),
    [1, 1, 1, 1],
  ],
];

describe.each([
  ['onnxruntime-node', nodeRuntime({ threads: 1 })],
  ['the interpreter', interpreter()],
])('on %s', (_, runtime) => {
  afterAll(() => runtime.dispose());
  test.each(CONVENTIONS)('%s', async (__, f, at, gradient) => {
    const slope = runtime.compile(grad((x: Tensor) => f(x).sum()));
    const { data } = await slope(at);
    // Thirds are rounded to float32, and −0 counts as 0.
    const expected = gradient.map((g) => (data instanceof Float32Array ? Math.fround(g) : g));
    expect(Array.from(data, Number).map((v) => v + 0)).toEqual(expected);
  });
});
