import type { Dataset } from 'brownian';
import { nearest } from '../config/suggest.ts';
import { UserError } from '../errors.ts';
import { METRICS, type MetricName, OTHER_METRICS } from './metric-table.ts';

const NAMES: readonly string[] = Object.keys(METRICS);

function isMetric(name: string): name is MetricName {
  return Object.hasOwn(METRICS, name);
}

/** Metrics from a list such as `fid,kid`. @throws UserError for a name that is none, with what was probably meant. */
export function parseMetrics(list: string): MetricName[] {
  const names = list
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const metrics = names.map((name) => {
    if (isMetric(name)) return name;
    const why = OTHER_METRICS[name];
    if (why !== undefined)
      throw new UserError(`The metric "${name}" is none of sets of samples: ${why}.`, { exitCode: 2 });
    const guess = nearest(name, NAMES);
    const hint = guess === undefined ? `the metrics are ${NAMES.join(', ')}.` : `did you mean "${guess}"?`;
    throw new UserError(`There is no metric "${name}"; ${hint}`, { exitCode: 2 });
  });
  if (metrics.length === 0)
    throw new UserError(`--metrics is empty; the metrics are ${NAMES.join(', ')}.`, { exitCode: 2 });
  return [...new Set(metrics)];
}

/** A whole number of a flag. @throws UserError naming the flag, the text and the bounds. */
export function wholeNumber(flag: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= low && value <= high) return value;
  throw new UserError(`${flag} is ${JSON.stringify(text)}; it must be a whole number from ${low} to ${high}.`);
}

/** How many items of a data set. @throws UserError when the data have fewer, or too few to compare. */
export function itemCount(flag: string, text: string | undefined, data: Dataset, most: number): number {
  if (text === undefined) return Math.min(data.size, most);
  const count = wholeNumber(flag, text, 2, 10_000_000);
  if (count > data.size)
    throw new UserError(`${flag} is ${count}, and "${data.name}" has only ${data.size} items; give at most that many.`);
  return count;
}

/** What is measured when the user does not say: of points, of images with a classifier, of images with another network. */
export function defaultMetrics(facts: {
  readonly points: boolean;
  readonly modes: boolean;
  readonly classes: boolean;
}): MetricName[] {
  if (facts.points) return ['sw', 'mmd', 'eieg', ...(facts.modes ? (['modes'] as const) : [])];
  return [...(facts.classes ? (['is'] as const) : []), 'fid', 'kid', 'pr'];
}

/** A line for each metric, for the help of the command. */
export function metricsHelp(): string {
  return Object.entries(METRICS)
    .map(([name, { title }]) => `  ${name.padEnd(6)} ${title}`)
    .join('\n');
}
