import type { Primitive } from '../primitives.ts';
import type { Tensor } from '../tensor.ts';
import { lowerConv2dChannelsLast } from './blocked-conv.ts';
import { lowerConv2d, lowerConv2dFilterGrad, lowerConv2dInputGrad } from './conv.ts';
import type { Lowering } from './lowering.ts';
import { lowerMaxPool, lowerMaxPoolPick, lowerMaxPoolScatter } from './pool.ts';
import { transpose } from './transpose.ts';

/** Emits the ONNX nodes of a primitive and returns the name of its result. `x` are the names of its operands. */
export type LoweringRule<P extends Primitive> = (to: Lowering, node: Tensor<P>, x: readonly string[]) => string;

/** A primitive that is one ONNX operator on the same operands. */
function direct(op: string): LoweringRule<Primitive> {
  return (to, _, x) => to.onnx.node(op, x);
}

function operandShape(node: Tensor, index: number): readonly number[] {
  return (node.inputs[index] as Tensor).shape;
}

/** Zeros between the elements of an axis: each element becomes a row [x, 0, …, 0], whose last zeros are cut off. */
function dilateAxis(to: Lowering, x: string, shape: number[], axis: number, gap: number): string {
  const size = shape[axis] as number;
  if (gap === 0 || size < 2) return x;
  const split = [...shape.slice(0, axis + 1), 1, ...shape.slice(axis + 1)];
  const none = split.map(() => 0);
  const spread = to.onnx.pad(
    to.onnx.reshape(x, split),
    none,
    split.map((_, i) => (i === axis + 1 ? gap : 0)),
  );
  shape[axis] = size * (gap + 1);
  const merged = to.onnx.reshape(spread, shape);
  shape[axis] -= gap;
  return to.onnx.slice(merged, [axis], [0], [shape[axis]], [1]);
}

/** Sum of rows at equal indices. WebGPU lacks a dependable scatter-add, so there it is a product with one-hot rows. */
function scatterRows(
  to: Lowering,
  updates: string,
  indices: string,
  rows: number,
  width: number,
  size: number,
): string {
  const { onnx } = to;
  if (to.target !== 'webgpu') {
    const zeros = onnx.node('Expand', [onnx.scalar(0), onnx.integers([size, width])]);
    return onnx.node('ScatterND', [zeros, onnx.reshape(indices, [rows, 1]), updates], { reduction: 'add' });
  }
  const every = onnx.initializer({
    dtype: 'int32',
    shape: [size, 1],
    data: Int32Array.from({ length: size }, (_, i) => i),
  });
  const hot = onnx.cast(onnx.node('Equal', [every, onnx.cast(onnx.reshape(indices, [1, rows]), 'int32')]), 'float32');
  return onnx.node('MatMul', [hot, updates]);
}

const lowerScatterAdd: LoweringRule<'scatterAdd'> = (to, node, x) => {
  const { axis, size } = node.attributes;
  const [updates, indices] = [operandShape(node, 0), operandShape(node, 1)];
  const rank = indices.length;
  const rows = indices.reduce((a, b) => a * b, 1);
  const [before, after] = [updates.slice(0, axis), updates.slice(axis + rank)];
  const width = [...before, ...after].reduce((a, b) => a * b, 1);
  // The indexed axes are moved to the front, flattened, and moved back.
  const front = [
    ...indices.map((_, i) => axis + i),
    ...before.map((_, i) => i),
    ...after.map((_, i) => axis + rank + i),
  ];
  const moved = axis === 0 ? (x[0] as string) : transpose(to, x[0] as string, updates, front);
  const int64 = (node.inputs[1] as Tensor).dtype === 'int64' ? (x[1] as string) : to.onnx.cast(x[1] as string, 'int64');
  const summed = scatterRows(to, to.onnx.reshape(moved, [rows, width]), int64, rows, width, size);
  const moves = [size, ...before, ...after];
  const shaped = to.onnx.reshape(summed, moves);
  if (axis === 0) return shaped;
  const back = [...before.map((_, i) => i + 1), 0, ...after.map((_, i) => before.length + 1 + i)];
  return transpose(to, shaped, moves, back);
};

