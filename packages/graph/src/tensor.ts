import type { Primitive, PrimitiveAttributes } from './primitives.ts';
import { SHAPE_RULES, ShapeError, type ShapeRule } from './rules/shape.ts';
import { type DType, type NDArray, type Shape, type TensorType, formatShape } from './types.ts';
import { ndarray } from './ndarray.ts';

let nextId = 0;

/**
 * A symbolic tensor: one node of a graph, made by a primitive from other tensors, with known dtype and shape and no values.
 * Immutable; functions on tensors build further nodes.
 */
export class Tensor<P extends Primitive = Primitive> implements TensorType {
  /** Increases with creation, so that inputs always have smaller ids than what is made of them. */
  readonly id: number = nextId++;
  readonly primitive: P;
  readonly inputs: readonly Tensor[];
  readonly attributes: PrimitiveAttributes[P];
  readonly dtype: DType;
  readonly shape: Shape;

  constructor(primitive: P, inputs: readonly Tensor[], attributes: PrimitiveAttributes[P], type: TensorType) {
    this.primitive = primitive;
    this.inputs = inputs;
    this.attributes = attributes;
    this.dtype = type.dtype;
    this.shape = type.shape;
  }

  /** a + b, broadcasting. */
  add(other: Operand): Tensor {
    return apply('add', [this, operand(other, this.dtype)], {});
  }
  /** a − b, broadcasting. */
  sub(other: Operand): Tensor {
    return apply('sub', [this, operand(other, this.dtype)], {});
  }
  /** a · b elementwise, broadcasting. */
  mul(other: Operand): Tensor {
    return apply('mul', [this, operand(other, this.dtype)], {});
  }
  /** a / b, broadcasting. */
  div(other: Operand): Tensor {
    return apply('div', [this, operand(other, this.dtype)], {});
  }
  /** −a. */
  neg(): Tensor {
    return apply('neg', [this], {});
  }
  /** a², with the derivative of a product. */
  square(): Tensor {
    return apply('mul', [this, this], {});
  }
  /** The same values in another shape; one size may be −1. */
  reshape(shape: Shape): Tensor {
    return apply('reshape', [this], { shape: inferSize(this, shape) });
  }
  /** Sum over `axes` (all by default); negative axes count from the end. */
  sum(axes?: number | readonly number[]): Tensor {
    return apply('sum', [this], { axes: normalizeAxes(this, axes, 'sum') });
  }
  /** Mean over `axes` (all by default). */
  mean(axes?: number | readonly number[]): Tensor {
    const over = normalizeAxes(this, axes, 'mean');
    const count = over.reduce((n, axis) => n * (this.shape[axis] as number), 1);
    return apply('sum', [this], { axes: over }).mul(1 / count);
  }
  toString(): string {
    return `Tensor ${this.dtype}[${this.shape.join(', ')}] of ${this.primitive}`;
  }
}

/** What elementwise functions take: a tensor, or a number that becomes a scalar constant. */
export type Operand = Tensor | number;

/**
 * Makes a node. The one place where nodes come from, apart from inputs.
 *
 * @throws ShapeError naming the primitive and the shapes of all operands; TypeError when an operand is a concrete array.
 */
export function apply<P extends Primitive>(
  primitive: P,
  inputs: readonly Tensor[],
  attributes: PrimitiveAttributes[P],
): Tensor<P> {
  inputs.forEach((x, i) => {
    if (!(x instanceof Tensor))
      throw new TypeError(`${primitive}: operand ${i + 1} is ${describe(x)}; wrap it with constant().`);
  });
  // The table is keyed by P; TypeScript cannot correlate the lookup with P through an indexed access.
  const rule = SHAPE_RULES[primitive] as ShapeRule<P>;
  let type: TensorType;
  try {
    type = rule(inputs, attributes);
  } catch (error) {
    if (error instanceof ShapeError) throw new ShapeError(`${primitive}: ${error.message}`, { cause: error });
    throw error;
  }
  return new Tensor(primitive, inputs, attributes, type);
}

/** What was given in the place of a tensor; only untyped code gets here. */
function describe(value: Partial<TensorType> | undefined): string {
  return value?.dtype && value.shape
    ? `a concrete array ${value.dtype}${formatShape(value.shape)}`
    : `not a tensor but ${typeof value}`;
}

/** A placeholder that is given values when the graph runs. */
export function placeholder(name: string, type: TensorType): Tensor<'input'> {
  return new Tensor('input', [], { name }, { dtype: type.dtype, shape: [...type.shape] });
}

/** A tensor with these values built in. */
export function constant(value: NDArray | readonly number[] | number, shape?: Shape): Tensor<'constant'> {
  const array = typeof value === 'object' && 'dtype' in value ? value : ndarray(value, shape);
  return apply('constant', [], { value: array });
}

/**
 * A tensor of `dtype` from an operand. Numbers keep double precision until the graph is lowered.
 *
 * @throws TypeError when an integer dtype does not have the number
 */
export function operand(value: Operand, dtype: DType = 'float32'): Tensor {
  if (typeof value !== 'number') return value;
  if (dtype === 'int32' || dtype === 'int64') {
    if (!Number.isSafeInteger(value) || (dtype === 'int32' && value !== (value | 0)))
      throw new TypeError(`${value} is not an ${dtype}; use cast().`);
    return constant(ndarray(dtype === 'int32' ? Int32Array.of(value) : BigInt64Array.of(BigInt(value)), []));
  }
  return constant(ndarray(Float64Array.of(value), []));
}

/** Axes sorted and counted from the front. @throws ShapeError naming `operation` and an axis the tensor does not have. */
export function normalizeAxes(x: TensorType, axes?: number | readonly number[], operation = 'normalizeAxes'): number[] {
  const rank = x.shape.length;
  const list = axes === undefined ? x.shape.map((_, i) => i) : typeof axes === 'number' ? [axes] : axes;
  const result = list.map((axis) => {
    if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
      throw new ShapeError(`${operation}: axis ${axis} does not exist in shape ${formatShape(x.shape)}`);
    }
    return axis < 0 ? axis + rank : axis;
  });
  return [...new Set(result)].toSorted((a, b) => a - b);
}

function inferSize(x: TensorType, shape: Shape): Shape {
  const unknown = shape.indexOf(-1);
  if (unknown < 0) return [...shape];
  const total = x.shape.reduce((a, b) => a * b, 1);
  const known = shape.reduce((a, b, i) => (i === unknown ? a : a * b), 1);
  if (known <= 0 || total % known !== 0)
    throw new ShapeError(`reshape: shape ${formatShape(x.shape)} does not fit ${formatShape(shape)}`);
  return shape.map((size, i) => (i === unknown ? total / known : size));
}
