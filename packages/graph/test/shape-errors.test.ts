import { describe, expect, test } from 'vitest';
import {
  type ConvGeometry,
  type DType,
  type PoolGeometry,
  type Primitive,
  type PrimitiveAttributes,
  type Shape,
  type Tensor,
  type TensorType,
  ShapeError,
  apply,
  avgPool2d,
  concat,
  convTranspose2d,
  formatShape,
  gather,
  globalAvgPool2d,
  groupNorm,
  max,
  ndarray,
  pad,
  placeholder,
  scatterAdd,
  slice,
  softmax,
  stack,
  unsqueeze,
  upsampleNearest2d,
} from '@brownian/graph';

const type = (dtype: DType, shape: Shape): TensorType => ({ dtype, shape });
const f32 = (...shape: number[]): TensorType => type('float32', shape);
const i32 = (...shape: number[]): TensorType => type('int32', shape);
const bool = (...shape: number[]): TensorType => type('bool', shape);

/** Operands, attributes, and what the message must say of them. */
type Row<P extends Primitive> = readonly [
  operands: readonly TensorType[],
  attributes: PrimitiveAttributes[P],
  why: string,
];

const FLOATS: readonly Row<'neg'>[] = [
  [[i32(3)], {}, 'operand 1 must be float32'],
  [[], {}, 'operand 1 is missing'],
];
const ARITHMETIC: readonly Row<'add'>[] = [
  [[f32(2, 3), f32(2)], {}, 'shapes do not broadcast'],
  [[f32(0), f32(3)], {}, 'shapes do not broadcast'],
  [[f32(3), i32(3)], {}, 'one dtype; use cast()'],
  [[bool(3), bool(3)], {}, 'arithmetic on bool; use cast()'],
  [[f32(3)], {}, 'operand 2 is missing'],
];
const LOGICAL: readonly Row<'and'>[] = [
  [[bool(2), bool(3)], {}, 'shapes do not broadcast'],
  [[bool(2), f32(2)], {}, 'operand 2 must be bool'],
];
const REDUCTION: readonly Row<'sum'>[] = [
  [[i32(2, 3)], { axes: [0] }, 'operand 1 must be float32'],
  [[f32(2, 3)], { axes: [2] }, 'axes [2] are not axes'],
  [[f32(2, 3)], { axes: [1, 0] }, 'axes [1, 0] are not axes'],
  [[f32(2, 3)], { axes: [0, 0] }, 'axes [0, 0] are not axes'],
  [[f32(2, 3)], { axes: [-1] }, 'axes [-1] are not axes'],
];

const conv: ConvGeometry = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };
const pool: PoolGeometry = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0] };
const POOL: readonly Row<'maxPool'>[] = [
  [[f32(1, 2, 4)], pool, 'operand 1 must have four axes'],
  [[i32(1, 2, 4, 4)], pool, 'operand 1 must be float32'],
  [[f32(1, 2, 1, 4)], pool, 'a 2×2 window does not fit'],
  [[f32(1, 2, 4, 4)], { ...pool, stride: [0, 1] }, 'positive integers, got [0, 1]'],
  [[f32(1, 2, 4, 4)], { ...pool, padding: [2, 0, 0, 0] }, 'padding must be smaller than the kernel'],
  [[f32(1, 2, 4, 4)], { ...pool, padding: [0, 0, 0, -1] }, 'padding must be integers ≥ 0, got [0, 0, 0, -1]'],
];
const second = (rows: readonly Row<'maxPool'>[], other: TensorType): Row<'maxPool'>[] =>
  rows.map(([operands, attributes, why]) => [[...operands, other], attributes, why]);

/** Primitives that take whatever they are given. */
type Tolerant = 'input' | 'constant' | 'identity' | 'stopGradient' | 'cast';

