import { type TensorType, sameShape, sizeOf } from '@brownian/graph';
import type { InterpretationRule, InterpretationRules } from './rule.ts';
import { type Values, allocate } from './storage.ts';
import { broadcastOffsets } from './strides.ts';

type Combine<T> = (a: T, b: T) => T;

/** `out[i] = f(a[i], b[i])` with broadcasting; `T` is what the operands' storage holds, `R` what the result's does. */
function zip<T, R>(
  f: (a: T, b: T) => R,
  inputs: readonly Values[],
  output: TensorType,
  types: readonly TensorType[],
): Values {
  const [a, b] = inputs as unknown as readonly [ArrayLike<T>, ArrayLike<T>];
  const out = allocate(output.dtype, sizeOf(output.shape));
  const target = out as unknown as R[];
  if (types.every((type) => sameShape(type.shape, output.shape))) {
    for (let i = 0; i < out.length; i++) target[i] = f(a[i] as T, b[i] as T);
    return out;
  }
  const [atA, atB] = types.map((type) => broadcastOffsets(type.shape, output.shape)) as [Int32Array, Int32Array];
  for (let i = 0; i < out.length; i++) target[i] = f(a[atA[i] as number] as T, b[atB[i] as number] as T);
  return out;
}

type Arithmetic = 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'maximum' | 'minimum';

/** Arithmetic per dtype; integers wrap around as their storage does. */
function arithmetic(
  float: Combine<number>,
  int64: Combine<bigint>,
  int32: Combine<number> = float,
): InterpretationRule<Arithmetic> {
  return (inputs, _, output, types) => {
    if (output.dtype === 'int64') return zip(int64, inputs, output, types);
    return zip(output.dtype === 'int32' ? int32 : float, inputs, output, types);
  };
}

/** Comparisons work alike on numbers and bigints; operands have one dtype. */
function comparison(
  f: (a: number | bigint, b: number | bigint) => boolean,
): InterpretationRule<'less' | 'lessEqual' | 'equal'> {
  return (inputs, _, output, types) =>
    zip((a: number | bigint, b: number | bigint) => Number(f(a, b)), inputs, output, types);
}

function logical(f: (a: boolean, b: boolean) => boolean): InterpretationRule<'and' | 'or'> {
  return (inputs, _, output, types) =>
    zip((a: number, b: number) => Number(f(a !== 0, b !== 0)), inputs, output, types);
}

/** Integer division truncates towards zero. */
function divideInt32(a: number, b: number): number {
  if (b === 0) throw new RangeError(`div: the integer ${a} is divided by zero.`);
  return Math.trunc(a / b);
}

function divideInt64(a: bigint, b: bigint): bigint {
  if (b === 0n) throw new RangeError(`div: the integer ${a} is divided by zero.`);
  return a / b;
}

/** By repeated squaring, wrapping. A negative exponent gives the truncated fraction: zero unless the base is ±1. */
function powInt64(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) {
    if (base === 0n) throw new RangeError(`pow: the integer 0 has no power ${exponent}.`);
    return base === 1n || base === -1n ? powInt64(base, -exponent) : 0n;
  }
  let result = 1n;
  let square = base;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = BigInt.asIntN(64, result * square);
    square = BigInt.asIntN(64, square * square);
  }
  return result;
}

function powInt32(base: number, exponent: number): number {
  return Number(BigInt.asIntN(32, powInt64(BigInt(base), BigInt(exponent))));
}

/** Elementwise with NumPy broadcasting: two operands, and `select` with three. */
export const BINARY_RULES: Pick<
  InterpretationRules,
  Arithmetic | 'less' | 'lessEqual' | 'equal' | 'and' | 'or' | 'select'
> = {
  add: arithmetic(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  sub: arithmetic(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  mul: arithmetic(
    (a, b) => a * b,
    (a, b) => a * b,
    Math.imul,
  ),
  div: arithmetic((a, b) => a / b, divideInt64, divideInt32),
  pow: arithmetic(Math.pow, powInt64, powInt32),
  // Math.max and Math.min give NaN when either operand is NaN.
  maximum: arithmetic(
    (a, b) => Math.max(a, b),
    (a, b) => (a > b ? a : b),
  ),
  minimum: arithmetic(
    (a, b) => Math.min(a, b),
    (a, b) => (a < b ? a : b),
  ),
  less: comparison((a, b) => a < b),
  lessEqual: comparison((a, b) => a <= b),
  equal: comparison((a, b) => a === b),
  and: logical((a, b) => a && b),
  or: logical((a, b) => a || b),
  select: (inputs, _, output, types) => {
    const at = types.map(({ shape }) => broadcastOffsets(shape, output.shape)) as [Int32Array, Int32Array, Int32Array];
    // The branches have any one storage type; see take() for the cast.
    const [condition, ...branches] = inputs as readonly [Uint8Array, Float64Array, Float64Array];
    const out = allocate(output.dtype, sizeOf(output.shape));
    const target = out as Float64Array;
    for (let i = 0; i < out.length; i++) {
      const branch = condition[at[0][i] as number] !== 0 ? 0 : 1;
      target[i] = branches[branch][at[branch + 1]?.[i] as number] as number;
    }
    return out;
  },
};
