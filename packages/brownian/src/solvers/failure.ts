import { type CountedField, firstNonFinite } from './field.ts';
import type { Tableau } from './tableaux.ts';

/** Why a solver gave up. */
export type SolverFailure = 'stiff' | 'non-finite' | 'step-too-small' | 'too-many-steps';

/** A differential equation that could not be solved to its end; the message says where, why and what to do. */
export class SolverError extends Error {
  override readonly name = 'SolverError';
  readonly reason: SolverFailure;
  /** How far the solution got. */
  readonly t: number;
  /** The step that was tried there. */
  readonly step: number;

  constructor(reason: SolverFailure, message: string, at: { readonly t: number; readonly step: number }) {
    super(message);
    this.reason = reason;
    this.t = at.t;
    this.step = at.step;
  }
}

/** Where a solver stands when it gives up. */
export interface Standing {
  readonly tableau: Tableau;
  readonly t: number;
  readonly end: number;
  readonly x: Float64Array;
  readonly slope: Float64Array;
  readonly step: number;
  /** Values of one sample. */
  readonly sampleSize: number;
}

/** Times and step sizes as messages show them. */
function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** The error of values that are NaN or infinite: `values` are those, and `what` they are. */
export function nonFiniteFailure(at: Standing, values: Float64Array, what: string): SolverError {
  const index = firstNonFinite(values);
  const sample = Math.floor(index / at.sampleSize);
  const message =
    `${at.tableau.title} stopped at t = ${short(at.t)} of ${short(at.end)}: ${what} is not a finite number for sample ` +
    `${sample}, with a step of ${short(at.step)}; start elsewhere, end earlier or train the field further.`;
  return new SolverError('non-finite', message, at);
}

function norm(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}

/** The largest eigenvalue of ∂f/∂x by size, roughly: a few power iterations with differences of f. */
async function spectralRadius(field: CountedField, { t, x, slope }: Standing): Promise<number> {
  const size = 1e-4 * (1 + norm(x));
  let direction = slope.map((value, i) => value + (i % 2 === 0 ? 1 : -1) * 1e-3 * (1 + Math.abs(value)));
  let radius = 0;
  for (let i = 0; i < 8; i++) {
    const scale = size / norm(direction);
    const there = await field.at(
      t,
      x.map((value, j) => value + scale * (direction[j] as number)),
    );
    direction = there.map((value, j) => value - (slope[j] as number));
    radius = norm(direction) / size;
    if (!Number.isFinite(radius) || radius === 0) return 0;
  }
  return radius;
}

/** Explicit methods are stable for |hλ| below about 2 to 4: steps that sit there are held by stability, not by accuracy. */
const STIFF = 1;

/**
 * Why there is no end in sight: an explicit method whose steps are as large as stability allows is fighting stiffness; steps
 * that are far smaller are what the tolerances ask for.
 */
export async function progressFailure(
  field: CountedField,
  at: Standing,
  limit: { readonly reason: 'step-too-small' | 'too-many-steps'; readonly steps: number },
): Promise<SolverError> {
  const radius = await spectralRadius(field, at);
  const where = `${at.tableau.title} stopped at t = ${short(at.t)} of ${short(at.end)} after ${limit.steps} steps`;
  if (limit.reason === 'too-many-steps' && radius * Math.abs(at.step) > STIFF) {
    const message =
      `${where}: the equation is stiff here (rates of about ${short(radius)} hold the step at ` +
      `${short(Math.abs(at.step))}); end earlier, smooth the field or allow more steps.`;
    return new SolverError('stiff', message, at);
  }
  const why =
    limit.reason === 'step-too-small'
      ? `the step fell to ${short(at.step)}, too small to change t; the solution may blow up here, or the tolerances ` +
        'are below what the field computes exactly: raise rtol and atol'
      : `steps of ${short(at.step)} do not reach the end; raise rtol and atol or allow more steps`;
  return new SolverError(limit.reason, `${where}: ${why}.`, at);
}
