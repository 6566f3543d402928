import type { Graph } from '../graph.ts';
import { topologicalOrder } from '../graph.ts';
import type { Primitive } from '../primitives.ts';
import { expandConvolutions } from '../passes/convolutions/expand.ts';
import { sinkTransposes } from '../passes/layout.ts';
import { optimize } from '../passes/optimize.ts';
import type { Tensor } from '../tensor.ts';
import { findBiases } from './bias.ts';
import { OnnxBuilder } from './builder.ts';
import { type OnnxModel, type OnnxValue, type Precision, encodeModel } from './model.ts';
import { LOWERING_RULES, type LoweringRule } from './rules.ts';

/** Where a model will run: operators differ, and so do the fastest forms. */
export type Target = 'cpu' | 'wasm' | 'webgpu';

/**
 * Chooses among the forms of a primitive that has several, such as a convolution written as Conv or as MatMul. Given the node
 * and the names of the forms that can express it, best guess first; returns one of them.
 */
export type FormChooser = (node: Tensor, forms: readonly string[]) => string;

/** Options of {@link lower}. */
export interface LoweringOptions {
  readonly target: Target;
  /** Default: the first form. */
  readonly choose?: FormChooser;
  /**
   * Channels per block of ONNX Runtime's own blocked operators (domain com.microsoft.nchwc), which a runtime finds out by
   * trying. Left out, they are not used.
   */
  readonly blockSize?: number | undefined;
  /**
   * `double` stores and computes every float in 64 bits. ONNX Runtime has such kernels on the CPU (and in WASM) for matrix
   * products, elementwise operations, reductions and what only moves values, not for convolutions. Default: single.
   */
  readonly precision?: Precision;
}

/** What lowering rules write to. */
export interface Lowering extends Required<LoweringOptions> {
  readonly onnx: OnnxBuilder;
}

/** An ONNX model and how to feed it. */
export interface LoweredModel {
  readonly model: OnnxModel;
  /** For each input of the model, its position among the graph's inputs; inputs that nothing uses are left out. */
  readonly feeds: readonly number[];
}

function lowerNode<P extends Primitive>(
  to: Lowering,
  node: Tensor<P>,
  operands: readonly Tensor[],
  names: ReadonlyMap<Tensor, string>,
): string {
  const x = operands.map((input) => names.get(input) as string);
  return (LOWERING_RULES[node.primitive] as LoweringRule<P>)(to, node, x);
}

/** Convolutions become what is fastest on CPUs; the layout that this wants then spreads. */
function arranged(
  graph: Graph,
  { target, choose, blockSize }: Pick<Lowering, 'target' | 'choose' | 'blockSize'>,
): Graph {
  if (target !== 'cpu') return graph;
  const expanded = expandConvolutions(graph, { blockSize }, choose);
  return expanded.outputs.every((output, i) => output === graph.outputs[i])
    ? graph
    : optimize(expanded, { rewrite: sinkTransposes });
}

/** Lowers a graph to one ONNX model (opset 18), node by node. */
export function lower(
  given: Graph,
  { target, blockSize, choose = (_, forms) => forms[0] as string, precision = 'single' }: LoweringOptions,
): LoweredModel {
  const to: Lowering = { onnx: new OnnxBuilder(precision), target, choose, blockSize, precision };
  const graph = arranged(given, to);
  const names = new Map<Tensor, string>();
  const order = topologicalOrder(graph.outputs);
  const { biased, absorbed } = findBiases(order, graph.outputs);
  for (const node of order) {
    if (absorbed.has(node)) continue;
    const conv = biased.get(node);
    names.set(
      node,
      conv === undefined
        ? lowerNode(to, node, node.inputs, names)
        : lowerNode(to, conv.node, [...conv.node.inputs, conv.bias], names),
    );
  }
  const value = (node: Tensor, name: string): OnnxValue => ({ name, dtype: node.dtype, shape: node.shape });
  const used = graph.inputs.flatMap((input, i) => (names.has(input) ? [{ input, i }] : []));
  const model = to.onnx.build(
    graph.name,
    used.map(({ input }) => value(input, input.attributes.name)),
    graph.outputs.map((output) => value(output, names.get(output) as string)),
  );
  return { model, feeds: used.map(({ i }) => i) };
}

/** The bytes of the `.onnx` file of a graph: {@link lower} and {@link encodeModel}. */
export function toOnnx(graph: Graph, options: LoweringOptions): Uint8Array {
  return encodeModel(lower(graph, options).model);
}
