import type { NDArray, Tree } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';

/** A named result and how far a peer's may be from it: rms(ours − theirs) ≤ tolerance · rms(theirs). */
export interface Checked {
  readonly value: NDArray;
  readonly tolerance: number;
}

/** What one step gave, and the random draws it made in their order, for a peer to repeat it. */
export interface Check {
  readonly draws: readonly NDArray[];
  readonly results: Readonly<Record<string, Checked>>;
}

/** A workload made ready on a runtime. */
export interface Case {
  /** What a peer needs to do the same: parameters, data, the first batch. */
  readonly given: Tree<NDArray>;
  /** Goes on by one timed step, or by {@link Workload.repeats} of them. */
  step(): Promise<unknown>;
  /** Goes back to the initial state, so that long runs do not wander off. */
  reset(): void;
  /** One step from {@link given}; a peer's twin returns the same names. */
  check(): Promise<Check>;
  dispose(): Promise<void>;
}

/** One line of the benchmark. Its twin in `peers/` has the same name. */
export interface Workload {
  readonly name: string;
  /** What it is, for the table. */
  readonly title: string;
  /** Numbers that the twins need besides arrays. */
  readonly settings: Readonly<Record<string, number | readonly number[]>>;
  /** Steps in one call of {@link Case.step}; times are per step. Default 1. */
  readonly repeats?: number;
  setup(runtime: Runtime): Promise<Case>;
}

/** rms tolerance of losses and gradients in float32: sums of 10⁵ to 10⁷ terms, taken in different orders. */
export const FLOAT32_TOLERANCE = 1e-3;
/**
 * rms tolerance of a change made by Adam. Its first step is ±rate by the sign of the gradient, so an element whose gradient is
 * zero to rounding may go either way: 1 in 1,000 such elements gives 2·√.001 = .06.
 */
export const SIGN_TOLERANCE = 0.1;
