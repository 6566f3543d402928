import type { ConvGeometry, PoolGeometry, Primitive, PrimitiveAttributes } from '../primitives.ts';
import { type DType, type Shape, type TensorType, formatShape, sameShape, sizeOf } from '../types.ts';

/** The type of a primitive's result, or an error that names the operation and every shape. */
export type ShapeRule<P extends Primitive> = (
  inputs: readonly TensorType[],
  attributes: PrimitiveAttributes[P],
) => TensorType;

/** A shape or dtype that an operation cannot take: found while tracing, before anything runs. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

function fail(inputs: readonly TensorType[], why: string): never {
  const types = inputs.map(({ dtype, shape }) => `${dtype}${formatShape(shape)}`).join(' and ');
  throw new ShapeError(`${why} (got ${types})`);
}

function input(inputs: readonly TensorType[], index: number): TensorType {
  const type = inputs[index];
  if (type === undefined) return fail(inputs, `operand ${index + 1} is missing`);
  return type;
}

/** NumPy broadcasting of shapes, aligned at the last axis; undefined when they do not fit. */
export function broadcastShapes(...shapes: readonly Shape[]): Shape | undefined {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result: number[] = [];
  for (let i = 0; i < rank; i++) {
    let size = 1;
    for (const shape of shapes) {
      const axis = shape[i - rank + shape.length] ?? 1;
      if (axis === size || axis === 1) continue;
      if (size !== 1) return undefined;
      size = axis;
    }
    result.push(size);
  }
  return result;
}

function broadcastOf(inputs: readonly TensorType[]): Shape {
  return (
    broadcastShapes(...inputs.map((t) => t.shape)) ??
    fail(inputs, 'shapes do not broadcast: each pair of axes, aligned at the last, must be equal or 1')
  );
}

function wants(inputs: readonly TensorType[], index: number, ...dtypes: readonly DType[]): TensorType {
  const type = input(inputs, index);
  if (!dtypes.includes(type.dtype)) fail(inputs, `operand ${index + 1} must be ${dtypes.join(' or ')}`);
  return type;
}

const floats = (inputs: readonly TensorType[]): TensorType => ({
  dtype: 'float32',
  shape: wants(inputs, 0, 'float32').shape,
});

function binary(inputs: readonly TensorType[]): TensorType {
  const [a, b] = [input(inputs, 0), input(inputs, 1)];
  if (a.dtype !== b.dtype) fail(inputs, 'operands must have one dtype; use cast()');
  if (a.dtype === 'bool') fail(inputs, 'arithmetic on bool; use cast()');
  return { dtype: a.dtype, shape: broadcastOf(inputs) };
}

const comparison = (inputs: readonly TensorType[]): TensorType => ({ dtype: 'bool', shape: binary(inputs).shape });

function logical(inputs: readonly TensorType[]): TensorType {
  inputs.forEach((_, i) => wants(inputs, i, 'bool'));
  return { dtype: 'bool', shape: broadcastOf(inputs) };
}

function reduction(inputs: readonly TensorType[], { axes }: { readonly axes: readonly number[] }): TensorType {
  const { shape, dtype } = wants(inputs, 0, 'float32');
  axes.forEach((axis, i) => {
    if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length || (i > 0 && axis <= (axes[i - 1] as number))) {
      fail(inputs, `axes [${axes.join(', ')}] are not axes of this tensor`);
    }
  });
  return { dtype, shape: shape.filter((_, axis) => !axes.includes(axis)) };
}

function image(inputs: readonly TensorType[], index: number): readonly [number, number, number, number] {
  const { shape } = wants(inputs, index, 'float32');
  if (shape.length !== 4) fail(inputs, `operand ${index + 1} must have four axes`);
  return shape as unknown as readonly [number, number, number, number];
}

