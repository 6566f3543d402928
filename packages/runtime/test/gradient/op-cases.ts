import {
  type Primitive,
  apply,
  cast,
  concat,
  constant,
  expand,
  gather,
  leakyRelu,
  matmul,
  max,
  ndarray,
  pad,
  pow,
  scatterAdd,
  select,
  slice,
  stopGradient,
  transpose,
} from '@brownian/graph';
import { CHANNELS_LAST_CASES, CONVOLUTION_CASES, POOLING_CASES } from './image-cases.ts';
import { type OpCase, atKink, bool, int32, int64, normal, op, spread, uniform } from './op-case.ts';

type Cases = readonly [OpCase, ...OpCase[]];
type Unary = Extract<
  Primitive,
  | 'neg'
  | 'abs'
  | 'sign'
  | 'exp'
  | 'sin'
  | 'cos'
  | 'tanh'
  | 'sigmoid'
  | 'erf'
  | 'softplus'
  | 'relu'
  | 'silu'
  | 'normalCdf'
  | 'normalPdf'
  | 'floor'
>;
type Binary = Extract<Primitive, 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'maximum' | 'minimum'>;

/** A function defined everywhere, at normal or (where it has kinks) at spread operands. */
function unary(primitive: Unary, operand = normal(2, 7)): Cases {
  return [op(primitive, (x) => apply(primitive, [x as never], {}), operand)];
}

/** Operands of one shape, of shapes that broadcast both ways, and one operand in both places. */
function binary(primitive: Binary, b = (...shape: number[]) => normal(...shape), a = b): Cases {
  const f: OpCase['f'] = (x, y) => apply(primitive, [x as never, y as never], {});
  return [
    op(`${primitive} of equal shapes`, f, a(3, 4), b(3, 4)),
    op(`${primitive} that broadcasts both operands`, f, a(2, 1, 3), b(4, 1)),
    op(`${primitive} with a scalar`, f, a(), b(2, 3)),
  ];
}

/** Comparisons of floats that differ, and of floats and integers some of which are equal. */
function comparison(primitive: 'less' | 'lessEqual' | 'equal'): Cases {
  const f: OpCase['f'] = (x, y) => apply(primitive, [x as never, y as never], {});
  return [
    op(`${primitive} of floats`, f, spread([3, 4]), spread([4], 0.05)),
    atKink(
      'it jumps where operands are equal',
      op(`${primitive} with equal floats`, f, ndarray([1, 2, 3]), ndarray([1, 3, 2])),
    ),
    op(`${primitive} of int32`, f, int32([1, 2, 3, -4]), int32([1, 3, 2, -4])),
    op(`${primitive} of int64`, f, int64([1, 2, 3, -4]), int64([2])),
  ];
}

const bits = bool([0, 1, 0, 1]);
const otherBits = bool([0, 0, 1, 1]);
const choice = bool([1, 0, 0, 1, 1, 0], [2, 3]);
const table = (): ReturnType<typeof normal> => normal(5, 3);
const nonZero = (...shape: number[]): ReturnType<typeof normal> => uniform(0.5, 2, ...shape);

/**
 * At least one case per primitive: a new primitive does not compile until it has a row here. No import of this table needs
 * Node, so that browsers run it too.
 */