/** At least one misuse of every other primitive. */
const MISUSES: { readonly [P in Exclude<Primitive, Tolerant>]: readonly Row<P>[] } = {
  neg: FLOATS,
  abs: FLOATS,
  sign: FLOATS,
  exp: FLOATS,
  log: FLOATS,
  sqrt: FLOATS,
  reciprocal: FLOATS,
  sin: FLOATS,
  cos: FLOATS,
  tanh: FLOATS,
  sigmoid: FLOATS,
  silu: FLOATS,
  heaviside: [
    [[i32(2)], { zero: 0 }, 'operand 1 must be float32'],
    [[f32(2)], { zero: 2 }, 'the value at zero must be in [0, 1], got 2'],
    [[f32(2)], { zero: NaN }, 'the value at zero must be in [0, 1], got NaN'],
  ],
  normalCdf: FLOATS,
  normalPdf: FLOATS,
  erf: FLOATS,
  softplus: FLOATS,
  relu: FLOATS,
  leakyRelu: [[[i32(3)], { slope: 0.1 }, 'operand 1 must be float32']],
  floor: FLOATS,
  not: [[[f32(3)], {}, 'operand 1 must be bool']],
  add: ARITHMETIC,
  sub: ARITHMETIC,
  mul: ARITHMETIC,
  div: ARITHMETIC,
  pow: ARITHMETIC,
  maximum: ARITHMETIC,
  minimum: ARITHMETIC,
  less: ARITHMETIC,
  lessEqual: ARITHMETIC,
  equal: ARITHMETIC,
  and: LOGICAL,
  or: LOGICAL,
  select: [
    [[f32(2), f32(2), f32(2)], {}, 'operand 1 must be bool'],
    [[bool(2), f32(2), i32(2)], {}, 'both branches must have one dtype'],
    [[bool(2), f32(2), f32(3)], {}, 'shapes do not broadcast'],
    [[bool(2), f32(2)], {}, 'operand 3 is missing'],
  ],
  sum: REDUCTION,
  max: [...REDUCTION, [[f32(2, 0)], { axes: [1] }, 'maximum over an empty axis']],
  reshape: [
    [[f32(2, 3)], { shape: [4] }, '6 values cannot take the shape [4] of 4'],
    [[f32(2, 3)], { shape: [-6] }, '[-6] is not a shape'],
    [[f32(2, 3)], { shape: [1.5, 4] }, '[1.5, 4] is not a shape'],
  ],
  transpose: [
    [[f32(2, 3)], { permutation: [0, 0] }, '[0, 0] does not permute the axes'],
    [[f32(2, 3)], { permutation: [1] }, '[1] does not permute the axes'],
  ],
  expand: [
    [[f32(2, 3)], { shape: [2, 4] }, 'cannot expand to [2, 4]'],
    [[f32(2, 3)], { shape: [3] }, 'cannot expand to [3]'],
    [[f32(1)], { shape: [-1] }, 'cannot expand to [-1]'],
    [[f32(1)], { shape: [1.5] }, 'cannot expand to [1.5]'],
  ],
  slice: [
    [[f32(4)], { start: [1], stop: [5], step: [1] }, '1:5:1 is outside axis 0 of length 4'],
    [[f32(4)], { start: [3], stop: [2], step: [1] }, '3:2:1 is outside axis 0 of length 4'],
    [[f32(4)], { start: [0], stop: [4], step: [0] }, '0:4:0 is outside axis 0 of length 4'],
    [[f32(4)], { start: [0, 0], stop: [4], step: [1] }, 'one entry per axis'],
  ],
  concat: [
    [[f32(2, 3), f32(2, 4)], { axis: 0 }, 'operands may differ only along axis 0'],
    [[f32(2, 3), i32(2, 3)], { axis: 0 }, 'operands may differ only along axis 0'],
    [[f32(2, 3), f32(2)], { axis: 0 }, 'operands may differ only along axis 0'],
    [[f32(2, 3)], { axis: 2 }, 'axis 2 is not an axis of the operands'],
  ],
  pad: [
    [[f32(2)], { low: [-1], high: [0], interior: [0] }, 'one integer ≥ 0 per axis'],
    [[f32(2)], { low: [1, 1], high: [0], interior: [0] }, 'one integer ≥ 0 per axis'],
    [[i32(2)], { low: [1], high: [0], interior: [0] }, 'operand 1 must be float32'],
  ],
  gather: [
    [[f32(3), f32(2)], { axis: 0 }, 'operand 2 must be int32 or int64'],
    [[f32(3), i32(2)], { axis: 1 }, 'axis 1 is not an axis of the first operand'],
  ],
  scatterAdd: [
    [[i32(2, 3), i32(2)], { axis: 0, size: 4 }, 'operand 1 must be float32'],
    [[f32(2, 3), f32(2)], { axis: 0, size: 4 }, 'operand 2 must be int32 or int64'],
    [[f32(2, 3), i32(3)], { axis: 0, size: 4 }, "updates must have the indices' shape at axis 0"],
    [[f32(2, 3), i32()], { axis: 3, size: 4 }, "updates must have the indices' shape at axis 3"],
    [[f32(2, 3), i32(3)], { axis: -1, size: 4 }, "updates must have the indices' shape at axis -1"],
    [[f32(2, 3), i32(2)], { axis: 0, size: -4 }, 'size -4 is not the length of an axis'],
  ],
  matmul: [
    [[f32(2, 3), f32(4, 2)], {}, 'inner sizes differ: 3 and 4'],
    [[f32(3), f32(3, 2)], {}, 'at least two axes'],
    [[f32(2, 2, 3), f32(3, 3, 2)], {}, 'leading axes do not broadcast'],
  ],
  conv2d: [
    [[f32(1, 2, 4, 4), f32(3, 1, 2, 2)], conv, 'images have 2 channels, filters take 1'],
    [[f32(1, 2, 4), f32(3, 2, 2, 2)], conv, 'operand 1 must have four axes'],
    [[f32(1, 2, 4, 4), f32(3, 2, 5, 2)], conv, 'a 5×2 kernel does not fit'],
    [[f32(1, 2, 4, 4), f32(3, 2, 2, 2)], { ...conv, stride: [0, 1] }, 'positive integers, got [0, 1]'],
    [[f32(1, 2, 4, 4), f32(3, 2, 2, 2)], { ...conv, dilation: [1, 0.5] }, 'positive integers, got [1, 0.5]'],
    [[f32(1, 2, 4, 4), f32(3, 2, 2, 2)], { ...conv, padding: [0, -1, 0, 0] }, 'integers ≥ 0, got [0, -1, 0, 0]'],
  ],
  conv2dInputGrad: [
    [[f32(1, 3, 3, 3), f32(3, 2, 2, 2)], { ...conv, size: [5, 4] }, 'no convolution takes [1, 2, 5, 4] to the first'],
    [[f32(1, 2, 3, 3), f32(3, 2, 2, 2)], { ...conv, size: [4, 4] }, 'no convolution takes [1, 2, 4, 4] to the first'],
  ],
  conv2dFilterGrad: [
    [[f32(1, 2, 4, 4), f32(1, 3, 3, 3)], { ...conv, kernel: [3, 2] }, 'no 3×2 convolution takes the first operand'],
    [[f32(1, 2, 4, 4), f32(2, 3, 3, 3)], { ...conv, kernel: [2, 2] }, 'no 2×2 convolution takes the first operand'],
  ],
  conv2dChannelsLast: [
    [[f32(1, 4, 4, 2), f32(2, 2, 1, 3)], conv, 'images have 2 channels, filters take 1'],
    [[f32(1, 4, 4), f32(2, 2, 2, 3)], conv, 'operand 1 must have four axes'],
    [[f32(1, 4, 4, 2), f32(5, 2, 2, 3)], conv, 'a 5×2 kernel does not fit'],
  ],
  maxPool: POOL,
  maxPoolPick: [
    ...second(POOL, f32(1, 2, 4, 4)),
    [[f32(1, 2, 4, 4), f32(1, 2, 2, 2)], pool, 'both operands must have one shape'],
  ],
  maxPoolScatter: [
    ...second(POOL, f32(1, 2, 2, 2)),
    [[f32(1, 2, 4, 4), f32(1, 2, 4, 4)], pool, 'must have the shape of the pooled first'],
  ],
};

