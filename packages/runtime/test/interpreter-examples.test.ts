import { type NDArray, type Primitive, type PrimitiveAttributes, ndarray } from '@brownian/graph';
import { describe, test } from 'vitest';
import { bool, expectClose, f64, i32, i64, run } from './interpreter-support.ts';

interface Example<P extends Primitive> {
  readonly inputs: readonly NDArray[];
  readonly attributes: PrimitiveAttributes[P];
  readonly expected: NDArray;
}

function unary(x: readonly number[], y: readonly number[]): { inputs: NDArray[]; attributes: {}; expected: NDArray } {
  return { inputs: [f64(x)], attributes: {}, expected: f64(y) };
}

function binary(expected: NDArray, ...inputs: NDArray[]): { inputs: NDArray[]; attributes: {}; expected: NDArray } {
  return { inputs, attributes: {}, expected };
}

const geometry = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] } as const;
const pool = { kernel: [2, 2], stride: [1, 1], padding: [0, 0, 0, 0] } as const;
const image = f64([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3]);
const filter = f64([1, 10, 100, 1000], [1, 1, 2, 2]);
const square = f64([1, 2, 3, 4], [1, 1, 2, 2]);
const table = f64([1, 2, 3, 4, 5, 6], [2, 3]);
const a = f64([1, 2, 3]);
const b = f64([3, 2, 1]);

