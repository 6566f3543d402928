import {
  type Graph,
  type NDArray,
  type Tensor,
  type TensorType,
  concat,
  constant,
  exp,
  expand,
  full,
  greater,
  matmul,
  max,
  maximum,
  ndarray,
  operand,
  optimize,
  pad,
  pow,
  select,
  sigmoid,
  slice,
  stopGradient,
  tanh,
  topologicalOrder,
  trace,
  transpose,
  verify,
} from '@brownian/graph';
import { type Stream, createStream } from '@brownian/runtime';
import { expect, test } from 'vitest';
import { evaluateConstant, interpret } from '../../src/interpreter/interpret.ts';

const f32 = (...shape: number[]): TensorType => ({ dtype: 'float32', shape });

/** What a random graph is made of. Each takes any tensors and a source of choices, and may ignore some of them. */
type Move = (x: Tensor, y: Tensor, stream: Stream) => Tensor;

const pick = <T>(stream: Stream, list: readonly T[]): T => list[Math.floor(stream.next() * list.length)] as T;
/** `y` as far as it broadcasts against `x`: itself, or its sum. */
const fitting = (x: Tensor, y: Tensor): Tensor => {
  const fits = y.shape.every((size, i) => size === 1 || size === x.shape[i - y.shape.length + x.shape.length]);
  return fits && y.shape.length <= x.shape.length ? y : tanh(y.sum());
};
const constants = (stream: Stream, x: Tensor): Tensor =>
  pick(stream, [
    operand(pick(stream, [0, 1, -1, 2, 0.5, -3])),
    constant(full(x.shape, pick(stream, [0, 1, -1, 2]))),
    expand(constant(full([], pick(stream, [0, 1, 4]))), x.shape),
    constant(stream.normal(x.shape)),
  ]);

const MOVES: readonly Move[] = [
  (x, y) => x.add(fitting(x, y)),
  (x, y) => x.sub(fitting(x, y)),
  (x, y) => tanh(x).mul(fitting(x, y)),
  (x, y) => x.div(sigmoid(fitting(x, y)).add(0.5)),
  (x, y) => maximum(x, fitting(x, y)),
  (x, y) => select(greater(x, 0.125), x, fitting(x, y)),
  (x, _, stream) => x.add(constants(stream, x)),
  (x, _, stream) => constants(stream, x).add(x),
  (x, _, stream) => x.sub(constants(stream, x)),
  (x, _, stream) => constants(stream, x).sub(x),
  (x, _, stream) => x.mul(constants(stream, x)),
  (x, _, stream) => x.div(pick(stream, [1, -1, 2, 0.5])),
  (x, _, stream) => pow(sigmoid(x), pick(stream, [1, 2, 0.5, 3])),
  (x) => x.neg(),
  (x) => stopGradient(x),
  (x) => exp(tanh(x)),
  (x) => x.square().mul(0.25),
  (x) => x.sum(0).reshape([1, -1]).add(tanh(x)),
  (x) => max(x, 1).reshape([-1, 1]).sub(x),
  (x, _, stream) =>
    x
      .sum(pick(stream, [[], [0], [0, 1]]))
      .mul(0.1)
      .add(x.mul(0)),
  (x) => transpose(transpose(x)),
  (x) => x.reshape([-1]).reshape([1, -1]).reshape(x.shape),
  (x) => concat([slice(x, [[0, 1]]), slice(x, [[1]])], 0),
  (x) =>
    slice(
      pad(x, [
        [1, 0, 1],
        [0, 2],
      ]),
      [
        [1, 4, 2],
        [0, -2],
      ],
    ),
  (x) => matmul(tanh(x), constant(ndarray([0.5, 0, -1, 1, 0.5, 0, 0, 1, -0.5], [3, 3]))),
];

/** A graph of `[2, 3]` tensors, drawn from the moves; every third result is an output. */
function randomGraph(seed: number): Graph {
  const stream = createStream(seed);
  return trace(
    `random graph ${seed}`,
    (a: Tensor, b: Tensor, c: Tensor) => {
      const nodes = [a, expand(b, [2, 3]), expand(c, [2, 3])];
      for (let i = 0; i < 30; i++)
        nodes.push(pick(stream, MOVES)(pick(stream, nodes), pick(stream, [...nodes, b, c]), stream));
      return nodes.filter((_, i) => i % 3 === 0);
    },
    [f32(2, 3), f32(1, 3), f32()],
  ).graph;
}

const numbers = ({ data }: NDArray): number[] => Array.from(data, Number);

/** Rewrites reorder products with constants: rounding of doubles, amplified by at most thirty operations. */
const LIMIT = 1e-10;

test.each(Array.from({ length: 150 }, (_, seed) => seed))(
  'optimisation keeps the values and types of random graph %d',
  (seed) => {
    const graph = randomGraph(seed);
    const stream = createStream(`inputs ${seed}`);
    const inputs = graph.inputs.map(({ shape }) => stream.normal(shape));
    const before = interpret(graph, inputs);
    for (const options of [{}, { evaluate: evaluateConstant }, { evaluate: evaluateConstant, foldLimit: 3 }]) {
      const optimized = verify(optimize(graph, options), 'the test');
      expect(topologicalOrder(optimized.outputs).length).toBeLessThanOrEqual(topologicalOrder(graph.outputs).length);
      interpret(optimized, inputs).forEach((after, i) => {
        const expected = before[i] as NDArray;
        expect([after.dtype, after.shape]).toEqual([expected.dtype, expected.shape]);
        const scale = numbers(expected).reduce((largest, v) => Math.max(largest, Math.abs(v)), 1);
        const worst = numbers(expected).reduce((most, v, k) => Math.max(most, Math.abs(Number(after.data[k]) - v)), 0);
        expect(worst / scale).toBeLessThan(LIMIT);
      });
    }
  },
);

test('the random graphs contain what the rewrites rewrite', () => {
  const graphs = Array.from({ length: 150 }, (_, seed) => randomGraph(seed));
  const shrunk = graphs.filter((graph) => {
    const [before, after] = [graph, optimize(graph, { evaluate: evaluateConstant })].map(
      (g) => topologicalOrder(g.outputs).length,
    );
    return (after as number) < 0.9 * (before as number);
  });
  expect(shrunk.length).toBeGreaterThan(100);
});
