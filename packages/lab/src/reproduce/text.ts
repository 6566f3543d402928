import { formatNumber } from '../progress.ts';

/** A number for a table; a dash where there is none, ∞ where it is not finite. */
export function numberText(value: number | null): string {
  if (value === null) return '–';
  if (!Number.isFinite(value)) return '∞';
  return formatNumber(value).replace('-', '−').replace('e+', 'e');
}
