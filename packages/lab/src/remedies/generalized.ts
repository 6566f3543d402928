import { type Remedies, type Remedy, half } from './remedy.ts';
import { bounded, clipForce, clipParameters, jko, keepInRange, leaky, noise, slower, smallerStep } from './shared.ts';

const slowerGenerator: Remedy<'generalized'> = ({ upsampling }) =>
  `--upsampling.learning-rate ${half(upsampling.learningRate)}`;
const rarer: Remedy<'generalized'> = ({ upsampling: { every, learning } }) =>
  learning === 'amortised' ? `--upsampling.every ${2 * every} (fewer updates of the generator)` : undefined;
const pull: Remedy<'generalized'> = ({ hidden }) =>
  hidden.learned && hidden.prior === 0 ? '--hidden.prior 0.01 (latents near N(0, 1))' : undefined;
const reconstruct: Remedy<'generalized'> = ({ upsampling, langevin }) =>
  upsampling.learning === 'amortised'
    ? `--upsampling.learning reconstruction --steps ${Math.max(10, langevin.steps)}`
    : undefined;

/** What helps against what in models with a generator. */
export const GENERALIZED_REMEDIES: Remedies<'generalized'> = {
  'not finite': [pull, slower, jko, clipParameters],
  'exploding gradient': [clipParameters, slower, bounded, jko],
  'exploding force': [jko, bounded, clipForce, slower],
  'exploding potential': [bounded, jko, slower],
  'collapsed potential': [leaky, slower, jko],
  'scattered particles': [keepInRange, slowerGenerator, smallerStep, jko],
  'collapsed particles': [rarer, slowerGenerator, reconstruct, noise],
};
