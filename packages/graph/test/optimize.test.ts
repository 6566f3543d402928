import { describe, expect, test } from 'vitest';
import {
  type Evaluate,
  type Tensor,
  VerificationError,
  cast,
  concat,
  constant,
  exp,
  expand,
  ndarray,
  optimize,
  placeholder,
  topologicalOrder,
  zeros,
} from '@brownian/graph';
import { beforeAndAfter, evaluate, f32, graphOf } from './graphs.ts';

const of = (f: (...x: Tensor[]) => unknown, ...args: readonly unknown[]): string => beforeAndAfter(graphOf(f, ...args));

describe('sharing', () => {
  test('common subexpressions are computed once', () => {
    expect(of((x) => exp(x).add(1).mul(exp(x).add(1)), f32(3))).toMatchInlineSnapshot(`
      "  %1 = exp(%0) : float32[3]
        %2 = constant() [1] : float32[]
        %3 = add(%1, %2) : float32[3]
        %4 = exp(%0) : float32[3]
        %5 = constant() [1] : float32[]
        %6 = add(%4, %5) : float32[3]
        %7 = mul(%3, %6) : float32[3]
        return result = %7
        =>
        %1 = exp(%0) : float32[3]
        %2 = constant() [1] : float32[]
        %3 = add(%1, %2) : float32[3]
        %4 = mul(%3, %3) : float32[3]
        return result = %4"
    `);
  });
  test('nodes that differ in an attribute are not shared', () => {
    expect(of((x) => [x.sum(0), x.sum(1)], f32(2, 2))).toMatchInlineSnapshot(`
      "  %1 = sum(%0) axes=[0] : float32[2]
        %2 = sum(%0) axes=[1] : float32[2]
        return 0 = %1, 1 = %2
        =>
        %1 = sum(%0) axes=[0] : float32[2]
        %2 = sum(%0) axes=[1] : float32[2]
        return 0 = %1, 1 = %2"
    `);
  });
  test('equal constants are shared; 0 and −0, and equal numbers of another dtype, are not', () => {
    const zero = (values: Float32Array | Int32Array): Tensor => cast(constant(ndarray(values)), 'float32');
    const f = (x: Tensor): Tensor[] => [
      x.div(zero(Float32Array.of(0))),
      x.div(constant(ndarray(Float32Array.of(0)))),
      x.div(constant(ndarray(Float32Array.of(-0)))),
      x.div(zero(Int32Array.of(0))),
    ];
    expect(of(f as never, f32(1))).toMatchInlineSnapshot(`
      "  %1 = constant() [0] : float32[1]
        %2 = cast(%1) to=float32 : float32[1]
        %3 = div(%0, %2) : float32[1]
        %4 = constant() [0] : float32[1]
        %5 = div(%0, %4) : float32[1]
        %6 = constant() [0] : float32[1]
        %7 = div(%0, %6) : float32[1]
        %8 = constant() [0] : int32[1]
        %9 = cast(%8) to=float32 : float32[1]
        %10 = div(%0, %9) : float32[1]
        return 0 = %3, 1 = %5, 2 = %7, 3 = %10
        =>
        %1 = constant() [0] : float32[1]
        %2 = div(%0, %1) : float32[1]
        %3 = constant() [0] : float32[1]
        %4 = div(%0, %3) : float32[1]
        %5 = constant() [0] : int32[1]
        %6 = cast(%5) to=float32 : float32[1]
        %7 = div(%0, %6) : float32[1]
        return 0 = %2, 1 = %2, 2 = %4, 3 = %7"
    `);
  });
  test('large constants are shared by storage', () => {
    const [big, copy] = [new Float32Array(100).fill(2), new Float32Array(100).fill(2)];
    const graph = graphOf((x) => [big, big, copy].map((data) => exp(x.add(constant(ndarray(data))))), f32(100));
    const constants = topologicalOrder(optimize(graph).outputs).filter((node) => node.primitive === 'constant');
    expect(constants).toHaveLength(2);
  });
  test('what no output needs disappears', () => {
    const graph = graphOf(
      (x, y) => {
        exp(y);
        return x.add(y.sub(y).mul(1));
      },
      f32(3),
      f32(3),
    );
    expect(beforeAndAfter(graph)).toMatchInlineSnapshot(`
      "  %2 = sub(%1, %1) : float32[3]
        %3 = constant() [1] : float32[]
        %4 = mul(%2, %3) : float32[3]
        %5 = add(%0, %4) : float32[3]
        return result = %5
        =>
        %2 = sub(%1, %1) : float32[3]
        %3 = add(%0, %2) : float32[3]
        return result = %3"
    `);
  });
});

