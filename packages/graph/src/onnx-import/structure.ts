import { max, softmax, logSoftmax } from '../ops/reduce.ts';
import { concat, expand, gather, matmul, pad, slice, transpose } from '../ops/shape.ts';
import { type Tensor, constant } from '../tensor.ts';
import type { NDArray } from '../types.ts';
import { broadcastShapes } from '../rules/shape.ts';
import { type ImportRule, type NodeContext, Refusal, asTensor, axisOf, numbersOf, reshaped } from './context.ts';
import { shapeArray, sliceRange, squeezed, unsqueezed } from './known.ts';

const reshape: ImportRule = (at) => {
  const x = at.tensor(0);
  const target = at.integers(1, 'shape') ?? [];
  return x.reshape(reshaped(target, x.shape, at.number('allowzero', 0) === 1));
};

const flattenRule: ImportRule = (at) => {
  const x = at.tensor(0);
  const axis = at.number('axis', 1);
  const split = axis < 0 ? axis + x.shape.length : axis;
  const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
  return x.reshape([product(x.shape.slice(0, split)), product(x.shape.slice(split))]);
};

const sliceRule: ImportRule = (at) => {
  const x = at.tensor(0);
  const starts = at.integers(1, 'starts') ?? [];
  const ends = at.integers(2, 'ends') ?? [];
  const axes = at.integers(3, 'axes') ?? starts.map((_, i) => i);
  const steps = at.integers(4, 'steps') ?? starts.map(() => 1);
  const ranges: (readonly [number, number, number] | undefined)[] = x.shape.map(() => undefined);
  axes.forEach((axis, i) => {
    const step = steps[i] as number;
    if (step < 1) throw new Refusal(`its step ${step} goes backwards`);
    const place = axisOf(axis, x.shape.length);
    const { first, count } = sliceRange(starts[i] as number, ends[i] as number, step, x.shape[place] as number);
    ranges[place] = [first, Math.min(first + count * step, x.shape[place] as number), step];
  });
  return slice(x, ranges);
};

const splitRule: ImportRule = (at) => {
  const x = at.tensor(0);
  const axis = axisOf(at.number('axis', 0), x.shape.length);
  const count = at.node.outputs.length;
  const even = Math.ceil((x.shape[axis] as number) / count);
  const sizes = at.integers(1, 'split') ?? Array.from({ length: count }, () => even);
  let from = 0;
  return sizes.map((size) => {
    const range = [from, Math.min(from + size, x.shape[axis] as number)] as const;
    from += size;
    return slice(
      x,
      x.shape.map((_, i) => (i === axis ? range : undefined)),
    );
  });
};

const padRule: ImportRule = (at) => {
  const x = at.tensor(0);
  const mode = at.text('mode', 'constant');
  if (mode !== 'constant') throw new Refusal(`it pads with mode "${mode}"; only constant padding can be imported`);
  const rank = x.shape.length;
  const pads = at.integers(1, 'pads') ?? [];
  const axes = (at.has(3) ? numbersOf(at.known(3, 'axes')) : x.shape.map((_, i) => i)).map((axis) =>
    axisOf(axis, rank),
  );
  const ranges = x.shape.map((_, i): readonly [number, number] => {
    const place = axes.indexOf(i);
    return place < 0 ? [0, 0] : [pads[place] as number, pads[place + axes.length] as number];
  });
  if (ranges.flat().some((p) => p < 0)) throw new Refusal('its padding is negative');
  const value = at.has(2) ? (numbersOf(at.known(2, 'value'))[0] ?? 0) : at.number('value', 0);
  return value === 0 ? pad(x, ranges) : pad(x.sub(value), ranges).add(value);
};

const gatherRule: ImportRule = (at) => {
  const x = at.tensor(0);
  const axis = axisOf(at.number('axis', 0), x.shape.length);
  const indices = at.known(1, 'indices');
  const positive = numbersOf(indices).map((i) => (i < 0 ? i + (x.shape[axis] as number) : i));
  return gather(x, constant({ dtype: 'int32', shape: indices.shape, data: Int32Array.from(positive) }), axis);
};

/** α A·B + β C, either factor transposed. */
const gemm: ImportRule = (at) => {
  const factor = (i: 0 | 1, name: string): Tensor => {
    const x = at.tensor(i);
    return at.number(name, 0) === 1 ? transpose(x) : x;
  };
  const [alpha, beta] = [at.number('alpha', 1), at.number('beta', 1)];
  const product = matmul(factor(0, 'transA'), factor(1, 'transB'));
  const scaled = alpha === 1 ? product : product.mul(alpha);
  if (!at.has(2) || beta === 0) return scaled;
  return scaled.add(beta === 1 ? at.tensor(2) : at.tensor(2).mul(beta));
};

