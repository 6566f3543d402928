import type { Remedies, Remedy } from './remedy.ts';
import { bounded, clipForce, clipParameters, jko, keepInRange, leaky, noise, slower, smallerStep } from './shared.ts';

const restart: Remedy<'descriptive'> = ({ chains }) => (chains.fresh === 0 ? '--chains.fresh 0.05' : undefined);

/** What helps against what in descriptive models. */
export const DESCRIPTIVE_REMEDIES: Remedies<'descriptive'> = {
  'not finite': [smallerStep, jko, bounded, clipParameters],
  'exploding gradient': [clipParameters, slower, bounded, jko],
  'exploding force': [bounded, jko, clipForce, smallerStep],
  'exploding potential': [bounded, jko, slower],
  'collapsed potential': [leaky, slower, jko],
  'scattered particles': [smallerStep, keepInRange, clipForce, jko],
  'collapsed particles': [noise, restart, jko, smallerStep],
};
