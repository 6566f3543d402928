import { formatNumber } from '../progress.ts';
import { type Score, describeProvenance } from '../runs/scores.ts';

/** A score's value as people read it, with the spread between subsets if there is one. */
export function scoreText({ value, error }: Pick<Score, 'value' | 'error'>): string {
  if (value === null) return '∞';
  const text = Number.isInteger(value) ? value.toLocaleString('en-US') : formatNumber(value);
  return error === null ? text : `${text} ± ${formatNumber(error)}`;
}

/** Scores as lines of a table, and under it with what they were measured; scores that share that stand together. */
export function scoreLines(scores: readonly Score[]): string[] {
  const width = Math.max(...scores.map(({ name }) => name.length));
  const values = scores.map(scoreText);
  const valueWidth = Math.max(...values.map((text) => text.length));
  const rows = scores.map(({ name, note }, i) =>
    `${name.padEnd(width)}  ${(values[i] as string).padStart(valueWidth)}  ${note}`.trimEnd(),
  );
  const facts = scores.map(({ provenance }) => describeProvenance(provenance));
  const sources = [...new Set(facts)].map((text) => {
    const names = [...new Set(scores.filter((_, i) => facts[i] === text).map(({ name }) => name))];
    return `${names.join(', ')}: ${text}`;
  });
  const networks = scores.some(({ provenance }) => provenance.network !== null);
  return [...rows, '', ...sources, ...(networks ? ['Only scores by the same network compare.'] : [])];
}
