import type { Primitive, PrimitiveAttributes } from '../primitives.ts';
import { broadcastShapes } from '../rules/shape.ts';
import { type Tensor, apply, constant } from '../tensor.ts';
import { sameShape } from '../types.ts';

/** The one value of a constant all of whose elements are equal, looking through expand and reshape; else undefined. */
export function splatValue(node: Tensor): number | undefined {
  if (node.primitive === 'expand' || node.primitive === 'reshape') return splatValue(node.inputs[0] as Tensor);
  if (node.primitive !== 'constant') return undefined;
  const { data } = (node as Tensor<'constant'>).attributes.value;
  const first = data[0];
  if (typeof first !== 'number' || data.length > 4096) return undefined;
  for (const value of data as Float64Array) if (value !== first) return undefined;
  return first;
}

function scalar(value: number): Tensor {
  return constant({ dtype: 'float32', shape: [], data: Float64Array.of(value) });
}

/** Whether a number is neither subnormal nor infinite in float32: joining factors must not lose x·1e30·1e-60 or gain x·1e60. */
function isNormal(value: number): boolean {
  const size = Math.abs(value);
  return size >= 2 ** -126 && size < 2 ** 128;
}

function is(node: Tensor, primitive: Primitive): boolean {
  return node.primitive === primitive;
}

function attributesOf<P extends Primitive>(node: Tensor, _: P): PrimitiveAttributes[P] {
  return node.attributes as PrimitiveAttributes[P];
}

type Rewrite = (node: Tensor, a: Tensor, b: Tensor) => Tensor | undefined;

/** Operations that broadcast by themselves need no expanded operands. */
function dropExpands(node: Tensor): Tensor | undefined {
  if (!node.inputs.some((x) => is(x, 'expand'))) return undefined;
  let inputs = [...node.inputs];
  inputs.forEach((x, i) => {
    if (!is(x, 'expand')) return;
    const trial = inputs.map((other, j) => (i === j ? (x.inputs[0] as Tensor) : other));
    const shape = broadcastShapes(...trial.map((t) => t.shape));
    if (shape !== undefined && sameShape(shape, node.shape)) inputs = trial;
  });
  return inputs.every((x, i) => x === node.inputs[i]) ? undefined : apply(node.primitive, inputs, node.attributes);
}

/** `x` when it already has the shape of `node`. */
function same(node: Tensor, x: Tensor): Tensor | undefined {
  return sameShape(node.shape, x.shape) ? x : undefined;
}

/** x·c for c a constant: [x, c]. */
function scaled(node: Tensor): readonly [Tensor, number] | undefined {
  if (is(node, 'neg')) return [node.inputs[0] as Tensor, -1];
  if (!is(node, 'mul')) return undefined;
  const [a, b] = node.inputs as unknown as [Tensor, Tensor];
  const [ca, cb] = [splatValue(a), splatValue(b)];
  if (cb !== undefined && sameShape(a.shape, node.shape)) return [a, cb];
  if (ca !== undefined && sameShape(b.shape, node.shape)) return [b, ca];
  return undefined;
}

function simplifyMul(node: Tensor, a: Tensor, b: Tensor): Tensor | undefined {
  if (node.dtype !== 'float32') return undefined;
  const [ca, cb] = [splatValue(a), splatValue(b)];
  if (ca !== undefined && cb === undefined) return simplifyMul(node, b, a) ?? undefined;
  if (cb === undefined) return undefined;
  if (cb === 1) return same(node, a);
  if (cb === -1 && sameShape(node.shape, a.shape)) return a.neg();
  if (!sameShape(node.shape, a.shape)) return undefined;
  const inner = scaled(a);
  if (inner !== undefined && isNormal(inner[1] * cb)) return inner[0].mul(scalar(inner[1] * cb));
  // (x·t)·c = x·(t·c) for a single number t.
  if (!is(a, 'mul') || a.shape.length === 0) return undefined;
  const [x, y] = a.inputs as unknown as [Tensor, Tensor];
  if (y.shape.length === 0) return x.mul(y.mul(scalar(cb)));
  return x.shape.length === 0 ? y.mul(x.mul(scalar(cb))) : undefined;
}

/**
 * (−x)·(−y) = x·y. Factors of another size stay where they are: they may keep the product from overflow or underflow, as that
 * of (10¹⁰x)² for x = 10⁻²⁵.
 */
function cancelSigns(node: Tensor, a: Tensor, b: Tensor): Tensor | undefined {
  const [x, y] = [scaled(a), scaled(b)];
  return x?.[1] === -1 && y?.[1] === -1 ? same(node, x[0].mul(y[0])) : undefined;
}

