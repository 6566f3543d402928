import type { Family } from 'brownian';
import type { RunConfigOf } from '../config/run-config.ts';
import type { SymptomKind } from '../divergence.ts';

/** An option to try, as a flag; undefined when the run has it already. */
export type Remedy<F extends Family> = (config: RunConfigOf<F>) => string | undefined;

/** What helps against what, the likeliest first. */
export type Remedies<F extends Family> = Readonly<Record<SymptomKind, readonly Remedy<F>[]>>;

/** Half of a number, with two digits. */
export function half(value: number): string {
  return String(Number((value / 2).toPrecision(2)));
}
