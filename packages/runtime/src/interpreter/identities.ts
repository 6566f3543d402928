import type { DType } from '@brownian/graph';
import type { InterpretationRules } from './rule.ts';
import { type Values, toValues } from './storage.ts';

function toInteger(value: number, to: 'int32' | 'int64'): number {
  const whole = Math.trunc(value);
  const bound = to === 'int32' ? 2 ** 31 : 2 ** 63;
  if (whole >= -bound && whole < bound) return whole;
  throw new RangeError(`cast: ${value} has no ${to} value; clamp or select before the cast.`);
}

/** Truncates float to integer, wraps int64 to int32, and takes "is not zero" for bool. */
function convert(values: Values, to: DType): Values {
  const isBig = values instanceof BigInt64Array;
  switch (to) {
    case 'float32':
      return isBig ? Float64Array.from(values, Number) : Float64Array.from(values);
    case 'int32':
      if (isBig) return Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value)));
      return Int32Array.from(values, (value) => toInteger(value, to));
    case 'int64':
      return isBig ? values : BigInt64Array.from(Array.from(values, (value) => BigInt(toInteger(value, to))));
    case 'bool':
      return isBig
        ? Uint8Array.from(values, (value) => (value === 0n ? 0 : 1))
        : Uint8Array.from(values, (v) => (v === 0 ? 0 : 1));
  }
}

/** Leaves, and what changes no value but its type. */
export const IDENTITY_RULES: Pick<InterpretationRules, 'input' | 'constant' | 'identity' | 'stopGradient' | 'cast'> = {
  input: (_, { name }) => {
    throw new Error(`Input "${name}" has no value; inputs are given to interpret(), they are not evaluated.`);
  },
  constant: (_, { value }) => toValues(value, 'constant'),
  identity: ([x]) => x as Values,
  stopGradient: ([x]) => x as Values,
  cast: ([x], { to }) => convert(x as Values, to),
};
