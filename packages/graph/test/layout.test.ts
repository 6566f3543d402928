import { describe, expect, test } from 'vitest';
import { type Graph, topologicalOrder } from '../src/graph.ts';
import { relu } from '../src/ops/elementwise.ts';
import { transpose } from '../src/ops/shape.ts';
import { sinkTransposes } from '../src/passes/layout.ts';
import { optimize } from '../src/passes/optimize.ts';
import { type Tensor, placeholder } from '../src/tensor.ts';

const LAST = [0, 2, 3, 1];
const FIRST = [0, 3, 1, 2];
const images = placeholder('x', { dtype: 'float32', shape: [2, 5, 5, 3] });
const bias = placeholder('b', { dtype: 'float32', shape: [3] });

function primitives(output: Tensor): string[] {
  const graph: Graph = { name: 'layout', inputs: [images, bias], outputs: [output], outputNames: ['result'] };
  return topologicalOrder(optimize(graph, { rewrite: sinkTransposes }).outputs)
    .map((node) => node.primitive)
    .filter((primitive) => primitive !== 'input');
}

describe('transposes sink towards the outputs', () => {
  const first = transpose(images, FIRST);

  test('past elementwise functions, to meet the one that undoes them', () => {
    expect(primitives(transpose(relu(first.add(bias.reshape([3, 1, 1]))), LAST))).toEqual(['reshape', 'add', 'relu']);
  });

  test('past two transposed operands at once, and scalars', () => {
    expect(primitives(transpose(first.mul(relu(first)).mul(3), LAST))).toEqual(['relu', 'mul', 'constant', 'mul']);
  });

  test('and disappear in a sum over pixels or over everything', () => {
    expect(primitives(first.sum([0, 2, 3]))).toEqual(['sum']);
    expect(primitives(first.sum())).toEqual(['sum']);
  });

  test('but stay where another operand has another layout, or a reduction would reorder the axes', () => {
    const other = placeholder('x', { dtype: 'float32', shape: [2, 3, 5, 5] });
    const mixed: Graph = {
      name: 'mixed',
      inputs: [other],
      outputs: [other.add(transpose(other, [0, 1, 3, 2]))],
      outputNames: ['result'],
    };
    const nodes = topologicalOrder(optimize(mixed, { rewrite: sinkTransposes }).outputs).map((node) => node.primitive);
    expect(nodes).toEqual(['input', 'transpose', 'add']);
    expect(primitives(first.sum(0))).toEqual(['transpose', 'sum']);
  });
});
