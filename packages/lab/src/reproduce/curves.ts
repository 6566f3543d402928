import type { Metrics } from 'brownian';

/** A number per iteration by name; null stands for what is not finite. */
export type Curves = Record<string, (number | null)[]>;

/** Points of a long curve that are kept. */
const KEPT = 200;

/** Adds the metrics of an iteration to curves, in seven digits. */
export function record(curves: Curves, metrics: Metrics): void {
  for (const [name, value] of Object.entries(metrics))
    (curves[name] ??= []).push(Number.isFinite(value) ? Number(value.toPrecision(7)) : null);
}

function thinned(values: readonly (number | null)[]): (number | null)[] {
  const size = Math.ceil(values.length / KEPT);
  return Array.from({ length: Math.ceil(values.length / size) }, (_, i) => {
    const part = values.slice(i * size, (i + 1) * size);
    return part.includes(null) ? null : part.reduce<number>((sum, value) => sum + (value ?? 0), 0) / part.length;
  });
}

/** Curves of at most 200 points: means of neighbours, null where one of them is. */
export function thin(curves: Curves): Curves {
  return Object.fromEntries(Object.entries(curves).map(([name, values]) => [name, thinned(values)]));
}
