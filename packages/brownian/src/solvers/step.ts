import { type CountedField, combine } from './field.ts';
import type { Tableau } from './tableaux.ts';

/** A step that was tried. */
export interface Trial {
  readonly x: Float64Array;
  /** f at the end, where the method has it. */
  readonly slope: Float64Array | undefined;
  /** Estimate of the step's error, when asked for. */
  readonly error: Float64Array | undefined;
  /** h Σ dᵢkᵢ of dense output, where the method has it. */
  readonly bend: Float64Array | undefined;
}

interface Start {
  readonly t: number;
  readonly x: Float64Array;
  /** f(t, x). */
  readonly slope: Float64Array;
}

async function runStages(field: CountedField, tableau: Tableau, from: Start, h: number): Promise<Float64Array[]> {
  const stages = [from.slope];
  for (let i = 1; i < tableau.c.length; i++) {
    const at = combine(from.x, h, tableau.a[i] as readonly number[], stages);
    stages.push(await field.at(from.t + (tableau.c[i] as number) * h, at));
  }
  return stages;
}

async function plainStep(field: CountedField, tableau: Tableau, from: Start, h: number): Promise<Trial> {
  const stages = await runStages(field, tableau, from, h);
  const zero = new Float64Array(from.x.length);
  const { embedded, dense } = tableau;
  return {
    x: combine(from.x, h, tableau.b, stages),
    slope: tableau.firstSameAsLast ? stages.at(-1) : undefined,
    error: embedded && combine(zero, h, embedded.weights, stages),
    bend: dense && combine(zero, h, dense, stages),
  };
}

/**
 * A step of size h with an estimate of its error. A method without an embedded one takes two half steps beside the whole:
 * their difference over 2ᵖ − 1 is the error of the finer result (Richardson).
 */
export async function trialStep(
  field: CountedField,
  tableau: Tableau,
  from: Start,
  h: number,
  wantsError: boolean,
): Promise<Trial> {
  const whole = await plainStep(field, tableau, from, h);
  if (!wantsError || tableau.embedded !== undefined) return whole;
  const half = await plainStep(field, tableau, from, h / 2);
  const t = from.t + h / 2;
  const second = { t, x: half.x, slope: await field.at(t, half.x) };
  const { x } = await plainStep(field, tableau, second, h / 2);
  const factor = 1 / (2 ** tableau.order - 1);
  return { x, slope: undefined, error: x.map((v, i) => (v - (whole.x[i] as number)) * factor), bend: undefined };
}

/** A step that was taken, for values between its ends. */
export interface Span {
  readonly t: number;
  readonly h: number;
  readonly ends: readonly [Float64Array, Float64Array];
  readonly slopes: readonly [Float64Array, Float64Array];
  readonly bend: Float64Array | undefined;
}

/**
 * The solution inside a step: the cubic through the values and slopes of both ends (error of order h⁴), or with Dormand and
 * Prince's stages their fourth-order interpolant (order h⁵; Hairer, Nørsett and Wanner, II.6).
 */
export function interpolate({ t, h, ends: [x0, x1], slopes: [f0, f1], bend }: Span, at: number): Float64Array {
  const theta = (at - t) / h;
  const rest = 1 - theta;
  return x0.map((start, i) => {
    const rise = (x1[i] as number) - start;
    const bow = h * (f0[i] as number) - rise;
    const twist = rise - h * (f1[i] as number) - bow;
    return start + theta * (rise + rest * (bow + theta * (twist + rest * (bend?.[i] ?? 0))));
  });
}