/** Steeper than 1 over the smallest normal number, so that all but 0 is cut off at 0 or 1. */
const STEEP = 3e38;

/** On the CPU a steep line cut off at 0 and 1 is ten times as fast as a comparison and a selection. */
const lowerHeaviside: LoweringRule<'heaviside'> = (to, node, [x]) => {
  const { zero } = node.attributes;
  const { onnx } = to;
  if (to.target === 'cpu' && to.precision === 'single') {
    return onnx.node('HardSigmoid', [x as string], { alpha: { float: STEEP }, beta: { float: zero } });
  }
  const positive = onnx.cast(onnx.node('Less', [onnx.scalar(0), x as string]), 'float32');
  if (zero === 0) return positive;
  const atZero = onnx.cast(onnx.node('Equal', [x as string, onnx.scalar(0)]), 'float32');
  return onnx.node('Add', [positive, onnx.node('Mul', [atZero, onnx.scalar(zero)])]);
};

/** Parts that a long sum is taken in. */
const PARTS = 16;

/** A sum over leading axes, on the CPU in two stages: the first runs in parallel, and short sums are more accurate than a long one. */
const lowerSum: LoweringRule<'sum'> = (to, node, [x]) => {
  const { axes } = node.attributes;
  const shape = operandShape(node, 0);
  const rows = axes.reduce((count, axis) => count * (shape[axis] as number), 1);
  const leading = axes.length < shape.length && axes.every((axis, i) => axis === i);
  const parts = Array.from({ length: PARTS }, (_, i) => PARTS - i).find((count) => rows % count === 0) ?? 1;
  if (to.target !== 'cpu' || !leading || rows < 1024 || parts < 4) return reduce(to, 'ReduceSum', x as string, axes);
  const split = to.onnx.reshape(x as string, [parts, rows / parts, ...shape.slice(axes.length)]);
  return reduce(to, 'ReduceSum', reduce(to, 'ReduceSum', split, [1]), [0]);
};

/** ONNX Runtime's Where does not take bools. */
const lowerSelect: LoweringRule<'select'> = (to, node, x) => {
  if (node.dtype !== 'bool') return to.onnx.node('Where', x);
  const [condition, yes, no] = x as readonly [string, string, string];
  return to.onnx.node('Or', [
    to.onnx.node('And', [condition, yes]),
    to.onnx.node('And', [to.onnx.node('Not', [condition]), no]),
  ]);
};

/** Without the last attribute, ONNX takes a list of no axes for all of them. */
function reduce(to: Lowering, op: string, x: string, axes: readonly number[]): string {
  return to.onnx.node(op, [x, to.onnx.integers(axes)], { keepdims: 0, noop_with_empty_axes: 1 });
}

const lowerSlice: LoweringRule<'slice'> = (to, node, x) => {
  const { start, stop, step } = node.attributes;
  const shape = operandShape(node, 0);
  const axes = shape.flatMap((size, i) => (start[i] === 0 && stop[i] === size && step[i] === 1 ? [] : [i]));
  const pick = (list: readonly number[]): number[] => axes.map((axis) => list[axis] as number);
  return to.onnx.slice(x[0] as string, axes, pick(start), pick(stop), pick(step));
};

