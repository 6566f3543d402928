import { type ArrayData, type DType, type NDArray, type Shape, sizeOf } from '../types.ts';
import { Tensor } from '../tensor.ts';
import { type NodeContext, Refusal, axisOf, numbersOf, reshaped } from './context.ts';

/** The arithmetic of shapes that exporters leave in models, done while importing: every input is known. */
type KnownRule = (at: NodeContext, inputs: readonly NDArray[]) => NDArray;

const MAKE: Readonly<Record<DType, (values: readonly number[]) => ArrayData>> = {
  float32: (values) => Float32Array.from(values),
  int32: (values) => Int32Array.from(values),
  int64: (values) => BigInt64Array.from(values, (value) => BigInt(Math.trunc(value))),
  bool: (values) => Uint8Array.from(values, (value) => (value === 0 ? 0 : 1)),
};

function made(dtype: DType, shape: Shape, values: readonly number[]): NDArray {
  return { dtype, shape, data: MAKE[dtype](values) };
}

/** An int64 list, as shapes are. */
export function shapeArray(shape: Shape): NDArray {
  return made('int64', [shape.length], shape);
}

/** The elements of `array` at the positions that `at` gives for each index of the result. */
function picked(array: NDArray, shape: Shape, at: (index: readonly number[]) => readonly number[]): NDArray {
  const values = numbersOf(array);
  const out = Array.from({ length: sizeOf(shape) }, (_, flat) => {
    let rest = flat;
    const index = shape
      .toReversed()
      .map((size) => {
        const i = rest % size;
        rest = Math.floor(rest / size);
        return i;
      })
      .toReversed();
    const from = at(index).reduce((sum, i, axis) => sum * (array.shape[axis] as number) + i, 0);
    return values[from] as number;
  });
  return made(array.dtype, shape, out);
}

/** First index, count and step of a slice, by ONNX's rules for ends beyond the array. */
export function sliceRange(start: number, end: number, step: number, size: number): { first: number; count: number } {
  const from = start < 0 ? start + size : start;
  const to = end < 0 ? end + size : end;
  if (step > 0) {
    const first = Math.min(Math.max(from, 0), size);
    return { first, count: Math.max(0, Math.ceil((Math.min(to, size) - first) / step)) };
  }
  const first = Math.min(Math.max(from, -1), size - 1);
  return { first, count: Math.max(0, Math.ceil((Math.max(to, -1) - first) / step)) };
}

function knownSlice(at: NodeContext, [x]: readonly NDArray[]): NDArray {
  const array = x as NDArray;
  const rank = array.shape.length;
  const starts = at.integers(1, 'starts') ?? [];
  const ends = at.integers(2, 'ends') ?? [];
  const axes = at.integers(3, 'axes') ?? starts.map((_, i) => i);
  const steps = at.integers(4, 'steps') ?? starts.map(() => 1);
  const ranges = array.shape.map((size) => ({ first: 0, count: size, step: 1 }));
  axes.forEach((axis, i) => {
    const step = steps[i] as number;
    const place = axisOf(axis, rank);
    ranges[place] = { ...sliceRange(starts[i] as number, ends[i] as number, step, array.shape[place] as number), step };
  });
  return picked(
    array,
    ranges.map((range) => range.count),
    (index) => index.map((i, axis) => (ranges[axis]?.first ?? 0) + i * (ranges[axis]?.step ?? 1)),
  );
}

function knownConcat(at: NodeContext, inputs: readonly NDArray[]): NDArray {
  const [first] = inputs as readonly [NDArray];
  const axis = axisOf(at.number('axis', 0), first.shape.length);
  const outer = sizeOf(first.shape.slice(0, axis));
  const lists = inputs.map(numbersOf);
  const joined = Array.from({ length: outer }, (_, row) =>
    lists.flatMap((list) => list.slice((row * list.length) / outer, ((row + 1) * list.length) / outer)),
  ).flat();
  const size = inputs.reduce((sum, { shape }) => sum + (shape[axis] as number), 0);
  return made(first.dtype, first.shape.with(axis, size), joined);
}

function knownGather(at: NodeContext, [data, indices]: readonly NDArray[]): NDArray {
  const [x, where] = [data as NDArray, indices as NDArray];
  const axis = axisOf(at.number('axis', 0), x.shape.length);
  const list = numbersOf(where).map((i) => (i < 0 ? i + (x.shape[axis] as number) : i));
  const rank = where.shape.length;
  const shape = [...x.shape.slice(0, axis), ...where.shape, ...x.shape.slice(axis + 1)];
  return picked(x, shape, (index) => {
    const flat = index.slice(axis, axis + rank).reduce((sum, i, k) => sum * (where.shape[k] as number) + i, 0);
    return [...index.slice(0, axis), list[flat] as number, ...index.slice(axis + rank)];
  });
}

