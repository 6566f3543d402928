import type { TrialResult } from './trial.ts';

/** Iterations at the end over which the worst response distance is taken. */
export const LAST = 20;

function finiteValues(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

/** What the stability experiments say of a run (METHODS of wFRAME, section 4: response distance and mean Φ). */
export interface StabilityMeasures {
  /** R after the last iteration; null when it is not finite. */
  readonly finalDistance: number | null;
  /** Largest R of the last {@link LAST} iterations; null when one is not finite. */
  readonly worstDistance: number | null;
  /** Mean R of the last {@link LAST} iterations, which one noisy iteration does not decide; null when one is not finite. */
  readonly meanDistance: number | null;
  readonly leastDistance: number | null;
  /** Mean Φ of the particles in the last iteration. */
  readonly meanPotential: number | null;
  /** 1 when the run collapsed, else 0. */
  readonly collapsed: 0 | 1;
}

/**
 * Judges a run: it collapsed when numbers are not finite, when mean Φ ends below 0, or when R ends above twice its least value.
 *
 * Source: the signs of collapse in wFRAME, section 4.1 (R rises again, Φ falls).
 */
export function stabilityOf({ curves, stopped }: Pick<TrialResult, 'curves' | 'stopped'>): StabilityMeasures {
  const distances = curves['responseDistance'] ?? [];
  const last = distances.slice(-LAST);
  const broken = stopped !== '';
  const finalDistance = broken ? null : (distances.at(-1) ?? null);
  const worstDistance = broken || last.length === 0 || last.includes(null) ? null : Math.max(...finiteValues(last));
  const meanDistance = worstDistance === null ? null : finiteValues(last).reduce((a, b) => a + b, 0) / last.length;
  const least = finiteValues(distances);
  const leastDistance = least.length === 0 ? null : Math.min(...least);
  const meanPotential = broken ? null : (curves['potentialParticles']?.at(-1) ?? null);
  const sound =
    finalDistance !== null &&
    worstDistance !== null &&
    leastDistance !== null &&
    meanPotential !== null &&
    meanPotential >= 0 &&
    finalDistance <= 2 * leastDistance;
  return { finalDistance, worstDistance, meanDistance, leastDistance, meanPotential, collapsed: sound ? 0 : 1 };
}

/** The most memory that this process has held so far, in megabytes (10⁶ bytes): what the operating system counts as resident. */
export function peakMemory(): number {
  return Math.round((process.resourceUsage().maxRSS * 1024) / 1e6);
}

/** The median of the last {@link LAST} values; null when one of them is not finite or there are none. */
export function medianOfLast(values: readonly (number | null)[] = []): number | null {
  const last = values.slice(-LAST);
  if (last.length === 0 || last.includes(null)) return null;
  const sorted = finiteValues(last).toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
}
