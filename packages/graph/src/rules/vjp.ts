import type { Primitive } from '../primitives.ts';
import { type Tensor, apply, operand } from '../tensor.ts';
import { type Shape, sameShape } from '../types.ts';

/**
 * Vector-Jacobian product: from the cotangent `g` of a node's result, the cotangent of each operand, or null where it is zero.
 * Every rule is linear in `g` and written in primitives, so derivatives can be taken again, to any order.
 */
export type VjpRule<P extends Primitive> = (g: Tensor, node: Tensor<P>) => readonly (Tensor | null)[];

function operands(node: Tensor): [Tensor, Tensor, Tensor] {
  return node.inputs as unknown as [Tensor, Tensor, Tensor];
}

const zero = (): Tensor => operand(0);
const select = (condition: Tensor, yes: Tensor, no: Tensor): Tensor => apply('select', [condition, yes, no], {});
const unary = (primitive: 'sign' | 'sqrt' | 'sigmoid' | 'exp' | 'log' | 'sin' | 'cos' | 'not', x: Tensor): Tensor =>
  apply(primitive, [x], {});

/** Sums a broadcast cotangent back to the shape of the operand it belongs to. */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  if (sameShape(g.shape, shape)) return g;
  const lead = g.shape.length - shape.length;
  const axes = g.shape.flatMap((size, axis) => (axis < lead || (shape[axis - lead] === 1 && size !== 1) ? [axis] : []));
  return g.sum(axes).reshape(shape);
}

/** A reduced tensor with its lost axes put back as ones, so that it broadcasts against what was reduced. */
function keepAxes(reduced: Tensor, original: Shape, axes: readonly number[]): Tensor {
  return reduced.reshape(original.map((size, axis) => (axes.includes(axis) ? 1 : size)));
}

/** For functions of one operand: `g` times the derivative, given the operand and the result. */
function elementwise(
  derivative: (g: Tensor, x: Tensor, y: Tensor) => Tensor,
): (g: Tensor, node: Tensor) => readonly Tensor[] {
  return (g, node) => [derivative(g, operands(node)[0], node)];
}

/** For functions of two broadcast operands. */
function pairwise(
  derivatives: (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => readonly [Tensor, Tensor],
): (g: Tensor, node: Tensor) => readonly Tensor[] {
  return (g, node) => {
    const [a, b] = operands(node);
    const [da, db] = derivatives(g, a, b, node);
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  };
}

const heaviside = (x: Tensor, at0: number): Tensor => apply('heaviside', [x], { zero: at0 });

const nowhere = (_: Tensor, node: Tensor): readonly null[] => node.inputs.map(() => null);

function permuted(x: Tensor, permutation: readonly number[]): Tensor {
  return apply('transpose', [x], { permutation });
}

/** The last two axes exchanged. */
function transposed(x: Tensor): Tensor {
  const rank = x.shape.length;
  return permuted(
    x,
    x.shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i)),
  );
}

function inverse(permutation: readonly number[]): number[] {
  const result = permutation.map(() => 0);
  permutation.forEach((axis, i) => (result[axis] = i));
  return result;
}

function sliceAxis(x: Tensor, axis: number, start: number, stop: number): Tensor {
  return apply('slice', [x], {
    start: x.shape.map((_, i) => (i === axis ? start : 0)),
    stop: x.shape.map((size, i) => (i === axis ? stop : size)),
    step: x.shape.map(() => 1),
  });
}

/** The elements of a padded array that the pad did not add. */
function unpad(g: Tensor, low: readonly number[], interior: readonly number[], original: Shape): Tensor {
  const step = interior.map((gap) => gap + 1);
  const stop = original.map((size, i) => (low[i] as number) + (size === 0 ? 0 : (size - 1) * (step[i] as number) + 1));
  return apply('slice', [g], { start: low, stop, step });
}