const operands = (types: readonly TensorType[]): Tensor[] => types.map((t, i) => placeholder(`x${i}`, t));
const message = (build: () => unknown): string => {
  try {
    build();
  } catch (error) {
    expect(error).toBeInstanceOf(ShapeError);
    return (error as ShapeError).message;
  }
  return 'nothing was thrown';
};

describe.each(Object.entries(MISUSES))('%s names itself, every operand and what is wrong', (primitive, rows) => {
  test.each(rows as readonly Row<Primitive>[])('%j %j', (types, attributes, why) => {
    const got = message(() => apply(primitive as Primitive, operands(types), attributes));
    expect(got.split(':')[0]).toBe(primitive);
    expect(got).toContain(why);
    for (const { dtype, shape } of types) expect(got).toContain(`${dtype}${formatShape(shape)}`);
  });
});

/** Composed operations that check before they compose: the message names what the caller called. */
const COMPOSED: readonly (readonly [name: string, build: (x: Tensor) => unknown, message: string])[] = [
  ['sum', (x) => x.sum(2), 'sum: axis 2 does not exist in shape [2, 3]'],
  ['mean', (x) => x.mean([0, -3]), 'mean: axis -3 does not exist in shape [2, 3]'],
  ['max', (x) => max(x, 0.5), 'max: axis 0.5 does not exist in shape [2, 3]'],
  ['softmax', (x) => softmax(x, 2), 'softmax: axis 2 does not exist in shape [2, 3]'],
  ['concat', (x) => concat([x, x], 2), 'concat: axis 2 does not exist in shape [2, 3]'],
  ['concat of nothing', () => concat([]), 'concat: no tensors were given'],
  ['stack', (x) => stack([x, x], 3), 'stack: axis 3 does not exist in shape [2, 3] with one more axis'],
  ['unsqueeze', (x) => unsqueeze(x, -4), 'unsqueeze: axis -4 does not exist in shape [2, 3] with one more axis'],
  ['gather', (x) => gather(x, placeholder('i', i32(2)), -3), 'gather: axis -3 does not exist in shape [2, 3]'],
  [
    'scatterAdd',
    (x) => scatterAdd(x, placeholder('i', i32(2)), 2, 3),
    'scatterAdd: axis 2 does not exist in shape [2, 3]',
  ],
  ['reshape', (x) => x.reshape([4, -1]), 'reshape: shape [2, 3] does not fit [4, -1]'],
  ['reshape with two unknowns', (x) => x.reshape([-1, -1]), 'reshape: shape [2, 3] does not fit [-1, -1]'],
  ['slice', (x) => slice(x, [[0], [0], [0]]), 'slice: 3 ranges for shape [2, 3]'],
  ['pad', (x) => pad(x, [[0, 1]]), 'pad: 1 ranges for shape [2, 3]'],
  [
    'convTranspose2d',
    (x) => convTranspose2d(x, x),
    'convTranspose2d: images and filters need four axes (got [2, 3] and [2, 3])',
  ],
  ['avgPool2d', (x) => avgPool2d(x, { kernel: 2 }), 'avgPool2d: images need four axes (got float32[2, 3])'],
  ['globalAvgPool2d', (x) => globalAvgPool2d(x), 'globalAvgPool2d: images need four axes (got float32[2, 3])'],
  ['upsampleNearest2d', (x) => upsampleNearest2d(x, 2), 'upsampleNearest2d: images need four axes (got float32[2, 3])'],
  ['groupNorm', (x) => groupNorm(x, 2, { scale: x, shift: x }), 'groupNorm: 3 channels do not divide into 2 groups'],
];

