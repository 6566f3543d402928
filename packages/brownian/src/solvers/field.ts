import { type NDArray, ShapeError, type Shape, formatShape, ndarray, sameShape } from '@brownian/graph';

/** The right-hand side of ẋ = f(t, x): x `[samples, ...dims]`, and a result of that shape. A compiled graph, as a rule. */
export type VectorField = (t: number, x: NDArray) => Promise<NDArray>;

/** A vector field on plain values in double precision, which counts how often it is asked. */
export class CountedField {
  evaluations = 0;
  readonly #field: VectorField;
  readonly #shape: Shape;

  constructor(field: VectorField, shape: Shape) {
    this.#field = field;
    this.#shape = shape;
  }

  /** @throws ShapeError when the field's result has another shape than its argument */
  async at(t: number, x: Float64Array): Promise<Float64Array> {
    this.evaluations++;
    // A copy: the field may keep what it is given, and the solver goes on with x.
    const value = await this.#field(t, ndarray(x.slice(), this.#shape));
    if (!sameShape(value.shape, this.#shape))
      throw new ShapeError(
        `The vector field of an ODE returned shape ${formatShape(value.shape)} for particles of shape ` +
          `${formatShape(this.#shape)}; it must return the shape it is given.`,
      );
    return Float64Array.from(value.data as Float32Array);
  }
}

/** x + h Σ wᵢkᵢ. */
export function combine(
  x: Float64Array,
  h: number,
  weights: readonly number[],
  stages: readonly Float64Array[],
): Float64Array {
  const out = x.slice();
  weights.forEach((weight, stage) => {
    if (weight === 0) return;
    const [k, factor] = [stages[stage] as Float64Array, h * weight];
    for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + factor * (k[i] as number);
  });
  return out;
}

/** The first value that is not a finite number, or −1. */
export function firstNonFinite(values: Float64Array): number {
  return values.findIndex((value) => !Number.isFinite(value));
}

/** Rows that share one solution: how values are grouped when errors are measured. */
export interface Samples {
  readonly count: number;
  /** Values of one sample. */
  readonly size: number;
}

/** Root mean square over each sample of error / (atol + rtol·max(|x₀|, |x₁|)): at most 1 where the tolerances are met. */
export function errorNorms(
  error: Float64Array,
  [x0, x1]: readonly [Float64Array, Float64Array],
  { rtol, atol }: { readonly rtol: number; readonly atol: number },
  { count, size }: Samples,
): Float64Array {
  return Float64Array.from({ length: count }, (_, sample) => {
    let sum = 0;
    for (let i = sample * size; i < (sample + 1) * size; i++) {
      const scale = atol + rtol * Math.max(Math.abs(x0[i] as number), Math.abs(x1[i] as number));
      sum += ((error[i] as number) / scale) ** 2;
    }
    return Math.sqrt(sum / size);
  });
}

/** The largest norm; NaN where one is, whatever follows it. */
export function largest(norms: Float64Array): number {
  return norms.reduce((a, b) => (Number.isNaN(a) || a >= b ? a : b), 0);
}
