import { type CountedField, firstNonFinite } from './field.ts';
import type { Tableau } from './tableaux.ts';

/** Why a solver gave up. */
export type SolverFailure = 'stiff' | 'non-finite' | 'step-too-small' | 'too-many-steps';

const REMEDIES: Readonly<Record<SolverFailure, string>> = {
  stiff: 'end earlier, smooth the field or allow more steps (maxSteps)',
  'non-finite': 'start elsewhere, end earlier or train the field further',
  'step-too-small': 'raise rtol and atol or end earlier',
  'too-many-steps': 'raise rtol and atol or allow more steps (maxSteps)',
};

/** A differential equation that could not be solved to its end; the message says where, why and what to do. */
export class SolverError extends Error {
  override readonly name = 'SolverError';
  readonly reason: SolverFailure;
  /** Where and why, a clause without the remedy: whoever asked may name the options of their own that help. */
  readonly seen: string;
  /** How far the solution got. */
  readonly t: number;
  /** The step that was tried there. */
  readonly step: number;

  constructor(reason: SolverFailure, seen: string, at: { readonly t: number; readonly step: number }) {
    super(`${seen}; ${REMEDIES[reason]}.`);
    this.reason = reason;
    this.seen = seen;
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
  const seen =
    `${at.tableau.title} stopped at t = ${short(at.t)} of ${short(at.end)}: ${what} is not a finite number for sample ` +
    `${sample}, with a step of ${short(at.step)}`;
  return new SolverError('non-finite', seen, at);
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
    const seen =
      `${where}: the equation is stiff here (rates of about ${short(radius)} hold the step at ` +
      `${short(Math.abs(at.step))})`;
    return new SolverError('stiff', seen, at);
  }
  const why =
    limit.reason === 'step-too-small'
      ? `the step fell to ${short(at.step)}, too small to change t, as the solution blows up here or the tolerances ` +
        'are below what the field computes exactly'
      : `steps of ${short(at.step)} do not reach the end`;
  return new SolverError(limit.reason, `${where}: ${why}`, at);
}