const matmulRule: ImportRule = (at) => {
  const [a, b] = [at.tensor(0), at.tensor(1)];
  if (a.shape.length < 2 || b.shape.length < 2) throw new Refusal('it multiplies a vector; matrices can be imported');
  return matmul(a, b);
};

/** Before opset 13 the axes from `axis` on are one. */
function normalised(f: (x: Tensor, axis: number) => Tensor): ImportRule {
  return (at) => {
    const x = at.tensor(0);
    const old = at.opset < 13;
    const axis = axisOf(at.number('axis', old ? 1 : -1), x.shape.length);
    if (!old || axis === x.shape.length - 1) return f(x, axis);
    const rows = x.shape.slice(0, axis).reduce((p, q) => p * q, 1);
    return f(x.reshape([rows, -1]), 1).reshape(x.shape);
  };
}

function reduction(reduce: (x: Tensor, axes: readonly number[]) => Tensor): ImportRule {
  return (at) => {
    const x = at.tensor(0);
    const given = at.integers(1, 'axes') ?? [];
    if (given.length === 0 && at.number('noop_with_empty_axes', 0) === 1) return x;
    const axes = given.length === 0 ? x.shape.map((_, i) => i) : given.map((axis) => axisOf(axis, x.shape.length));
    const y = reduce(x, axes);
    return at.number('keepdims', 1) === 0 ? y : y.reshape(x.shape.map((size, i) => (axes.includes(i) ? 1 : size)));
  };
}

/** Constant: an array, or one of the short forms. */
const constantRule: ImportRule = (at) => {
  const { value, value_float: real, value_int: whole, value_floats: reals, value_ints: wholes } = at.node.attributes;
  if (typeof value === 'object' && 'dtype' in value) return value;
  const array = (list: readonly number[], shape: readonly number[], integer: boolean): NDArray =>
    integer
      ? { dtype: 'int64', shape, data: BigInt64Array.from(list, BigInt) }
      : { dtype: 'float32', shape, data: Float32Array.from(list) };
  if (typeof real === 'number') return array([real], [], false);
  if (typeof whole === 'number') return array([whole], [], true);
  if (Array.isArray(reals)) return array(reals as number[], [reals.length], false);
  if (Array.isArray(wholes)) return array(wholes as number[], [wholes.length], true);
  throw new Refusal('its value is neither numbers nor an array of them');
};

function shapeOf(at: NodeContext): NDArray {
  const { shape } = at.value(0);
  return shapeArray(
    shape.slice(at.number('start', 0), at.node.attributes['end'] === undefined ? undefined : at.number('end', 0)),
  );
}

/** What moves, joins, multiplies and sums whole arrays. */
export const STRUCTURE_RULES: Readonly<Record<string, ImportRule>> = {
  Constant: constantRule,
  Shape: shapeOf,
  Reshape: reshape,
  Flatten: flattenRule,
  Transpose: (at) => {
    const x = at.tensor(0);
    return transpose(
      x,
      at.ints(
        'perm',
        x.shape.map((_, i) => x.shape.length - 1 - i),
      ),
    );
  },
  Squeeze: (at) => at.tensor(0).reshape(squeezed(at.tensor(0).shape, at.integers(1, 'axes'))),
  Unsqueeze: (at) => at.tensor(0).reshape(unsqueezed(at.tensor(0).shape, at.integers(1, 'axes') ?? [])),
  Expand: (at) => {
    const x = at.tensor(0);
    const shape = broadcastShapes(x.shape, at.integers(1, 'shape') ?? []);
    if (shape === undefined) throw new Refusal('its shapes do not broadcast');
    return expand(x, shape);
  },
  Concat: (at) => concat(at.all.map(asTensor), at.number('axis', 0)),
  Slice: sliceRule,
  Split: splitRule,
  Pad: padRule,
  Gather: gatherRule,
  Gemm: gemm,
  MatMul: matmulRule,
  Softmax: normalised(softmax),
  LogSoftmax: normalised(logSoftmax),
  ReduceMean: reduction((x, axes) => x.mean(axes)),
  ReduceSum: reduction((x, axes) => x.sum(axes)),
  ReduceMax: reduction((x, axes) => max(x, axes)),
};
