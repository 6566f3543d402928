import { type Family, familyOf } from 'brownian';
import type { RunConfig } from '../config/run-config.ts';
import type { Symptom } from '../divergence.ts';
import { ADVERSARIAL_REMEDIES } from './adversarial.ts';
import { DESCRIPTIVE_REMEDIES } from './descriptive.ts';
import { GENERALIZED_REMEDIES } from './generalized.ts';
import { VARIATIONAL_REMEDIES } from './variational.ts';
import type { Remedies, Remedy } from './remedy.ts';

/** What helps a run of each family. */
const REMEDIES: { readonly [F in Family]: Remedies<F> } = {
  descriptive: DESCRIPTIVE_REMEDIES,
  adversarial: ADVERSARIAL_REMEDIES,
  generalized: GENERALIZED_REMEDIES,
  variational: VARIATIONAL_REMEDIES,
};

function remediesOf<F extends Family>(family: F): Remedies<F> {
  return REMEDIES[family];
}

const SHOWN = 3;

/** Options that may help a run that diverged, as flags: those that fit what was seen and what is not set already. */
export function remediesFor({ kind }: Symptom, config: RunConfig): string[] {
  const remedies: readonly Remedy<Family>[] = remediesOf(familyOf(config.model))[kind];
  return remedies.flatMap((remedy) => remedy(config) ?? []).slice(0, SHOWN);
}

/** "a", "a or b", "a, b or c". */
function either(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1) ?? ''}`;
}

/**
 * Why a run was ended and what to do, in one sentence.
 *
 * @param iteration the one in which it diverged.
 * @param rollbacks how often it had been rolled back.
 * @param good the iteration of the last good checkpoint; 0 for the beginning.
 */
export function explainDivergence(
  symptom: Symptom,
  config: RunConfig,
  { iteration, rollbacks, good }: { readonly iteration: number; readonly rollbacks: number; readonly good: number },
): string {
  const again = rollbacks === 0 ? '' : ` after ${rollbacks} ${rollbacks === 1 ? 'rollback' : 'rollbacks'}`;
  const place = good === 0 ? 'its beginning' : `the good checkpoint of iteration ${good}`;
  const resume =
    rollbacks === 0
      ? `, or resume it with --on-divergence rollback, which goes back to ${place} and draws other noise`
      : '';
  return (
    `Training diverged in iteration ${iteration}${again} (${symptom.seen}); ` +
    `train anew with ${either(remediesFor(symptom, config))}${resume}.`
  );
}
