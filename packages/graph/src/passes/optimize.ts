import { type Graph, topologicalOrder } from '../graph.ts';
import type { Primitive } from '../primitives.ts';
import { type Tensor, apply, constant } from '../tensor.ts';
import { type NDArray, formatShape, sameShape, sizeOf } from '../types.ts';
import { simplifyNode } from './simplify.ts';
import { VerificationError, verify } from './verify.ts';

/** Computes a node from the values of its inputs: the interpreter of the runtime, handed in since it lives above this package. */
export type Evaluate = (node: Tensor, inputs: readonly NDArray[]) => NDArray;

/** Options of {@link optimize}. */
export interface OptimizeOptions {
  /** Folds constants. Left out, constants stay as they are. */
  readonly evaluate?: Evaluate;
  /** Largest number of values that folding may produce in one constant. Default 65,536. */
  readonly foldLimit?: number;
  /** Further rewrites of a node, tried after the algebra. */
  readonly rewrite?: (node: Tensor) => Tensor | undefined;
}

let nextDataId = 0;
const dataIds = new WeakMap<object, number>();

/** Names the storage of large constants, so that equal objects and not equal contents are shared. */
function dataId(data: object): number {
  const id = dataIds.get(data) ?? nextDataId++;
  dataIds.set(data, id);
  return id;
}

/** Exactly so: IEEE sums, products and extrema do not depend on the order of two operands. */
const COMMUTATIVE: ReadonlySet<Primitive> = new Set<Primitive>([
  'add',
  'mul',
  'maximum',
  'minimum',
  'equal',
  'and',
  'or',
]);

/** Two nodes with one key have equal values. */
function keyOf(node: Tensor): string {
  if (node.primitive === 'constant') {
    const { value } = (node as Tensor<'constant'>).attributes;
    const content =
      value.data.length <= 64
        ? Array.from(value.data as ArrayLike<number | bigint>, (v) => (Object.is(v, -0) ? '-0' : String(v))).join()
        : `#${dataId(value.data)}`;
    return `constant ${value.dtype} ${value.shape.join()} ${content}`;
  }
  const operands = node.inputs.map((x) => x.id);
  if (COMMUTATIVE.has(node.primitive)) operands.sort((a, b) => a - b);
  return `${node.primitive} ${operands.join()} ${JSON.stringify(node.attributes)}`;
}

/** `node` on other inputs; the same object when they are the same. */
function rebuilt(node: Tensor, inputs: readonly Tensor[]): Tensor {
  return inputs.every((x, i) => x === node.inputs[i]) ? node : apply(node.primitive, inputs, node.attributes);
}

/** A rewrite must not change what a node is. @throws VerificationError */
function checkType(graph: Graph, before: Tensor, after: Tensor): void {
  if (before.dtype === after.dtype && sameShape(before.shape, after.shape)) return;
  throw new VerificationError(
    `${graph.name}: rewriting ${before.primitive} turned ${before.dtype}${formatShape(before.shape)} into ${after.dtype}${formatShape(after.shape)}`,
  );
}

/**
 * Merges common subexpressions, drops dead nodes, folds constants and simplifies, to a fixed point, verifying after each round.
 */
export function optimize(graph: Graph, { evaluate, foldLimit = 65_536, rewrite }: OptimizeOptions = {}): Graph {
  const unique = new Map<string, Tensor>();
  const done = new Map<Tensor, Tensor>();

  const fold = (node: Tensor): Tensor | undefined => {
    if (evaluate === undefined || node.inputs.length === 0 || node.primitive === 'expand') return undefined;
    if (sizeOf(node.shape) > foldLimit || !node.inputs.every((x) => x.primitive === 'constant')) return undefined;
    return constant(
      evaluate(
        node,
        node.inputs.map((x) => (x as Tensor<'constant'>).attributes.value),
      ),
    );
  };
  const intern = (node: Tensor): Tensor => {
    if (node.primitive === 'input') return node;
    const key = keyOf(node);
    const known = unique.get(key);
    if (known === undefined) unique.set(key, node);
    return known ?? node;
  };
  // A rewrite may build several nodes, whose inputs are final; each is brought to its own fixed point in turn.
  const finish = (node: Tensor): Tensor => {
    const known = done.get(node);
    if (known !== undefined) return known;
    let current = rebuilt(node, node.inputs.map(finish));
    const next = fold(current) ?? simplifyNode(current) ?? rewrite?.(current);
    if (next !== undefined) checkType(graph, current, next);
    current = next === undefined || next === current ? intern(current) : finish(next);
    done.set(node, current);
    done.set(current, current);
    return current;
  };
  verify(graph, 'tracing');
  for (const node of topologicalOrder(graph.outputs)) finish(node);
  return verify({ ...graph, outputs: graph.outputs.map(finish) }, 'optimisation');
}