/** The VJP rule of every primitive. */
export const VJP_RULES: { readonly [P in Primitive]: VjpRule<P> } = {
  input: () => [],
  constant: () => [],
  identity: (g) => [g],
  stopGradient: nowhere,
  cast: (g, node) => [node.attributes.to === operands(node)[0].dtype ? g : null],

  neg: elementwise((g) => g.neg()),
  abs: elementwise((g, x) => g.mul(unary('sign', x))),
  sign: nowhere,
  exp: elementwise((g, _, y) => g.mul(y)),
  log: elementwise((g, x) => g.div(x)),
  sqrt: elementwise((g, _, y) => g.mul(0.5).div(y)),
  reciprocal: elementwise((g, _, y) => g.mul(y.square()).neg()),
  sin: elementwise((g, x) => g.mul(unary('cos', x))),
  cos: elementwise((g, x) => g.mul(unary('sin', x)).neg()),
  tanh: elementwise((g, _, y) => g.mul(operand(1).sub(y.square()))),
  sigmoid: elementwise((g, _, y) => g.mul(y.mul(operand(1).sub(y)))),
  erf: elementwise((g, x) => g.mul(unary('exp', x.square().neg()).mul(2 / Math.sqrt(Math.PI)))),
  softplus: elementwise((g, x) => g.mul(unary('sigmoid', x))),
  relu: elementwise((g, x) => g.mul(heaviside(x, 0))),
  // A factor of x alone, so that the several cotangents of higher derivatives share it.
  leakyRelu: (g, node) => {
    const { slope } = node.attributes;
    return [
      g.mul(
        heaviside(operands(node)[0], 0)
          .mul(1 - slope)
          .add(slope),
      ),
    ];
  },
  // σ + xσ(1 − σ), with y = xσ at hand.
  silu: elementwise((g, x, y) => {
    const s = unary('sigmoid', x);
    return g.mul(s.add(y.mul(operand(1).sub(s))));
  }),
  heaviside: nowhere,
  normalCdf: elementwise((g, x) => g.mul(apply('normalPdf', [x], {}))),
  normalPdf: elementwise((g, x, y) => g.mul(x.mul(y)).neg()),
  floor: nowhere,
  not: nowhere,

  add: pairwise((g) => [g, g]),
  sub: pairwise((g) => [g, g.neg()]),
  mul: pairwise((g, a, b) => [g.mul(b), g.mul(a)]),
  div: pairwise((g, _, b, y) => [g.div(b), g.mul(y).div(b).neg()]),
  pow: pairwise((g, a, b, y) => [g.mul(b.mul(apply('pow', [a, b.sub(1)], {}))), g.mul(y.mul(unary('log', a)))]),
  // Where one operand wins it takes the cotangent; ties share it equally.
  maximum: pairwise((g, a, b) => [g.mul(heaviside(a.sub(b), 0.5)), g.mul(heaviside(b.sub(a), 0.5))]),
  minimum: pairwise((g, a, b) => [g.mul(heaviside(b.sub(a), 0.5)), g.mul(heaviside(a.sub(b), 0.5))]),
  less: nowhere,
  lessEqual: nowhere,
  equal: nowhere,
  and: nowhere,
  or: nowhere,
  select: (g, node) => {
    const [condition, a, b] = operands(node);
    return [null, sumTo(select(condition, g, zero()), a.shape), sumTo(select(condition, zero(), g), b.shape)];
  },

  sum: (g, node) => {
    const { shape } = operands(node)[0];
    return [apply('expand', [keepAxes(g, shape, node.attributes.axes)], { shape })];
  },
  max: (g, node) => {
    const x = operands(node)[0];
    const { axes } = node.attributes;
    const hits = apply('cast', [apply('equal', [x, keepAxes(node, x.shape, axes)], {})], { to: 'float32' });
    return [keepAxes(g.div(hits.sum(axes)), x.shape, axes).mul(hits)];
  },

  reshape: (g, node) => [g.reshape(operands(node)[0].shape)],
  transpose: (g, node) => [apply('transpose', [g], { permutation: inverse(node.attributes.permutation) })],
  expand: (g, node) => [sumTo(g, operands(node)[0].shape)],
  slice: (g, node) => {
    const { start, step } = node.attributes;
    const interior = step.map((s) => s - 1);
    const high = operands(node)[0].shape.map((size, i) => {
      const taken = g.shape[i] as number;
      return size - (start[i] as number) - (taken === 0 ? 0 : (taken - 1) * (step[i] as number) + 1);
    });
    return [apply('pad', [g], { low: start, high, interior })];
  },
  concat: (g, node) => {
    let start = 0;
    return node.inputs.map((x) => {
      const stop = start + (x.shape[node.attributes.axis] as number);
      const part = sliceAxis(g, node.attributes.axis, start, stop);
      start = stop;
      return part;
    });
  },
  pad: (g, node) => [unpad(g, node.attributes.low, node.attributes.interior, operands(node)[0].shape)],

  gather: (g, node) => {
    const [x, indices] = operands(node);
    const { axis } = node.attributes;
    return [apply('scatterAdd', [g, indices], { axis, size: x.shape[axis] as number }), null];
  },
  scatterAdd: (g, node) => [apply('gather', [g, operands(node)[1]], { axis: node.attributes.axis }), null],

  matmul: (g, node) => {
    const [a, b] = operands(node);
    const da = apply('matmul', [g, transposed(b)], {});
    const db = apply('matmul', [transposed(a), g], {});
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  },

  conv2d: (g, node) => {
    const [x, w] = operands(node);
    const size = x.shape.slice(2) as [number, number];
    const kernel = w.shape.slice(2) as [number, number];
    return [
      apply('conv2dInputGrad', [g, w], { ...node.attributes, size }),
      apply('conv2dFilterGrad', [x, g], { ...node.attributes, kernel }),
    ];
  },
  conv2dInputGrad: (g, node) => {
    const [y, w] = operands(node);
    const { size: _, ...geometry } = node.attributes;
    const kernel = w.shape.slice(2) as [number, number];
    return [apply('conv2d', [g, w], geometry), apply('conv2dFilterGrad', [g, y], { ...geometry, kernel })];
  },
  conv2dFilterGrad: (g, node) => {
    const [x, y] = operands(node);
    const { kernel: _, ...geometry } = node.attributes;
    const size = x.shape.slice(2) as [number, number];
    return [apply('conv2dInputGrad', [y, g], { ...geometry, size }), apply('conv2d', [x, g], geometry)];
  },

  conv2dChannelsLast: (g, node) => {
    const [x, w] = operands(node);
    const first = (images: Tensor): Tensor => permuted(images, [0, 3, 1, 2]);
    const size = x.shape.slice(1, 3) as [number, number];
    const kernel = w.shape.slice(0, 2) as [number, number];
    const dx = apply('conv2dInputGrad', [first(g), permuted(w, [3, 2, 0, 1])], { ...node.attributes, size });
    const dw = apply('conv2dFilterGrad', [first(x), first(g)], { ...node.attributes, kernel });
    return [permuted(dx, [0, 2, 3, 1]), permuted(dw, [2, 3, 1, 0])];
  },

  maxPool: (g, node) => [apply('maxPoolScatter', [operands(node)[0], g], node.attributes)],
  maxPoolPick: (g, node) => [null, apply('maxPoolScatter', [operands(node)[0], g], node.attributes)],
  maxPoolScatter: (g, node) => [null, apply('maxPoolPick', [operands(node)[0], g], node.attributes)],
};
