import type { Primitive } from '../primitives.ts';
import { type Tensor, apply } from '../tensor.ts';
import { sameShape } from '../types.ts';

const ELEMENTWISE: ReadonlySet<Primitive> = new Set<Primitive>([
  ...([
    'cast',
    'neg',
    'abs',
    'sign',
    'exp',
    'log',
    'sqrt',
    'reciprocal',
    'sin',
    'cos',
    'tanh',
    'sigmoid',
    'erf',
  ] as const),
  ...([
    'softplus',
    'relu',
    'leakyRelu',
    'silu',
    'heaviside',
    'normalCdf',
    'normalPdf',
    'floor',
    'not',
    'add',
    'sub',
    'mul',
    'div',
    'pow',
    'maximum',
  ] as const),
  ...(['minimum', 'less', 'lessEqual', 'equal', 'and', 'or', 'select'] as const),
]);

function permutationOf(x: Tensor): readonly number[] | undefined {
  return x.primitive === 'transpose' ? (x as Tensor<'transpose'>).attributes.permutation : undefined;
}

/** What `x` was before a transpose by `permutation`: itself untransposed, or a broadcast operand with its axes moved. */
function before(x: Tensor, permutation: readonly number[], rank: number): Tensor | undefined {
  const own = permutationOf(x);
  if (own !== undefined && sameShape(own, permutation)) return x.inputs[0];
  const long = [...Array.from({ length: rank - x.shape.length }, () => 1), ...x.shape];
  // Moving the axes of a vector among ones moves no data.
  if (long.filter((size) => size !== 1).length > 1) return undefined;
  const shape = long.map(() => 1);
  permutation.forEach((axis, i) => (shape[axis] = long[i] as number));
  return x.shape.length === 0 ? x : x.reshape(shape);
}

/** f(aᵀ, bᵀ) = f(a, b)ᵀ for elementwise f. */
function sinkElementwise(node: Tensor): Tensor | undefined {
  const permutation = node.inputs.map(permutationOf).find((p) => p?.length === node.shape.length);
  if (permutation === undefined) return undefined;
  const inputs = node.inputs.map((x) => before(x, permutation, node.shape.length));
  if (inputs.includes(undefined)) return undefined;
  return apply('transpose', [apply(node.primitive, inputs as Tensor[], node.attributes)], { permutation });
}

/** Reductions of a transposed tensor, where the axes that stay keep their order. */
function sinkReduction(node: Tensor<'sum' | 'max'>): Tensor | undefined {
  const [x] = node.inputs as readonly [Tensor];
  const permutation = permutationOf(x);
  if (permutation === undefined) return undefined;
  const { axes } = node.attributes;
  const staying = permutation.filter((_, i) => !axes.includes(i));
  if (staying.some((axis, i) => i > 0 && axis < (staying[i - 1] as number))) return undefined;
  return apply(node.primitive, x.inputs, {
    axes: axes.map((axis) => permutation[axis] as number).toSorted((a, b) => a - b),
  });
}

/**
 * Moves transposes towards the outputs, past everything that does not care about the order of axes, so that those which
 * undo each other meet. Images then stay with their channels last from one matrix product to the next.
 */
export function sinkTransposes(node: Tensor): Tensor | undefined {
  if (ELEMENTWISE.has(node.primitive)) return sinkElementwise(node);
  return node.primitive === 'sum' || node.primitive === 'max'
    ? sinkReduction(node as Tensor<'sum' | 'max'>)
    : undefined;
}