/** Output size along one axis of a window of `kernel` (dilated) moved by `stride`. */
export function windows(
  size: number,
  kernel: number,
  stride: number,
  before: number,
  after: number,
  dilation = 1,
): number {
  return Math.floor((size + before + after - dilation * (kernel - 1) - 1) / stride) + 1;
}

function checkGeometry(
  inputs: readonly TensorType[],
  values: readonly (readonly number[])[],
  padding: readonly number[],
): void {
  for (const list of values) {
    if (list.some((v) => !Number.isInteger(v) || v < 1))
      fail(inputs, `kernel, stride and dilation must be positive integers, got [${list.join(', ')}]`);
  }
  if (padding.some((v) => !Number.isInteger(v) || v < 0))
    fail(inputs, `padding must be integers ≥ 0, got [${padding.join(', ')}]`);
}

/** `[h', w']` of a convolution. */
export function convOutput(
  size: readonly [number, number],
  kernel: readonly [number, number],
  g: ConvGeometry,
): [number, number] {
  const [top, left, bottom, right] = g.padding;
  return [
    windows(size[0], kernel[0], g.stride[0], top, bottom, g.dilation[0]),
    windows(size[1], kernel[1], g.stride[1], left, right, g.dilation[1]),
  ];
}

function convShapes(inputs: readonly TensorType[], x: Shape, w: Shape, g: ConvGeometry): Shape {
  const [n, c, h, width] = x as [number, number, number, number];
  const [o, c2, kh, kw] = w as [number, number, number, number];
  checkGeometry(inputs, [g.stride, g.dilation, [kh, kw]], g.padding);
  if (c !== c2) fail(inputs, `images have ${c} channels, filters take ${c2}`);
  const [oh, ow] = convOutput([h, width], [kh, kw], g);
  if (oh < 1 || ow < 1) fail(inputs, `a ${kh}×${kw} kernel does not fit the padded image`);
  return [n, o, oh, ow];
}

function poolShapes(inputs: readonly TensorType[], g: PoolGeometry): TensorType {
  const [n, c, h, w] = image(inputs, 0);
  checkGeometry(inputs, [g.stride, g.kernel], g.padding);
  const [top, left, bottom, right] = g.padding;
  if (Math.max(top, bottom) >= g.kernel[0] || Math.max(left, right) >= g.kernel[1])
    fail(inputs, 'pooling padding must be smaller than the kernel');
  const oh = windows(h, g.kernel[0], g.stride[0], top, bottom);
  const ow = windows(w, g.kernel[1], g.stride[1], left, right);
  if (oh < 1 || ow < 1) fail(inputs, `a ${g.kernel.join('×')} window does not fit the padded image`);
  return { dtype: 'float32', shape: [n, c, oh, ow] };
}

function gatherShape(inputs: readonly TensorType[], axis: number): TensorType {
  const x = input(inputs, 0);
  const indices = wants(inputs, 1, 'int32', 'int64');
  if (!Number.isInteger(axis) || axis < 0 || axis >= x.shape.length)
    fail(inputs, `axis ${axis} is not an axis of the first operand`);
  return { dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] };
}

function matmulShape(inputs: readonly TensorType[]): TensorType {
  const [a, b] = [wants(inputs, 0, 'float32').shape, wants(inputs, 1, 'float32').shape];
  if (a.length < 2 || b.length < 2) fail(inputs, 'both operands need at least two axes');
  const [m, k] = a.slice(-2) as [number, number];
  const [k2, n] = b.slice(-2) as [number, number];
  if (k !== k2) fail(inputs, `inner sizes differ: ${k} and ${k2}`);
  const lead = broadcastShapes(a.slice(0, -2), b.slice(0, -2)) ?? fail(inputs, 'leading axes do not broadcast');
  return { dtype: 'float32', shape: [...lead, m, n] };
}

