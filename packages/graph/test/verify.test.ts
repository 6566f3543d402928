import { expect, test } from 'vitest';
import { type Graph, Tensor, VerificationError, exp, placeholder, trace, verify } from '@brownian/graph';
import { f32, graphOf, type } from './graphs.ts';

const good = graphOf((x) => exp(x), f32(3));
const message = (graph: Graph): string => {
  try {
    verify(graph, 'a pass');
  } catch (error) {
    expect(error).toBeInstanceOf(VerificationError);
    return (error as Error).message;
  }
  return 'nothing was thrown';
};

test('a sound graph is returned as it is', () => {
  expect(verify(good, 'a pass')).toBe(good);
});

test('a tensor of another trace is named', () => {
  let stolen: Tensor | undefined;
  graphOf((x) => (stolen = x), f32(3));
  const graph = graphOf((x) => x.add(exp(stolen as Tensor)), f32(3));
  expect(message(graph)).toBe(
    'f, after a pass: "arg0" is not an input of this graph: a tensor of another trace was used',
  );
});

test('a node whose type is not what its primitive gives is named with both types', () => {
  const [x] = good.inputs as [Tensor<'input'>];
  const wrongShape = new Tensor('exp', [x], {}, f32(4));
  const wrongType = new Tensor('exp', [x], {}, type('int32', 3));
  expect(message({ ...good, outputs: [wrongShape] })).toBe(
    'f, after a pass: exp is float32[4], its rule gives float32[3]',
  );
  expect(message({ ...good, outputs: [wrongType] })).toBe(
    'f, after a pass: exp is int32[3], its rule gives float32[3]',
  );
});

test('a node whose operands its primitive cannot take is a fault too', () => {
  const [x] = good.inputs as [Tensor<'input'>];
  const odd = new Tensor('matmul', [x, x], {}, f32(3));
  expect(message({ ...good, outputs: [odd] })).toBe(
    'f, after a pass: matmul: both operands need at least two axes (got float32[3] and float32[3])',
  );
});

test('every output needs a name', () => {
  expect(message({ ...good, outputNames: [] })).toBe('f, after a pass: 1 outputs have 0 names');
});

test('two inputs must not have one name', () => {
  const clash = trace('f', (tree: { 'a.b': Tensor; a: { b: Tensor } }) => tree['a.b'].add(tree.a.b), [
    { 'a.b': f32(1), a: { b: f32(1) } },
  ]).graph;
  expect(message(clash)).toBe('f, after a pass: two inputs have one name');
});

test('an input that nothing uses is allowed', () => {
  const unused = placeholder('unused', f32(7));
  expect(message({ ...good, inputs: [...good.inputs, unused] })).toBe('nothing was thrown');
});