/** The lowering rule of every primitive. */
export const LOWERING_RULES: { readonly [P in Primitive]: LoweringRule<P> } = {
  input: (_, node) => node.attributes.name,
  constant: (to, node) => {
    const { value } = node.attributes;
    return value.dtype === 'float32' && value.shape.length === 0
      ? to.onnx.scalar(Number(value.data[0]))
      : to.onnx.initializer(value);
  },
  identity: (_, __, x) => x[0] as string,
  stopGradient: (_, __, x) => x[0] as string,
  cast: (to, node, x) => to.onnx.cast(x[0] as string, node.attributes.to),

  neg: direct('Neg'),
  abs: direct('Abs'),
  sign: direct('Sign'),
  exp: direct('Exp'),
  log: direct('Log'),
  sqrt: direct('Sqrt'),
  reciprocal: direct('Reciprocal'),
  sin: direct('Sin'),
  cos: direct('Cos'),
  tanh: direct('Tanh'),
  sigmoid: direct('Sigmoid'),
  erf: direct('Erf'),
  softplus: direct('Softplus'),
  relu: direct('Relu'),
  leakyRelu: (to, node, x) => to.onnx.node('LeakyRelu', x, { alpha: { float: node.attributes.slope } }),
  silu: (to, _, x) => to.onnx.node('Mul', [x[0] as string, to.onnx.node('Sigmoid', x)]),
  heaviside: lowerHeaviside,
  // Φ = (1 + erf(x/√2))/2; the last step in one operator where it is faster.
  normalCdf: (to, _, x) => {
    const erf = to.onnx.node('Erf', [to.onnx.node('Mul', [x[0] as string, to.onnx.scalar(Math.SQRT1_2)])]);
    if (to.precision === 'single') {
      return to.onnx.node('HardSigmoid', [erf], { alpha: { float: 0.5 }, beta: { float: 0.5 } });
    }
    return to.onnx.node('Mul', [to.onnx.node('Add', [erf, to.onnx.scalar(1)]), to.onnx.scalar(0.5)]);
  },
  normalPdf: (to, _, [x]) => {
    const exponent = to.onnx.node('Mul', [x as string, to.onnx.node('Mul', [x as string, to.onnx.scalar(-0.5)])]);
    return to.onnx.node('Mul', [to.onnx.node('Exp', [exponent]), to.onnx.scalar(1 / Math.sqrt(2 * Math.PI))]);
  },
  floor: direct('Floor'),
  not: direct('Not'),

  add: direct('Add'),
  sub: direct('Sub'),
  mul: direct('Mul'),
  div: direct('Div'),
  pow: direct('Pow'),
  maximum: direct('Max'),
  minimum: direct('Min'),
  less: direct('Less'),
  lessEqual: direct('LessOrEqual'),
  equal: direct('Equal'),
  and: direct('And'),
  or: direct('Or'),
  select: lowerSelect,

  sum: lowerSum,
  max: (to, node, x) => reduce(to, 'ReduceMax', x[0] as string, node.attributes.axes),

  reshape: (to, node, x) => to.onnx.reshape(x[0] as string, node.shape),
  transpose: (to, node, x) => transpose(to, x[0] as string, operandShape(node, 0), node.attributes.permutation),
  expand: (to, node, x) => to.onnx.node('Expand', [x[0] as string, to.onnx.integers(node.shape)]),
  slice: lowerSlice,
  concat: (to, node, x) => to.onnx.concat(x, node.attributes.axis),
  pad: (to, node, x) => {
    const shape = [...operandShape(node, 0)];
    let value = x[0] as string;
    node.attributes.interior.forEach((gap, axis) => (value = dilateAxis(to, value, shape, axis, gap)));
    return to.onnx.pad(value, node.attributes.low, node.attributes.high);
  },

  gather: (to, node, x) => to.onnx.node('Gather', x, { axis: node.attributes.axis }),
  scatterAdd: lowerScatterAdd,

  matmul: direct('MatMul'),

  conv2d: lowerConv2d,
  conv2dInputGrad: lowerConv2dInputGrad,
  conv2dFilterGrad: lowerConv2dFilterGrad,
  conv2dChannelsLast: lowerConv2dChannelsLast,

  maxPool: lowerMaxPool,
  maxPoolPick: lowerMaxPoolPick,
  maxPoolScatter: lowerMaxPoolScatter,
};
