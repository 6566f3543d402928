import { BLOCK, type GeneratorState } from './sfc32.ts';

/** The largest finite float32. */
const LARGEST = (2 - 2 ** -23) * 2 ** 127;
/** The smallest positive float32. */
const SMALLEST = 2 ** -149;
/** Uniform values have 24 bits. */
const RESOLUTION = 2 ** -24;

/** Values are low + k·unit, kept within [first, last]. */
interface Spacing {
  readonly low: number;
  readonly unit: number;
  readonly first: number;
  readonly last: number;
}

/** The float32 next to `value`, itself float32 and finite, on the side of `direction`. */
function neighbour(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * SMALLEST;
  const float = Float32Array.of(value);
  const bits = new Int32Array(float.buffer);
  bits[0] = (bits[0] as number) + (value > 0 ? direction : -direction);
  return float[0] as number;
}

/**
 * The least and the greatest float32 in [low, high).
 *
 * @throws RangeError when the bounds are not finite float32 magnitudes, are not in order, or have no float32 between
 * them.
 */
export function float32Range(low: number, high: number): { first: number; last: number } {
  if (!(Math.abs(low) <= LARGEST && Math.abs(high) <= LARGEST)) {
    throw new RangeError(`Bounds of uniform values are finite and within float32, got low ${low} and high ${high}.`);
  }
  if (low >= high) throw new RangeError(`Uniform values need low < high, got low ${low} and high ${high}.`);
  const nearLow = Math.fround(low);
  const nearHigh = Math.fround(high);
  const first = nearLow >= low ? nearLow : neighbour(nearLow, 1);
  const last = nearHigh < high ? nearHigh : neighbour(nearHigh, -1);
  if (first > last) throw new RangeError(`There is no float32 number in [${low}, ${high}); widen the interval.`);
  return { first, last };
}

/** Fills out[start..end) with the generator in local variables. */
function fillBlock(out: Float32Array, start: number, end: number, state: GeneratorState, spacing: Spacing): void {
  const { low, unit, first, last } = spacing;
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  for (let i = start; i < end; i++) {
    const u = (a + b + d) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + u) | 0;
    d = (d + 1) | 0;
    out[i] = Math.max(first, Math.min(low + (u >>> 8) * unit, last));
  }
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

/**
 * Fills `out` with uniform values in [low, high), a function of `state` (which is advanced) and the bounds alone:
 * low + k (high - low) / 2²⁴ with k uniform on 0..2²⁴-1, rounded to float32 and kept inside the interval (rounding
 * alone could give `high`).
 *
 * @throws RangeError as {@link float32Range}.
 */
export function fillUniform(out: Float32Array, state: GeneratorState, low: number, high: number): void {
  const spacing = { low, unit: (high - low) * RESOLUTION, ...float32Range(low, high) };
  for (let start = 0; start < out.length; start += BLOCK) {
    fillBlock(out, start, Math.min(start + BLOCK, out.length), state, spacing);
  }
}
