import { type NDArray, ndarray } from '@brownian/graph';
import { firstStep, stepFactor } from './controller.ts';
import { type Standing, nonFiniteFailure, progressFailure } from './failure.ts';
import { CountedField, type Samples, type VectorField, errorNorms, firstNonFinite, largest } from './field.ts';
import { type FixedSteps, fixedSteps } from './fixed-steps.ts';
import { type Span, type Trial, interpolate, trialStep } from './step.ts';
import { SOLVERS, type SolverName } from './tableaux.ts';

/** Steps after which solutions give up unless they are told otherwise. */
export const MAX_STEPS = 10_000;

/** How an equation is solved. */
export interface SolveOptions {
  /** Default `dopri5`. */
  readonly solver?: SolverName;
  /** Largest error of a step relative to x, for each sample. Default 1e-3. */
  readonly rtol?: number;
  /** Largest error of a step, in units of x. Default 1e-3. */
  readonly atol?: number;
  /** Take steps of this size (the last one shorter) and estimate no errors; rtol and atol may not be given with it. */
  readonly stepSize?: number;
  /** Times between the ends, in the direction of t, at which dense output is kept. Default none. */
  readonly saveAt?: readonly number[];
  /** Steps, rejected ones too, after which to give up; fixed steps that are more are refused. Default 10,000. */
  readonly maxSteps?: number;
  /** Told after each accepted step, for progress. */
  readonly onStep?: (t: number) => void;
}

/** A solved equation. */
export interface Solution {
  /** The end state, shaped like the start, in double precision. */
  readonly x: NDArray;
  /** States at `saveAt`. */
  readonly saved: readonly NDArray[];
  /** Evaluations of the field. */
  readonly evaluations: number;
  readonly accepted: number;
  readonly rejected: number;
  /** For each sample the largest error norm of its accepted steps, 1 at the tolerance; absent with `stepSize`. */
  readonly errors?: Float64Array;
}

interface State {
  t: number;
  x: Float64Array;
  slope: Float64Array;
  h: number;
  /** Error norm of the last accepted step. */
  norm: number;
}

function positive(name: string, value: number): number {
  if (!(value > 0 && Number.isFinite(value)))
    throw new RangeError(`${name} of an ODE solver is ${value}; it must be a number above 0.`);
  return value;
}

/** Steps of a fixed size can be counted before the first is taken. */
function requireFew({ count }: FixedSteps, { stepSize, maxSteps = MAX_STEPS }: SolveOptions): void {
  if (count > maxSteps)
    throw new RangeError(
      `A stepSize of ${stepSize} takes ${count} steps, more than maxSteps, ${maxSteps}; take larger ones or allow more.`,
    );
}

class Solving {
  readonly #field: CountedField;
  readonly #tableau;
  readonly #samples: Samples;
  readonly #tolerances;
  readonly #end: number;
  /** Absent where errors choose the steps. */
  readonly #fixed: FixedSteps | undefined;
  readonly #start: NDArray;
  readonly #options: SolveOptions;
  readonly #errors: Float64Array;
  readonly #saved: NDArray[] = [];
  #accepted = 0;
  #rejected = 0;

