import { formatNumber } from '../progress.ts';

/** A number for a table; a dash where there is none, ∞ where it is not finite. */
export function numberText(value: number | null): string {
  if (value === null) return '–';
  if (!Number.isFinite(value)) return '∞';
  return formatNumber(value).replace('-', '−').replace('e+', 'e');
}

/** Mean ± sample standard deviation; the number alone when there is one, a dash when there is none or one is missing. */
export function spreadText(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0 || known.length < values.length) return '–';
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  if (known.length === 1) return numberText(mean);
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1);
  return `${numberText(mean)} ± ${numberText(Math.sqrt(variance))}`;
}
