import type { Family } from 'brownian';
import { DESCRIPTIVE_CONFIG } from './families/descriptive.ts';
import type { FamilyConfig } from './family-config.ts';

/** How the options of each family are read, checked and completed. */
export const FAMILY_CONFIGS: { readonly [F in Family]: FamilyConfig<F> } = {
  descriptive: DESCRIPTIVE_CONFIG,
};