/** One example per primitive, worked out by hand or with mpmath; a primitive without one does not compile. */
const EXAMPLES: { readonly [P in Exclude<Primitive, 'input'>]: Example<P> } = {
  constant: { inputs: [], attributes: { value: ndarray([0.5, 2]) }, expected: f64([0.5, 2]) },
  identity: unary([1, 2], [1, 2]),
  stopGradient: unary([1, 2], [1, 2]),
  cast: { inputs: [f64([-1.9, 0, 2.9])], attributes: { to: 'int32' }, expected: i32([-1, 0, 2]) },

  neg: unary([1, -2], [-1, 2]),
  abs: unary([1, -2], [1, 2]),
  sign: unary([-3, 0, 0.5], [-1, 0, 1]),
  exp: unary([0, 1, -1], [1, 2.718281828459045, 0.36787944117144233]),
  log: unary([1, 2, 0], [0, 0.6931471805599453, -Infinity]),
  sqrt: unary([0, 2, 9], [0, 1.4142135623730951, 3]),
  reciprocal: unary([4, -0.5, 0], [0.25, -2, Infinity]),
  sin: unary([0, 1, -2], [0, 0.8414709848078965, -0.9092974268256817]),
  cos: unary([0, 1, -2], [1, 0.5403023058681398, -0.4161468365471424]),
  tanh: unary([0, 0.5, 50], [0, 0.46211715726000975, 1]),
  sigmoid: unary([0, 1, -1], [0.5, 0.7310585786300049, 0.2689414213699951]),
  erf: unary([0, 1, -2], [0, 0.8427007929497149, -0.9953222650189527]),
  softplus: unary([0, 1, -1], [0.6931471805599453, 1.3132616875182228, 0.31326168751822286]),
  relu: unary([-2, 0, 0.5], [0, 0, 0.5]),
  heaviside: { inputs: [f64([-2, 0, 3])], attributes: { zero: 0.25 }, expected: f64([0, 0.25, 1]) },
  normalCdf: unary([0, 1, -1], [0.5, 0.8413447460685429, 0.15865525393145707]),
  normalPdf: unary([0, 1, -2], [0.3989422804014327, 0.24197072451914337, 0.05399096651318806]),
  silu: { inputs: [f64([-1, 0, 1])], expected: f64([-1 / (1 + Math.E), 0, Math.E / (1 + Math.E)]), attributes: {} },
  leakyRelu: { inputs: [f64([-2, 0, 0.5])], attributes: { slope: 0.25 }, expected: f64([-0.5, 0, 0.5]) },
  floor: unary([-1.5, 1.5, 2], [-2, 1, 2]),
  not: { inputs: [bool([0, 1])], attributes: {}, expected: bool([1, 0]) },

  add: binary(f64([4, 4, 4]), a, b),
  sub: binary(f64([-2, 0, 2]), a, b),
  mul: binary(f64([3, 4, 3]), a, b),
  div: binary(f64([1 / 3, 1, 3]), a, b),
  pow: binary(f64([1, 4, 3]), a, b),
  maximum: binary(f64([3, 2, 3]), a, b),
  minimum: binary(f64([1, 2, 1]), a, b),
  less: binary(bool([1, 0, 0]), a, b),
  lessEqual: binary(bool([1, 1, 0]), a, b),
  equal: binary(bool([0, 1, 0]), a, b),
  and: binary(bool([0, 0, 0, 1]), bool([0, 0, 1, 1]), bool([0, 1, 0, 1])),
  or: binary(bool([0, 1, 1, 1]), bool([0, 0, 1, 1]), bool([0, 1, 0, 1])),
  select: binary(f64([1, 2, 3]), bool([1, 0, 1]), a, b),

  sum: { inputs: [table], attributes: { axes: [0] }, expected: f64([5, 7, 9]) },
  max: { inputs: [table], attributes: { axes: [1] }, expected: f64([3, 6]) },

  reshape: { inputs: [table], attributes: { shape: [3, 2] }, expected: f64([1, 2, 3, 4, 5, 6], [3, 2]) },
  transpose: { inputs: [table], attributes: { permutation: [1, 0] }, expected: f64([1, 4, 2, 5, 3, 6], [3, 2]) },
  expand: { inputs: [f64([1, 2], [2, 1])], attributes: { shape: [2, 2] }, expected: f64([1, 1, 2, 2], [2, 2]) },
  slice: {
    inputs: [table],
    attributes: { start: [0, 0], stop: [2, 3], step: [1, 2] },
    expected: f64([1, 3, 4, 6], [2, 2]),
  },
  concat: {
    inputs: [table, f64([7, 8], [2, 1])],
    attributes: { axis: 1 },
    expected: f64([1, 2, 3, 7, 4, 5, 6, 8], [2, 4]),
  },
  pad: { inputs: [f64([1, 2])], attributes: { low: [1], high: [2], interior: [1] }, expected: f64([0, 1, 0, 2, 0, 0]) },

  gather: { inputs: [table, i32([2, 0])], attributes: { axis: 1 }, expected: f64([3, 1, 6, 4], [2, 2]) },
  scatterAdd: {
    inputs: [f64([1, 2, 4]), i64([2n, 0n, 2n])],
    attributes: { axis: 0, size: 4 },
    expected: f64([2, 0, 5, 0]),
  },

  matmul: binary(f64([14, 32], [2, 1]), table, f64([1, 2, 3], [3, 1])),

  conv2d: { inputs: [image, filter], attributes: geometry, expected: f64([5421, 6532, 8754, 9865], [1, 1, 2, 2]) },
  conv2dInputGrad: {
    inputs: [square, filter],
    attributes: { ...geometry, size: [3, 3] },
    expected: f64([1, 12, 20, 103, 1234, 2040, 300, 3400, 4000], [1, 1, 3, 3]),
  },
  conv2dFilterGrad: {
    inputs: [image, square],
    attributes: { ...geometry, kernel: [2, 2] },
    expected: f64([37, 47, 67, 77], [1, 1, 2, 2]),
  },
  // Two channels in (the second is the first tenfold) and two out, for each of which the taps are those of conv2d.
  conv2dChannelsLast: {
    inputs: [
      f64([1, 10, 2, 20, 3, 30, 4, 40, 5, 50, 6, 60, 7, 70, 8, 80, 9, 90], [1, 3, 3, 2]),
      f64([1, 0, 0, 1, 10, 0, 0, 10, 100, 0, 0, 100, 1000, 0, 0, 1000], [2, 2, 2, 2]),
    ],
    attributes: geometry,
    expected: f64([5421, 54210, 6532, 65320, 8754, 87540, 9865, 98650], [1, 2, 2, 2]),
  },

  maxPool: { inputs: [image], attributes: pool, expected: f64([5, 6, 8, 9], [1, 1, 2, 2]) },
  maxPoolPick: {
    inputs: [image, f64([10, 11, 12, 13, 14, 15, 16, 17, 18], [1, 1, 3, 3])],
    attributes: pool,
    expected: f64([14, 15, 17, 18], [1, 1, 2, 2]),
  },
  maxPoolScatter: {
    inputs: [image, square],
    attributes: pool,
    expected: f64([0, 0, 0, 0, 1, 2, 0, 3, 4], [1, 1, 3, 3]),
  },
};

/** Two units in the last place: what Math.exp and its relatives may be off by on any engine. */
const TOLERANCE = 5e-16;

describe('an example of every primitive', () => {
  test.each(Object.entries(EXAMPLES))('%s', (primitive, { inputs, attributes, expected }) => {
    expectClose(run(primitive as Primitive, inputs, attributes), expected, TOLERANCE);
  });
});