function arithmetic(f: (a: number, b: number) => number): KnownRule {
  return (_, [left, right]) => {
    const [a, b] = [left as NDArray, right as NDArray];
    const [x, y] = [numbersOf(a), numbersOf(b)];
    if (x.length !== y.length && x.length !== 1 && y.length !== 1)
      throw new Refusal('it combines constant arrays of different sizes');
    const like = x.length >= y.length ? a : b;
    const values = Array.from({ length: Math.max(x.length, y.length) }, (__, i) =>
      f(x[x.length === 1 ? 0 : i] as number, y[y.length === 1 ? 0 : i] as number),
    );
    return made(like.dtype, like.shape, like.dtype === 'float32' ? values : values.map(Math.trunc));
  };
}

/** TensorProto.DataType of Cast, as the dtype it becomes here: floats of every width are float32. */
export function castType(at: NodeContext): DType {
  const to = at.number('to', 1);
  const dtype = ({ 1: 'float32', 10: 'float32', 11: 'float32', 6: 'int32', 7: 'int64', 9: 'bool' } as const)[to];
  if (dtype === undefined) throw new Refusal(`it casts to the ONNX element type ${to}`);
  return dtype;
}

function withShape(array: NDArray, shape: Shape): NDArray {
  return { ...array, shape };
}

/** Sizes without the axes of size 1 that are named, or without all of them. */
export function squeezed(shape: Shape, axes: readonly number[] | undefined): number[] {
  const gone = new Set(axes?.map((axis) => axisOf(axis, shape.length)));
  return shape.filter((size, i) => (axes === undefined ? size !== 1 : !gone.has(i)));
}

/** Sizes with new axes of size 1 at `axes` of the result. */
export function unsqueezed(shape: Shape, axes: readonly number[]): number[] {
  const rank = shape.length + axes.length;
  const fresh = new Set(axes.map((axis) => axisOf(axis, rank)));
  const left = [...shape];
  return Array.from({ length: rank }, (_, i) => (fresh.has(i) ? 1 : (left.shift() as number)));
}

const KNOWN_RULES: Readonly<Record<string, KnownRule>> = {
  Identity: (_, [x]) => x as NDArray,
  Cast: (at, [x]) => made(castType(at), (x as NDArray).shape, numbersOf(x as NDArray)),
  Shape: (_, [x]) => shapeArray((x as NDArray).shape),
  ConstantOfShape: (at, [x]) => {
    const value = at.node.attributes['value'];
    const fill = typeof value === 'object' && 'dtype' in value ? value : made('float32', [1], [0]);
    const shape = numbersOf(x as NDArray);
    const [each] = numbersOf(fill) as [number];
    return made(
      fill.dtype,
      shape,
      Array.from({ length: sizeOf(shape) }, () => each),
    );
  },
  Concat: knownConcat,
  Slice: knownSlice,
  Gather: knownGather,
  Reshape: (at, [x]) =>
    withShape(
      x as NDArray,
      reshaped(numbersOf(at.known(1, 'shape')), (x as NDArray).shape, at.number('allowzero', 0) === 1),
    ),
  Transpose: (at, [x]) => {
    const array = x as NDArray;
    const order = at.ints(
      'perm',
      array.shape.map((_, i) => array.shape.length - 1 - i),
    );
    const shape = order.map((axis) => array.shape[axis] as number);
    return picked(array, shape, (index) => array.shape.map((_, axis) => index[order.indexOf(axis)] as number));
  },
  Squeeze: (at, [x]) => withShape(x as NDArray, squeezed((x as NDArray).shape, at.integers(1, 'axes'))),
  Unsqueeze: (at, [x]) => withShape(x as NDArray, unsqueezed((x as NDArray).shape, at.integers(1, 'axes') ?? [])),
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Mul: arithmetic((a, b) => a * b),
  Div: arithmetic((a, b) => a / b),
};

/** The result of a node whose inputs are all known, where that can be worked out here; else undefined. */
export function evaluateKnown(at: NodeContext): NDArray | undefined {
  const inputs = at.all.filter((value): value is NDArray => !(value instanceof Tensor));
  if (inputs.length < at.all.length || inputs.length === 0) return undefined;
  return KNOWN_RULES[at.node.op]?.(at, inputs);
}