  constructor(field: VectorField, start: NDArray, [t0, t1]: readonly [number, number], options: SolveOptions) {
    const { solver = 'dopri5', stepSize, rtol = 1e-3, atol = 1e-3, saveAt = [], maxSteps } = options;
    if (stepSize !== undefined && (options.rtol !== undefined || options.atol !== undefined))
      throw new RangeError(`A stepSize of ${stepSize} takes no errors into account; leave out rtol and atol, or it.`);
    for (const [name, value] of Object.entries({ stepSize: stepSize ?? 1, rtol, atol, maxSteps: maxSteps ?? 1 }))
      positive(name, value);
    if (!Number.isFinite(t0) || !Number.isFinite(t1))
      throw new RangeError(`An ODE is solved between two finite times, got ${t0} and ${t1}.`);
    this.#fixed = stepSize === undefined ? undefined : fixedSteps(t0, t1, stepSize);
    if (this.#fixed) requireFew(this.#fixed, options);
    // Where no time passes either direction does, but 0 would let every time through.
    const ahead = t1 < t0 ? -1 : 1;
    const wrong = saveAt.find(
      (at, i) => !(ahead * (at - t0) >= 0 && ahead * (t1 - at) >= 0 && ahead * (at - (saveAt[i - 1] ?? at)) >= 0),
    );
    if (wrong !== undefined)
      throw new RangeError(`saveAt has ${wrong}; its times lie between ${t0} and ${t1}, in that direction.`);
    const count = start.shape[0] ?? 1;
    if (start.data.length === 0) throw new RangeError('An ODE needs at least one value to start from, got none.');
    this.#field = new CountedField(field, start.shape);
    this.#tableau = SOLVERS[solver];
    this.#samples = { count, size: start.data.length / count };
    this.#tolerances = { rtol, atol };
    this.#end = t1;
    this.#start = start;
    this.#options = options;
    this.#errors = new Float64Array(count);
  }

  #standing({ t, x, slope }: State, step: number): Standing {
    return { tableau: this.#tableau, t, end: this.#end, x, slope, step, sampleSize: this.#samples.size };
  }

  async #begin(t: number): Promise<State> {
    const x = Float64Array.from(this.#start.data as Float32Array);
    const slope = t === this.#end ? x : await this.#field.at(t, x);
    const at = { t, x, slope, h: 0, norm: 1 };
    for (const [values, what] of [
      [x, 'the start'],
      [slope, 'the field at the start'],
    ] as const)
      if (firstNonFinite(values) >= 0) throw nonFiniteFailure(this.#standing(at, 0), values, what);
    const h =
      this.#options.stepSize ??
      (t === this.#end
        ? 0
        : await firstStep(this.#field, this.#tableau, { ...at, end: this.#end }, this.#tolerances, this.#samples));
    return { ...at, h };
  }

  /** Moves on, keeping dense output on the way; asks for f at the end when the method or the output needs it. */
  async #accept(state: State, h: number, t: number, trial: Trial): Promise<void> {
    const { saveAt = [], onStep } = this.#options;
    const ahead = Math.sign(h);
    const due = saveAt.slice(this.#saved.length).filter((at) => ahead * (t - at) >= 0);
    const last = t === this.#end;
    const slope = trial.slope ?? (last && due.length === 0 ? trial.x : await this.#field.at(t, trial.x));
    if (firstNonFinite(slope) >= 0) throw nonFiniteFailure(this.#standing(state, h), slope, 'the field');
    const span: Span = {
      t: state.t,
      h: t - state.t,
      ends: [state.x, trial.x],
      slopes: [state.slope, slope],
      bend: trial.bend,
    };
    for (const at of due) this.#saved.push(ndarray(interpolate(span, at), this.#start.shape));
    Object.assign(state, { t, x: trial.x, slope });
    this.#accepted++;
    onStep?.(t);
  }

  /** The next step of a fixed size. None is too small: the last one is what is left. */
  async #march(state: State, { size, endOf }: FixedSteps): Promise<void> {
    const t = endOf(this.#accepted + 1);
    const h = t === this.#end ? t - state.t : size;
    const trial = await trialStep(this.#field, this.#tableau, state, h, false);
    if (firstNonFinite(trial.x) >= 0) throw nonFiniteFailure(this.#standing(state, h), trial.x, 'the field');
    return this.#accept(state, h, t, trial);
  }

  /** One try: accepted, or a smaller step for the next. */
  async #advance(state: State): Promise<void> {
    const left = this.#end - state.t;
    const last = state.h >= Math.abs(left) * (1 - 1e-12);
    const h = last ? left : Math.sign(left) * state.h;
    const t = last ? this.#end : state.t + h;
    if (Math.abs(h) < 16 * Number.EPSILON * Math.max(Math.abs(state.t), Math.abs(this.#end)))
      throw await this.#stuck(state, h, 'step-too-small');
    const trial = await trialStep(this.#field, this.#tableau, state, h, true);
    const { error, x, slope } = trial as Trial & { error: Float64Array };
    const norms = errorNorms(error, [state.x, x], this.#tolerances, this.#samples);
    const broken = [x, slope, error].find((values) => values !== undefined && firstNonFinite(values) >= 0);
    const norm = broken === undefined ? largest(norms) : Infinity;
    const factor = stepFactor(this.#tableau, norm, state.norm);
    state.h = Math.abs(h) * factor;
    if (norm <= 1) {
      norms.forEach((value, sample) => (this.#errors[sample] = Math.max(value, this.#errors[sample] as number)));
      state.norm = Math.max(norm, 1e-4);
      return this.#accept(state, h, t, trial);
    }
    this.#rejected++;
    // A field that ends somewhere looks like this: steps shrink towards its edge and never cross it.
    if (broken !== undefined && state.h < 1e-10 * Math.abs(left))
      throw nonFiniteFailure(this.#standing(state, h), broken, 'the field');
  }

  #stuck(state: State, h: number, reason: 'step-too-small' | 'too-many-steps'): Promise<Error> {
    const steps = this.#accepted + this.#rejected;
    return progressFailure(this.#field, this.#standing(state, h), { reason, steps });
  }

  async run(t0: number): Promise<Solution> {
    const { maxSteps = MAX_STEPS, saveAt = [] } = this.#options;
    const state = await this.#begin(t0);
    while (state.t !== this.#end) {
      if (this.#accepted + this.#rejected >= maxSteps) throw await this.#stuck(state, state.h, 'too-many-steps');
      await (this.#fixed ? this.#march(state, this.#fixed) : this.#advance(state));
    }
    const x = ndarray(state.x, this.#start.shape);
    return {
      x,
      saved: t0 === this.#end ? saveAt.map(() => x) : this.#saved,
      evaluations: this.#field.evaluations,
      accepted: this.#accepted,
      rejected: this.#rejected,
      ...(this.#fixed === undefined && { errors: this.#errors }),
    };
  }
}

/**
 * Solves ẋ = f(t, x) from t₀ to t₁, in either direction. All samples take the same steps; a step is accepted when every
 * sample's own error is within the tolerances.
 *
 * @param field f, as a rule a compiled graph that lets non-finite values through, so that a step too large can be taken back
 * @param start x at t₀, `[samples, ...dims]`
 * @throws SolverError when the end is not reached: where and why; RangeError on options that make no sense
 */
export async function solve(
  field: VectorField,
  start: NDArray,
  [t0, t1]: readonly [number, number],
  options: SolveOptions = {},
): Promise<Solution> {
  return new Solving(field, start, [t0, t1], options).run(t0);
}
