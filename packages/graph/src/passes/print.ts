import { type Graph, topologicalOrder } from '../graph.ts';
import type { Tensor } from '../tensor.ts';
import { type NDArray, formatShape } from '../types.ts';

function formatValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(formatValue).join(', ')}]`;
  if (typeof value === 'object' && value !== null && 'data' in value) return formatArray(value as NDArray);
  return String(value);
}

function formatArray(array: NDArray): string {
  const shown = Array.from(array.data.slice(0, 6) as ArrayLike<number | bigint>, (v) =>
    String(typeof v === 'number' ? Number(v.toPrecision(6)) : v),
  );
  return array.data.length > 6 ? `[${shown.join(', ')}, … ${array.data.length} values]` : `[${shown.join(', ')}]`;
}

function formatAttributes(node: Tensor): string {
  if (node.primitive === 'constant') return formatArray((node as Tensor<'constant'>).attributes.value);
  return Object.entries(node.attributes)
    .map(([key, value]) => `${key}=${formatValue(value)}`)
    .join(' ');
}

/**
 * A graph as text, one node a line, numbered in topological order; used in golden snapshots:
 *
 * ```
 * square(arg0: float32[3])
 *   %1 = mul(%0, %0) : float32[3]
 *   return result = %1
 * ```
 */
export function printGraph(graph: Graph): string {
  const numbers = new Map<Tensor, number>();
  graph.inputs.forEach((input) => numbers.set(input, numbers.size));
  const order = topologicalOrder(graph.outputs).filter((node) => node.primitive !== 'input');
  for (const node of order) numbers.set(node, numbers.size);
  const ref = (node: Tensor): string => `%${numbers.get(node)}`;
  const type = (node: Tensor): string => `${node.dtype}${formatShape(node.shape)}`;
  const head = graph.inputs.map((input) => `${ref(input)} ${input.attributes.name}: ${type(input)}`).join(', ');
  const body = order.map((node) => {
    const attributes = formatAttributes(node);
    return `  ${ref(node)} = ${node.primitive}(${node.inputs.map(ref).join(', ')})${attributes === '' ? '' : ` ${attributes}`} : ${type(node)}`;
  });
  const results = graph.outputs.map((output, i) => `${graph.outputNames[i]} = ${ref(output)}`).join(', ');
  return `${graph.name}(${head})\n${body.join('\n')}${body.length > 0 ? '\n' : ''}  return ${results}\n`;
}
