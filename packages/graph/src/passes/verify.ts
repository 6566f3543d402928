import { type Graph, topologicalOrder } from '../graph.ts';
import type { Primitive } from '../primitives.ts';
import { SHAPE_RULES, type ShapeRule } from '../rules/shape.ts';
import type { Tensor } from '../tensor.ts';
import { formatShape, sameShape, type TensorType } from '../types.ts';

/** A graph that breaks its own rules: a fault of a pass, not of the user. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError';
}

function recomputed<P extends Primitive>(node: Tensor<P>): TensorType {
  return (SHAPE_RULES[node.primitive] as ShapeRule<P>)(node.inputs, node.attributes);
}

/** A rule that refuses its operands here is a fault of the pass, which the message must name. */
function attempt(type: () => TensorType, fail: (why: string) => never): TensorType {
  try {
    return type();
  } catch (error) {
    return fail((error as Error).message);
  }
}

/**
 * Checks that every placeholder is an input of the graph, that input names differ, that every node has the type its
 * primitive gives, and that there is a name per output. Runs between passes.
 *
 * @throws VerificationError naming the pass and the node
 */
export function verify(graph: Graph, after: string): Graph {
  const fail = (why: string): never => {
    throw new VerificationError(`${graph.name}, after ${after}: ${why}`);
  };
  if (graph.outputs.length !== graph.outputNames.length)
    fail(`${graph.outputs.length} outputs have ${graph.outputNames.length} names`);
  if (new Set(graph.inputs.map((input) => input.attributes.name)).size !== graph.inputs.length)
    fail('two inputs have one name');
  const bound = new Set<Tensor>(graph.inputs);
  for (const node of topologicalOrder(graph.outputs)) {
    if (node.primitive === 'input') {
      if (!bound.has(node))
        fail(
          `"${(node as Tensor<'input'>).attributes.name}" is not an input of this graph: a tensor of another trace was used`,
        );
      continue;
    }
    const want = attempt(
      () => recomputed(node),
      (why) => fail(`${node.primitive}: ${why}`),
    );
    if (want.dtype !== node.dtype || !sameShape(want.shape, node.shape)) {
      fail(
        `${node.primitive} is ${node.dtype}${formatShape(node.shape)}, its rule gives ${want.dtype}${formatShape(want.shape)}`,
      );
    }
  }
  return graph;
}