test.each(COMPOSED)('%s names itself', (_, build, expected) => {
  expect(message(() => build(placeholder('x', f32(2, 3))))).toBe(expected);
});

test('a number takes the dtype of the tensor it meets, and must be one of its values', () => {
  const [whole, big] = [placeholder('i', i32(2)), placeholder('j', type('int64', [2]))];
  expect(whole.mul(3).dtype).toBe('int32');
  expect(big.add(3).dtype).toBe('int64');
  expect(() => whole.mul(0.5)).toThrow('0.5 is not an int32; use cast()');
  expect(() => big.mul(0.5)).toThrow('0.5 is not an int64; use cast()');
  expect(() => whole.add(2 ** 31)).toThrow('2147483648 is not an int32');
});

test('a concrete array among the operands is named with its remedy', () => {
  const x = placeholder('x', f32(3));
  expect(() => x.add(ndarray([1, 2, 3]) as unknown as Tensor)).toThrow(
    new TypeError('add: operand 2 is a concrete array float32[3]; wrap it with constant().'),
  );
});

test('broadcasting follows NumPy, also with axes of length zero', () => {
  const shapeOf = (a: Shape, b: Shape): Shape => placeholder('a', f32(...a)).add(placeholder('b', f32(...b))).shape;
  expect(shapeOf([2, 1, 3], [4, 1])).toEqual([2, 4, 3]);
  expect(shapeOf([], [2])).toEqual([2]);
  expect(shapeOf([0, 1], [1, 3])).toEqual([0, 3]);
  expect(shapeOf([1], [0])).toEqual([0]);
});
