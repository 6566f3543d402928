import { type NDArray, float32Data } from '@brownian/graph';
import type { Metrics } from 'brownian';
import { gridOf } from './metric-guide.ts';
import { formatNumber } from './progress.ts';

/** What is wrong with a run. */
export type SymptomKind =
  | 'not finite'
  | 'exploding gradient'
  | 'exploding force'
  | 'exploding potential'
  | 'collapsed potential'
  | 'scattered particles'
  | 'collapsed particles';

/** A sign that training has diverged. */
export interface Symptom {
  readonly kind: SymptomKind;
  /** What was seen, as a clause without a full stop. */
  readonly seen: string;
}

/** What the watch for divergence remembers: numbers by name, which a checkpoint can hold. */
export type Watch = Readonly<Record<string, number>>;

/** A metric that leaves its bounds, iteration after iteration. */
interface Rule {
  readonly kind: SymptomKind;
  readonly metric: keyof typeof NAMES;
  /** Out of bounds is more than this, or less with `below`. */
  readonly factor: number;
  readonly below?: true;
  /** Times what: its recent level, its highest value so far, or 1. */
  readonly of: 'level' | 'peak' | 'one';
  /** Iterations in a row after which it is no accident. */
  readonly patience: number;
}

/** The metrics that are watched, in words. */
const NAMES = {
  parameterGradientNorm: 'the gradient norm of the parameters',
  gradientNorm: 'the force on a particle',
  potentialData: 'Φ at the data',
  potentialParticles: 'Φ at the particles',
  particleSpread: 'the spread of the particles over that of the data',
} as const;

/**
 * The rules, in the order in which they are asked. Single iterations may be far off without harm (Adam divides spikes away,
 * a batch may be odd), so each rule wants several in a row. Bounds are wide: a false alarm ends a run that a person wanted.
 */
export const RULES: readonly Rule[] = [
  { kind: 'exploding gradient', metric: 'parameterGradientNorm', factor: 1000, of: 'level', patience: 5 },
  { kind: 'exploding force', metric: 'gradientNorm', factor: 1000, of: 'level', patience: 5 },
  { kind: 'exploding potential', metric: 'potentialData', factor: 1000, of: 'level', patience: 5 },
  { kind: 'exploding potential', metric: 'potentialParticles', factor: 1000, of: 'level', patience: 5 },
  { kind: 'scattered particles', metric: 'particleSpread', factor: 10, of: 'one', patience: 20 },
  { kind: 'collapsed potential', metric: 'gradientNorm', factor: 1e-6, below: true, of: 'peak', patience: 20 },
  { kind: 'collapsed potential', metric: 'parameterGradientNorm', factor: 1e-9, below: true, of: 'peak', patience: 20 },
  { kind: 'collapsed particles', metric: 'particleSpread', factor: 0.01, below: true, of: 'peak', patience: 20 },
];

/** Values that a level is made of before it counts, and the memory of the level, both in iterations. */
const EXPERIENCE = 5;
const MEMORY = 50;

/** The metric of a rule on each grid that has it: `gradientNorm`, `gradientNorm@7`. */
function onGrids(metric: string, metrics: Metrics): string[] {
  return Object.keys(metrics).filter((name) => gridOf(name)[0] === metric);
}

/** The value that a metric is compared with, or undefined while too little is known of it. */
function referenceOf({ of }: Rule, metric: string, watch: Watch): number | undefined {
  if (of === 'one') return 1;
  if ((watch[`${metric}.seen`] ?? 0) < EXPERIENCE) return undefined;
  return of === 'peak' ? watch[`${metric}.peak`] : Math.exp(watch[`${metric}.level`] ?? 0);
}

