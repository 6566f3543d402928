import { stableBeta } from 'brownian';
import type { Remedies, Remedy } from './remedy.ts';
import {
  bounded,
  clipForce,
  clipParameters,
  keepInRange,
  jko as learnedJko,
  leaky,
  noise,
  slower,
  smallerStep,
} from './shared.ts';

// With fixed filters a larger β than that of the rule is itself unstable.
const fixedJko: Remedy<'descriptive'> = ({ flow, langevin }) => {
  if (flow.beta === 0) return `--flow.beta ${stableBeta(langevin)} (the JKO flow)`;
  return flow.implicitSteps === 0 ? '--flow.implicit-steps 3' : undefined;
};
const jko: Remedy<'descriptive'> = (config) =>
  config.model === 'pgcn' || config.model === 'w-pgcn' ? fixedJko(config) : learnedJko(config);

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
