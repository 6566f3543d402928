import type { DType, NDArray, Shape } from './types.ts';

/** Geometry of the convolution family, in pixels: height first, then width. */
export interface ConvGeometry {
  readonly stride: readonly [number, number];
  /** Zeros added around the image: top, left, bottom, right. */
  readonly padding: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
}

/** Geometry of max pooling. Padding never wins: it stands for −∞. */
export interface PoolGeometry {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number, number, number];
}

type None = Readonly<Record<string, never>>;

/**
 * The closed set of operations a graph is made of, with the attributes of each. Everything else is composed of these. A rule
 * table has the type `{ [P in Primitive]: … }`, so a primitive without a rule does not compile.
 */
export interface PrimitiveAttributes {
  // Leaves.
  input: { readonly name: string };
  constant: { readonly value: NDArray };

  // Identities. `identity` marks the point a derivative is taken at; `stopGradient` has derivative zero.
  identity: None;
  stopGradient: None;
  cast: { readonly to: DType };

  // Elementwise, one operand.
  neg: None;
  abs: None;
  sign: None;
  exp: None;
  log: None;
  sqrt: None;
  reciprocal: None;
  sin: None;
  cos: None;
  tanh: None;
  sigmoid: None;
  erf: None;
  softplus: None;
  relu: None;
  leakyRelu: { readonly slope: number };
  silu: None;
  /** 1 for positive x, 0 for negative x and `zero`, a number in [0, 1], at 0; derivative zero. */
  heaviside: { readonly zero: number };
  /** Φ(x) and φ(x) of the standard normal law; together closed under differentiation. */
  normalCdf: None;
  normalPdf: None;
  floor: None;
  not: None;

  // Elementwise, two operands, NumPy broadcasting.
  add: None;
  sub: None;
  mul: None;
  div: None;
  pow: None;
  maximum: None;
  minimum: None;
  less: None;
  lessEqual: None;
  equal: None;
  and: None;
  or: None;

  // `select(condition, whenTrue, whenFalse)`, NumPy broadcasting.
  select: None;

  // Reductions; the reduced axes disappear. Axes are sorted and not negative.
  sum: { readonly axes: readonly number[] };
  max: { readonly axes: readonly number[] };

  // Shape.
  reshape: { readonly shape: Shape };
  transpose: { readonly permutation: readonly number[] };
  expand: { readonly shape: Shape };
  slice: { readonly start: readonly number[]; readonly stop: readonly number[]; readonly step: readonly number[] };
  concat: { readonly axis: number };
  /** Zeros before, after and (`interior`) between the elements of each axis: the adjoint of a strided slice. */
  pad: { readonly low: readonly number[]; readonly high: readonly number[]; readonly interior: readonly number[] };

  // `gather(x, indices)`: whole slices of `x` along `axis`; the result has the indices' shape in the place of that axis.
  // `scatterAdd(updates, indices)` is its adjoint: an axis of length `size` into which the slices are summed.
  gather: { readonly axis: number };
  scatterAdd: { readonly axis: number; readonly size: number };

  // `[..., m, k] × [..., k, n]` with leading axes broadcast.
  matmul: None;

  // The convolution family, closed under differentiation. x `[n, c, h, w]`, w `[o, c, kh, kw]`, y `[n, o, h', w']`.
  conv2d: ConvGeometry;
  /** `(y, w) → x`: the adjoint of conv2d in its image, a transposed convolution. `size` is `[h, w]`. */
  conv2dInputGrad: ConvGeometry & { readonly size: readonly [number, number] };
  /** `(x, y) → w`: the adjoint of conv2d in its filters. `kernel` is `[kh, kw]`. */
  conv2dFilterGrad: ConvGeometry & { readonly kernel: readonly [number, number] };

  /**
   * The same with the channels last: x `[n, h, w, c]`, w `[kh, kw, c, o]`, y `[n, h', w', o]`. Lowering writes convolutions so where
   * that is faster; derivatives are taken before.
   */
  conv2dChannelsLast: ConvGeometry;

  // Max pooling, closed under differentiation; the first of equal values wins.
  maxPool: PoolGeometry;
  /** `(x, v)`: the values of `v` (shaped like x) at the positions where the windows of x have their maximum. */
  maxPoolPick: PoolGeometry;
  /** `(x, g)`: puts `g` (shaped like maxPool(x)) at those positions, summing overlaps: the adjoint of the pick. */
  maxPoolScatter: PoolGeometry;
}

/** The name of a primitive. */
export type Primitive = keyof PrimitiveAttributes;
