import type { Metrics } from 'brownian';

/** A number per iteration by name; null stands for what is not finite. */
export type Curves = Record<string, (number | null)[]>;

/** Adds the metrics of an iteration to curves, in seven digits. */
export function record(curves: Curves, metrics: Metrics): void {
  for (const [name, value] of Object.entries(metrics))
    (curves[name] ??= []).push(Number.isFinite(value) ? Number(value.toPrecision(7)) : null);
}