/** The shape rule of every primitive. */
export const SHAPE_RULES: { readonly [P in Primitive]: ShapeRule<P> } = {
  input: () => {
    throw new ShapeError('inputs are made by tracing');
  },
  constant: (_, { value }) => ({ dtype: value.dtype, shape: value.shape }),
  identity: (inputs) => input(inputs, 0),
  stopGradient: (inputs) => input(inputs, 0),
  cast: (inputs, { to }) => ({ dtype: to, shape: input(inputs, 0).shape }),

  neg: floats,
  abs: floats,
  sign: floats,
  exp: floats,
  log: floats,
  sqrt: floats,
  reciprocal: floats,
  sin: floats,
  cos: floats,
  tanh: floats,
  sigmoid: floats,
  erf: floats,
  softplus: floats,
  relu: floats,
  leakyRelu: floats,
  silu: floats,
  heaviside: (inputs, { zero }) => {
    if (!(zero >= 0 && zero <= 1)) fail(inputs, `the value at zero must be in [0, 1], got ${zero}`);
    return floats(inputs);
  },
  normalCdf: floats,
  normalPdf: floats,
  floor: floats,
  not: logical,

  add: binary,
  sub: binary,
  mul: binary,
  div: binary,
  pow: binary,
  maximum: binary,
  minimum: binary,
  less: comparison,
  lessEqual: comparison,
  equal: comparison,
  and: logical,
  or: logical,

  select: (inputs) => {
    wants(inputs, 0, 'bool');
    const [a, b] = [input(inputs, 1), input(inputs, 2)];
    if (a.dtype !== b.dtype) fail(inputs, 'both branches must have one dtype; use cast()');
    return { dtype: a.dtype, shape: broadcastOf(inputs) };
  },

  sum: reduction,
  max: (inputs, attributes) => {
    const { shape } = input(inputs, 0);
    if (attributes.axes.some((axis) => shape[axis] === 0))
      fail(inputs, 'the maximum over an empty axis does not exist');
    return reduction(inputs, attributes);
  },

  reshape: (inputs, { shape }) => {
    const from = input(inputs, 0);
    if (shape.some((size) => !Number.isInteger(size) || size < 0)) fail(inputs, `${formatShape(shape)} is not a shape`);
    if (sizeOf(from.shape) !== sizeOf(shape))
      fail(inputs, `${sizeOf(from.shape)} values cannot take the shape ${formatShape(shape)} of ${sizeOf(shape)}`);
    return { dtype: from.dtype, shape };
  },
  transpose: (inputs, { permutation }) => {
    const { dtype, shape } = input(inputs, 0);
    if (
      !sameShape(
        permutation.toSorted((a, b) => a - b),
        shape.map((_, i) => i),
      )
    )
      fail(inputs, `[${permutation.join(', ')}] does not permute the axes`);
    return { dtype, shape: permutation.map((axis) => shape[axis] as number) };
  },
  expand: (inputs, { shape }) => {
    const from = input(inputs, 0);
    const joint = shape.every((size) => Number.isInteger(size) && size >= 0)
      ? broadcastShapes(from.shape, shape)
      : undefined;
    if (joint === undefined || !sameShape(joint, shape)) fail(inputs, `cannot expand to ${formatShape(shape)}`);
    return { dtype: from.dtype, shape };
  },
  slice: (inputs, { start, stop, step }) => {
    const { dtype, shape } = input(inputs, 0);
    if ([start, stop, step].some((list) => list.length !== shape.length))
      fail(inputs, 'start, stop and step need one entry per axis');
    const result = shape.map((size, i) => {
      const [a, b, s] = [start[i] as number, stop[i] as number, step[i] as number];
      if (![a, b, s].every(Number.isInteger) || s < 1 || a < 0 || b < a || b > size)
        fail(inputs, `${a}:${b}:${s} is outside axis ${i} of length ${size}`);
      return Math.ceil((b - a) / s);
    });
    return { dtype, shape: result };
  },
  concat: (inputs, { axis }) => {
    const first = input(inputs, 0);
    if (!Number.isInteger(axis) || axis < 0 || axis >= first.shape.length)
      fail(inputs, `axis ${axis} is not an axis of the operands`);
    let total = 0;
    for (const { dtype, shape } of inputs) {
      const fits =
        shape.length === first.shape.length && shape.every((size, i) => i === axis || size === first.shape[i]);
      if (dtype !== first.dtype || !fits) fail(inputs, `operands may differ only along axis ${axis}`);
      total += shape[axis] as number;
    }
    return { dtype: first.dtype, shape: first.shape.map((size, i) => (i === axis ? total : size)) };
  },
  pad: (inputs, { low, high, interior }) => {
    const { dtype, shape } = wants(inputs, 0, 'float32');
    if (
      [low, high, interior].some(
        (list) => list.length !== shape.length || list.some((v) => !Number.isInteger(v) || v < 0),
      )
    ) {
      fail(inputs, 'low, high and interior padding need one integer ≥ 0 per axis');
    }
    return {
      dtype,
      shape: shape.map(
        (size, i) => (low[i] as number) + size + Math.max(0, size - 1) * (interior[i] as number) + (high[i] as number),
      ),
    };
  },

  gather: (inputs, { axis }) => gatherShape(inputs, axis),
  scatterAdd: (inputs, { axis, size }) => {
    const updates = wants(inputs, 0, 'float32');
    const indices = wants(inputs, 1, 'int32', 'int64');
    const rank = indices.shape.length;
    const onAxis = Number.isInteger(axis) && axis >= 0 && axis + rank <= updates.shape.length;
    if (!onAxis || !sameShape(updates.shape.slice(axis, axis + rank), indices.shape))
      fail(inputs, `updates must have the indices' shape at axis ${axis}`);
    if (!Number.isInteger(size) || size < 0) fail(inputs, `size ${size} is not the length of an axis`);
    return { dtype: 'float32', shape: [...updates.shape.slice(0, axis), size, ...updates.shape.slice(axis + rank)] };
  },

  matmul: matmulShape,

  conv2d: (inputs, g) => ({ dtype: 'float32', shape: convShapes(inputs, image(inputs, 0), image(inputs, 1), g) }),
  conv2dInputGrad: (inputs, g) => {
    const [y, w] = [image(inputs, 0), image(inputs, 1)];
    const x = [y[0], w[1], g.size[0], g.size[1]];
    if (!sameShape(convShapes(inputs, x, w, g), y))
      fail(
        inputs,
        `no convolution takes ${formatShape(x)} to the first operand with these filters, strides and padding`,
      );
    return { dtype: 'float32', shape: x };
  },
  conv2dFilterGrad: (inputs, g) => {
    const [x, y] = [image(inputs, 0), image(inputs, 1)];
    const w = [y[1], x[1], g.kernel[0], g.kernel[1]];
    if (!sameShape(convShapes(inputs, x, w, g), y))
      fail(inputs, `no ${g.kernel.join('×')} convolution takes the first operand to the second`);
    return { dtype: 'float32', shape: w };
  },

  conv2dChannelsLast: (inputs, g) => {
    const [[n, h, w, c], [kh, kw, d, o]] = [image(inputs, 0), image(inputs, 1)];
    const [, , ...size] = convShapes(inputs, [n, c, h, w], [o, d, kh, kw], g);
    return { dtype: 'float32', shape: [n, ...size, o] };
  },

  maxPool: poolShapes,
  maxPoolPick: (inputs, g) => {
    const y = poolShapes(inputs, g);
    if (!sameShape(input(inputs, 0).shape, input(inputs, 1).shape)) fail(inputs, 'both operands must have one shape');
    return y;
  },
  maxPoolScatter: (inputs, g) => {
    if (!sameShape(poolShapes(inputs, g).shape, input(inputs, 1).shape))
      fail(inputs, 'the second operand must have the shape of the pooled first');
    return { dtype: 'float32', shape: input(inputs, 0).shape };
  },
};
