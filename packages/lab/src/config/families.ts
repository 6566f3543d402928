import type { Family } from 'brownian';
import { ADVERSARIAL_CONFIG } from './families/adversarial.ts';
import { DESCRIPTIVE_CONFIG } from './families/descriptive.ts';
import { GENERALIZED_CONFIG } from './families/generalized.ts';
import { VARIATIONAL_CONFIG } from './families/variational.ts';
import type { FamilyConfig } from './family-config.ts';

/** How the options of each family are read, checked and completed. */
export const FAMILY_CONFIGS: { readonly [F in Family]: FamilyConfig<F> } = {
  descriptive: DESCRIPTIVE_CONFIG,
  adversarial: ADVERSARIAL_CONFIG,
  generalized: GENERALIZED_CONFIG,
  variational: VARIATIONAL_CONFIG,
};

/** How the options of one family are read, checked and completed. */
export function familyConfig<F extends Family>(family: F): FamilyConfig<F> {
  return FAMILY_CONFIGS[family];
}