const REWRITES: Partial<Record<Primitive, Rewrite>> = {
  identity: (_, a) => a,
  stopGradient: (_, a) => a,
  cast: (node, a) => (node.dtype === a.dtype ? a : undefined),
  neg: (_, a) => {
    const inner = scaled(a);
    if (inner !== undefined) return inner[1] === -1 ? inner[0] : inner[0].mul(scalar(-inner[1]));
    return is(a, 'sub') ? (a.inputs[1] as Tensor).sub(a.inputs[0] as Tensor) : undefined;
  },
  add: (node, a, b) => {
    if (splatValue(b) === 0) return same(node, a);
    if (splatValue(a) === 0) return same(node, b);
    if (a === b && node.dtype === 'float32') return a.mul(scalar(2));
    if (is(b, 'neg')) return a.sub(b.inputs[0] as Tensor);
    return is(a, 'neg') ? b.sub(a.inputs[0] as Tensor) : undefined;
  },
  sub: (node, a, b) => {
    if (splatValue(b) === 0) return same(node, a);
    if (splatValue(a) === 0 && node.dtype === 'float32' && sameShape(node.shape, b.shape)) return b.neg();
    return is(b, 'neg') ? a.add(b.inputs[0] as Tensor) : undefined;
  },
  mul: (node, a, b) => simplifyMul(node, a, b) ?? cancelSigns(node, a, b),
  div: (node, a, b) => {
    const c = splatValue(b);
    return c !== undefined && node.dtype === 'float32' && sameShape(node.shape, a.shape) && isNormal(1 / c)
      ? a.mul(scalar(1 / c))
      : undefined;
  },
  pow: (node, a, b) => {
    const c = splatValue(b);
    if (c === 1) return same(node, a);
    if (c === 2) return same(node, a.mul(a));
    return c === 0.5 && sameShape(node.shape, a.shape) ? apply('sqrt', [a], {}) : undefined;
  },
  sum: (node, a) => {
    if (attributesOf(node, 'sum').axes.length === 0) return a;
    // A factor costs less after the sum, which has fewer elements. One below 1 may keep the sum from overflow.
    const inner = scaled(a);
    if (inner === undefined || Math.abs(inner[1]) < 1 || !isNormal(inner[1])) return undefined;
    return apply('sum', [inner[0]], node.attributes as never).mul(scalar(inner[1]));
  },
  max: (node, a) => (attributesOf(node, 'max').axes.length === 0 ? a : undefined),
  reshape: (node, a) => {
    if (sameShape(node.shape, a.shape)) return a;
    return is(a, 'reshape') ? (a.inputs[0] as Tensor).reshape(node.shape) : undefined;
  },
  transpose: (node, a) => {
    const { permutation } = attributesOf(node, 'transpose');
    if (permutation.every((axis, i) => axis === i)) return a;
    // Moving axes of size 1 moves no data.
    const long = permutation.filter((axis) => a.shape[axis] !== 1);
    if (long.every((axis, i) => i === 0 || axis > (long[i - 1] as number))) return a.reshape(node.shape);
    if (!is(a, 'transpose')) return undefined;
    const first = attributesOf(a, 'transpose').permutation;
    return apply('transpose', a.inputs, { permutation: permutation.map((axis) => first[axis] as number) });
  },
  expand: (node, a) => {
    if (sameShape(node.shape, a.shape)) return a;
    return is(a, 'expand') ? apply('expand', a.inputs, { shape: node.shape }) : undefined;
  },
  slice: (node, a) => (sameShape(node.shape, a.shape) ? a : undefined),
  pad: (node, a) => (sameShape(node.shape, a.shape) ? a : undefined),
  concat: (node, a) => (node.inputs.length === 1 ? a : undefined),
};

const BROADCASTING: ReadonlySet<Primitive> = new Set([
  'add',
  'sub',
  'mul',
  'div',
  'pow',
  'maximum',
  'minimum',
  'less',
  'lessEqual',
  'equal',
  'and',
  'or',
  'select',
]);

/**
 * One step of algebra on a node: a simpler equal tensor, or undefined when nothing applies. Rules keep values up to rounding, and
 * none assumes finiteness of data. What overflowed or vanished between two constant factors may not after they are joined. The
 * product of a single computed number and a constant is taken to neither overflow nor vanish: (x·t)·c becomes x·(t·c).
 */
export function simplifyNode(node: Tensor): Tensor | undefined {
  const [a, b] = node.inputs as unknown as [Tensor, Tensor];
  const rewritten = REWRITES[node.primitive]?.(node, a, b);
  if (rewritten !== undefined) return rewritten;
  return BROADCASTING.has(node.primitive) ? dropExpands(node) : undefined;
}