describe('folding', () => {
  const chain = (x: Tensor): Tensor =>
    x.mul(
      constant([1, 2])
        .add(constant([3, 4]))
        .reshape([2, 1]),
    );
  test('constants are computed by the evaluator that was given', () => {
    expect(beforeAndAfter(graphOf(chain as never, f32(2, 1)), { evaluate })).toMatchInlineSnapshot(`
      "  %1 = constant() [1, 2] : float32[2]
        %2 = constant() [3, 4] : float32[2]
        %3 = add(%1, %2) : float32[2]
        %4 = reshape(%3) shape=[2, 1] : float32[2, 1]
        %5 = mul(%0, %4) : float32[2, 1]
        return result = %5
        =>
        %1 = constant() [4, 6] : float32[2, 1]
        %2 = mul(%0, %1) : float32[2, 1]
        return result = %2"
    `);
  });
  test('without an evaluator they stay', () => {
    expect(beforeAndAfter(graphOf(chain as never, f32(2, 1)))).toMatchInlineSnapshot(`
      "  %1 = constant() [1, 2] : float32[2]
        %2 = constant() [3, 4] : float32[2]
        %3 = add(%1, %2) : float32[2]
        %4 = reshape(%3) shape=[2, 1] : float32[2, 1]
        %5 = mul(%0, %4) : float32[2, 1]
        return result = %5
        =>
        %1 = constant() [1, 2] : float32[2]
        %2 = constant() [3, 4] : float32[2]
        %3 = add(%1, %2) : float32[2]
        %4 = reshape(%3) shape=[2, 1] : float32[2, 1]
        %5 = mul(%0, %4) : float32[2, 1]
        return result = %5"
    `);
  });
  test('results larger than the limit stay as they are', () => {
    expect(beforeAndAfter(graphOf(chain as never, f32(2, 1)), { evaluate, foldLimit: 1 })).toMatchInlineSnapshot(`
      "  %1 = constant() [1, 2] : float32[2]
        %2 = constant() [3, 4] : float32[2]
        %3 = add(%1, %2) : float32[2]
        %4 = reshape(%3) shape=[2, 1] : float32[2, 1]
        %5 = mul(%0, %4) : float32[2, 1]
        return result = %5
        =>
        %1 = constant() [1, 2] : float32[2]
        %2 = constant() [3, 4] : float32[2]
        %3 = add(%1, %2) : float32[2]
        %4 = reshape(%3) shape=[2, 1] : float32[2, 1]
        %5 = mul(%0, %4) : float32[2, 1]
        return result = %5"
    `);
  });
  test('an expanded constant stays small', () => {
    const graph = graphOf((x) => concat([x, expand(constant(1), [1000])]), f32(1000));
    expect(beforeAndAfter(graph, { evaluate })).toMatchInlineSnapshot(`
      "  %1 = constant() [1] : float32[]
        %2 = expand(%1) shape=[1000] : float32[1000]
        %3 = concat(%0, %2) axis=0 : float32[2000]
        return result = %3
        =>
        %1 = constant() [1] : float32[]
        %2 = expand(%1) shape=[1000] : float32[1000]
        %3 = concat(%0, %2) axis=0 : float32[2000]
        return result = %3"
    `);
  });
  test('an evaluator that gives another shape is caught', () => {
    const wrong: Evaluate = (node) => zeros([...node.shape, 1]);
    const graph = graphOf((x) => x.add(constant([1]).mul(constant([2]))), f32(1));
    expect(() => optimize(graph, { evaluate: wrong })).toThrow(
      new VerificationError('f: rewriting mul turned float32[1] into float32[1, 1]'),
    );
  });
});

test('optimising twice changes nothing more', () => {
  const graph = graphOf(
    (x, y) =>
      exp(x.neg().neg().mul(2).mul(3).add(y.mul(0)))
        .sub(y.neg())
        .div(7),
    f32(3),
    f32(3),
  );
  const once = optimize(graph);
  expect(optimize(once).outputs).toEqual(once.outputs);
});

test('inputs, names and outputs keep their order', () => {
  const graph = graphOf((({ a, b }: { a: Tensor; b: Tensor }) => ({ z: a, y: b })) as never, { a: f32(1), b: f32(2) });
  const { inputs, outputs, outputNames } = optimize(graph);
  expect(inputs).toEqual(graph.inputs);
  expect(outputNames).toEqual(['y', 'z']);
  expect(outputs.map((output) => output.shape)).toEqual([[2], [1]]);
});

test('deep graphs do not exhaust the stack', () => {
  let y: Tensor = placeholder('x', f32());
  const input = y as Tensor<'input'>;
  for (let i = 0; i < 20_000; i++) y = exp(y);
  const graph = optimize({ name: 'deep', inputs: [input], outputs: [y], outputNames: ['y'] });
  expect(topologicalOrder(graph.outputs)).toHaveLength(20_001);
});
