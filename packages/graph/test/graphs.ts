import {
  type DType,
  type Evaluate,
  type Graph,
  type NDArray,
  type OptimizeOptions,
  type Tensor,
  type TensorType,
  ndarray,
  optimize,
  printGraph,
  trace,
} from '@brownian/graph';

/** The type of an argument. */
export const type = (dtype: DType, ...shape: number[]): TensorType => ({ dtype, shape });
export const f32 = (...shape: number[]): TensorType => type('float32', ...shape);

/** The graph of `f` on arguments of these types. */
export function graphOf(f: (...x: Tensor[]) => unknown, ...args: readonly unknown[]): Graph {
  return trace('f', f, args).graph;
}

/** A stand-in for the interpreter, which lives above this package: elementwise sums and products, and reshape. */
export const evaluate: Evaluate = (node, inputs) => {
  const at = (x: NDArray, i: number): number => Number(x.data[x.data.length === 1 ? 0 : i]);
  const [a, b] = inputs as readonly [NDArray, NDArray];
  const values = Float64Array.from({ length: node.shape.reduce((n, size) => n * size, 1) }, (_, i) => {
    if (node.primitive === 'reshape') return at(a, i);
    return node.primitive === 'add' ? at(a, i) + at(b, i) : at(a, i) * at(b, i);
  });
  return ndarray(values, node.shape);
};

/** The bodies of a graph before and after optimisation, one under the other. */
export function beforeAndAfter(graph: Graph, options?: OptimizeOptions): string {
  const body = (g: Graph): string => printGraph(g).split('\n').slice(1, -1).join('\n');
  return `${body(graph)}\n  =>\n${body(optimize(graph, options))}`;
}