export const PRIMITIVE_CASES: { readonly [P in Primitive]: Cases } = {
  input: [op('an output that is an input', (x) => x, normal(2, 3))],
  constant: [op('a constant operand', (x) => x.mul(constant(ndarray([1.5, -2, 0.25]))), normal(2, 3))],
  identity: [op('identity', (x) => apply('identity', [x], {}).square(), normal(4))],
  stopGradient: [
    atKink(
      'the derivative is hidden on purpose',
      op('stopGradient', (x) => x.mul(stopGradient(x.square())), normal(4)),
    ),
  ],
  cast: [
    op('cast of float32 to int32', (x) => cast(x, 'int32'), spread([8])),
    op('cast of float32 to int64', (x) => cast(x, 'int64'), spread([8])),
    op('cast of float32 to bool', (x) => cast(x, 'bool'), spread([4])),
    op('cast of float32 to itself', (x) => cast(x, 'float32'), normal(4)),
    op('cast of integers to float32', (x, i) => x.mul(cast(i, 'float32')), normal(3), int32([-1, 0, 7])),
    op('cast of int64 to int32', (i) => cast(i, 'int32'), int64([-5, 0, 9])),
    op('cast of int32 to int64', (i) => cast(i, 'int64'), int32([-5, 0, 9])),
    op('cast of bool to float32', (x, b) => x.mul(cast(b, 'float32')), normal(4), bits),
    op('cast of integers to bool', (i) => cast(i, 'bool'), int64([-5, 0, 9])),
  ],

  neg: unary('neg'),
  abs: unary('abs', spread([9])),
  sign: unary('sign', spread([9])),
  exp: unary('exp'),
  log: [op('log', (x) => apply('log', [x], {}), uniform(0.2, 4, 9))],
  sqrt: [op('sqrt', (x) => apply('sqrt', [x], {}), uniform(0.2, 4, 9))],
  reciprocal: [op('reciprocal', (x) => apply('reciprocal', [x], {}), ndarray([0.5, -0.7, 1.5, -3]))],
  sin: unary('sin'),
  cos: unary('cos'),
  tanh: unary('tanh'),
  sigmoid: unary('sigmoid'),
  erf: unary('erf'),
  softplus: unary('softplus', ndarray([-30, -3, -0.5, 0, 0.5, 3, 30])),
  relu: unary('relu', spread([3, 3])),
  silu: unary('silu'),
  heaviside: [
    op('heaviside', (x) => apply('heaviside', [x], { zero: 0.5 }).mul(x), ndarray([-2, -0.5, 0.25, 3])),
    atKink(
      'zero is a jump',
      op('heaviside at 0', (x) => apply('heaviside', [x], { zero: 0.25 }), ndarray([-1, 0, 1e-30])),
    ),
  ],
  normalCdf: unary('normalCdf'),
  normalPdf: unary('normalPdf'),
  leakyRelu: [op('leakyRelu', (x) => leakyRelu(x, 0.1), spread([3, 3]))],
  floor: unary('floor', spread([20], 0.03)),
  not: [op('not', (x) => apply('not', [x], {}), bits)],

  add: binary('add'),
  sub: binary('sub'),
  mul: [...binary('mul'), op('mul of a tensor by itself', (x) => x.mul(x), normal(4))],
  div: binary('div', nonZero, normal),
  pow: [
    ...binary('pow', nonZero),
    op('pow with a constant exponent', (x) => pow(x, 3), normal(5)),
    op('pow with a fractional exponent', (x) => pow(x, -1.5), nonZero(5)),
  ],
  maximum: binary(
    'maximum',
    (...shape) => spread(shape, 0.05),
    (...shape) => spread(shape),
  ),
  minimum: binary(
    'minimum',
    (...shape) => spread(shape, 0.05),
    (...shape) => spread(shape),
  ),
  less: comparison('less'),
  lessEqual: comparison('lessEqual'),
  equal: comparison('equal'),
  and: [op('and', (a, b) => apply('and', [a, b], {}), bits, otherBits)],
  or: [op('or', (a, b) => apply('or', [a, b.reshape([4, 1])], {}), bits, otherBits)],
  select: [
    op('select', (c, a, b) => select(c, a, b), choice, normal(2, 3), normal(2, 3)),
    op(
      'select that broadcasts all three',
      (c, a, b) => select(c, a, b),
      bool([1, 0, 1], [3]),
      normal(2, 1),
      normal(4, 1, 1),
    ),
    op('select of integers', (c, a, b) => select(c, a, b), choice, int64([1, 2, 3]), int64([-1])),
  ],

  sum: [
    op('sum of everything', (x) => x.sum(), normal(2, 3, 2)),
    op('sum of one axis', (x) => x.sum(1), normal(2, 3, 2)),
    op('sum of outer axes', (x) => x.sum([0, -1]), normal(2, 3, 2)),
    op('sum of no axis', (x) => x.sum([]).square(), normal(2, 3)),
  ],
  max: [
    op('max of everything', (x) => max(x), spread([2, 3])),
    op('max of one axis', (x) => max(x, 1), spread([2, 3, 2])),
    op('max of several axes', (x) => max(x, [0, 2]), spread([2, 3, 2])),
    op('max of no axis', (x) => max(x, []).square(), normal(2, 3)),
    atKink(
      'ties',
      op('max with ties', (x) => max(x, 1), ndarray([1, 1, 0, 2, 2, 2], [2, 3])),
    ),
  ],

  reshape: [
    op('reshape', (x) => x.reshape([3, -1]), normal(2, 3, 2)),
    op('reshape to a scalar', (x) => x.reshape([]), normal(1, 1)),
  ],
  transpose: [
    op('transpose of a matrix', (x) => transpose(x), normal(2, 3)),
    op('transpose of three axes', (x) => transpose(x, [1, 2, 0]), normal(2, 3, 4)),
  ],
  expand: [
    op('expand of an axis of one', (x) => expand(x, [2, 4, 3]), normal(2, 1, 3)),
    op('expand to new leading axes', (x) => expand(x, [2, 2, 3]), normal(3)),
    op('expand of a scalar', (x) => expand(x, [2, 3]), normal()),
  ],
  slice: [
    op(
      'slice',
      (x) =>
        slice(x, [
          [1, 3],
          [0, 2],
        ]),
      normal(4, 3),
    ),
    op(
      'slice with steps',
      (x) =>
        slice(x, [
          [1, 6, 2],
          [0, -1, 3],
        ]),
      normal(6, 8),
    ),
    op(
      'slice without elements',
      (x) =>
        slice(x, [[2, 2]])
          .sum()
          .add(x.sum().square()),
      normal(4, 3),
    ),
  ],
  concat: [
    op('concat of rows', (a, b) => concat([a, b]), normal(2, 3), normal(1, 3)),
    op('concat of columns, one twice', (a, b) => concat([a, b, a], -1), normal(2, 3), normal(2, 2)),
  ],
  pad: [
    op(
      'pad',
      (x) =>
        pad(x, [
          [1, 0],
          [2, 1],
        ]),
      normal(2, 3),
    ),
    op(
      'pad between elements',
      (x) =>
        pad(x, [
          [1, 1, 2],
          [0, 2, 1],
        ]),
      normal(2, 3),
    ),
    op(
      'pad between the elements of one',
      (x) =>
        pad(x, [
          [0, 0, 3],
          [0, 0, 1],
        ]),
      normal(1, 3),
    ),
  ],

  gather: [
    op('gather of rows by int32', (x, i) => gather(x, i), table(), int32([4, 0, 0, 2])),
    op('gather of rows by int64', (x, i) => gather(x, i), table(), int64([1, 1, 3])),
    op('gather of columns by int32', (x, i) => gather(x, i, 1), table(), int32([2, 2])),
    op('gather of columns by int64', (x, i) => gather(x, i, 1), table(), int64([0, 2, 1, 0])),
    op('gather by a matrix of indices', (x, i) => gather(x, i, 1), normal(2, 4, 3), int32([3, 1, 1, 0, 2, 2], [2, 3])),
    op('gather by one index', (x, i) => gather(x, i), table(), int32([3], [])),
    op('gather of integers', (x, i) => gather(x, i), int64([5, 6, 7]), int32([2, 0])),
  ],
  scatterAdd: [
    op('scatterAdd of rows, some repeated', (u, i) => scatterAdd(u, i, 0, 4), normal(5, 2), int32([3, 0, 3, 3, 1])),
    op('scatterAdd of columns by int64', (u, i) => scatterAdd(u, i, 1, 5), normal(2, 3), int64([4, 4, 0])),
    op(
      'scatterAdd by a matrix of indices',
      (u, i) => scatterAdd(u, i, 1, 3),
      normal(2, 2, 2, 3),
      int32([0, 2, 2, 2], [2, 2]),
    ),
    op('scatterAdd by one index', (u, i) => scatterAdd(u, i, 0, 3), normal(2), int64([1], [])),
  ],

  matmul: [
    op('matmul of matrices', (a, b) => matmul(a, b), normal(2, 3), normal(3, 4)),
    op('matmul of batches', (a, b) => matmul(a, b), normal(2, 2, 3), normal(2, 3, 2)),
    op('matmul that broadcasts a matrix', (a, b) => matmul(a, b), normal(4, 2, 3), normal(3, 2)),
    op('matmul that broadcasts both batches', (a, b) => matmul(a, b), normal(2, 1, 2, 3), normal(3, 3, 2)),
    op('matmul of a matrix by its transpose', (a) => matmul(a, transpose(a)), normal(2, 3)),
  ],

  ...CONVOLUTION_CASES,
  conv2dChannelsLast: CHANNELS_LAST_CASES,
  ...POOLING_CASES,
};