/** Notes a value of a metric: its peak, and the mean of its logarithm over the last iterations. */
function learn(watch: Record<string, number>, metric: string, size: number): void {
  if (size === 0) return;
  const seen = watch[`${metric}.seen`] ?? 0;
  const before = watch[`${metric}.level`] ?? 0;
  watch[`${metric}.seen`] = seen + 1;
  // A plain mean at first, then an exponential one.
  watch[`${metric}.level`] = before + (Math.log(size) - before) / Math.min(seen + 1, MEMORY);
  watch[`${metric}.peak`] = Math.max(watch[`${metric}.peak`] ?? 0, size);
}

function seenText(
  { metric, below, factor, of, patience }: Rule,
  name: string,
  size: number,
  reference: number,
): string {
  const usual = formatNumber(reference);
  const times = { level: ` times its usual ${usual}`, peak: ` times its highest, ${usual}`, one: '' }[of];
  const side = below === true ? 'below' : 'above';
  const height = gridOf(name)[1];
  const where = height === null ? '' : ` on the grid of ${height} pixels`;
  return `${NAMES[metric]}${where} has been ${side} ${factor}${times} for ${patience} iterations, and is ${formatNumber(size)}`;
}

/**
 * Looks at what an iteration measured.
 *
 * @param watch what is known so far; `{}` at the start of a run.
 * @returns what is known now, and a symptom when training has diverged.
 */
export function observe(watch: Watch, metrics: Metrics): [watch: Watch, symptom: Symptom | undefined] {
  const bad = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
  if (bad !== undefined) return [watch, { kind: 'not finite', seen: `the metric "${bad[0]}" is ${bad[1]}` }];
  const next: Record<string, number> = { ...watch };
  const strange = new Set<string>();
  for (const each of RULES)
    for (const name of onGrids(each.metric, metrics)) {
      const size = Math.abs(metrics[name] as number);
      const reference = referenceOf(each, name, watch);
      const bound = reference === undefined ? undefined : reference * each.factor;
      const out = bound !== undefined && (each.below === true ? size < bound : size > bound);
      const key = `${each.kind}: ${name}`;
      const row = out ? (watch[key] ?? 0) + 1 : 0;
      next[key] = row;
      if (out) strange.add(name);
      if (row >= each.patience) return [next, { kind: each.kind, seen: seenText(each, name, size, reference ?? 0) }];
    }
  // What is out of bounds must not become the usual.
  for (const name of Object.keys(NAMES).flatMap((metric) => onGrids(metric, metrics)))
    if (!strange.has(name)) learn(next, name, Math.abs(metrics[name] as number));
  return [next, undefined];
}

/** Whether nothing was out of bounds at that moment: a checkpoint that a rollback may go to. */
export function isCalm(watch: Watch): boolean {
  const rows = new Set(RULES.map(({ kind }) => kind));
  return Object.entries(watch).every(([key, row]) => row === 0 || !rows.has(key.split(': ')[0] as SymptomKind));
}

/** Root mean square distance of items from their mean. `[n, ...item]` */
function spread(items: NDArray): number {
  const n = items.shape[0] ?? 0;
  const data = float32Data(items);
  const size = data.length / n;
  const sums = new Float64Array(size);
  let squares = 0;
  for (let at = 0; at < data.length; at += size) {
    for (let i = 0; i < size; i++) {
      const value = data[at + i] as number;
      (sums[i] as number) += value;
      squares += value * value;
    }
  }
  const means = sums.reduce((total, sum) => total + (sum / n) ** 2, 0);
  return Math.sqrt(Math.max(0, squares / n - means));
}

/**
 * How widely particles are spread, over how widely data are: 1 when both vary alike, 0 when all particles are the same.
 *
 * @param particles `[particles, ...item]`
 * @param data `[batch, ...item]`
 * @returns undefined when one item or equal data leave nothing to compare.
 */
export function particleSpread(particles: NDArray, data: NDArray): number | undefined {
  if ((particles.shape[0] ?? 0) < 2 || (data.shape[0] ?? 0) < 2) return undefined;
  const reference = spread(data);
  return reference === 0 ? undefined : spread(particles) / reference;
}
