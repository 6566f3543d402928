import { type Remedies, type Remedy, half } from './remedy.ts';

const smallerStep: Remedy<'descriptive'> = ({ langevin }) =>
  `--langevin.delta ${half(langevin.delta)} (a smaller step)`;
const slower: Remedy<'descriptive'> = ({ optimizer }) => `--learning-rate ${half(optimizer.learningRate)}`;
const jko: Remedy<'descriptive'> = ({ flow }) =>
  flow.beta === 0 ? '--flow.beta 60 (the JKO flow)' : `--flow.beta ${Number((2 * flow.beta).toPrecision(2))}`;
const bounded: Remedy<'descriptive'> = ({ flow }) =>
  flow.energyL2 === 0
    ? '--flow.energy-l2 0.1 (L2 on Φ)'
    : `--flow.energy-l2 ${Number((3 * flow.energyL2).toPrecision(1))}`;
const clipParameters: Remedy<'descriptive'> = ({ optimizer }) =>
  optimizer.gradientClip === null ? '--optimizer.gradient-clip 1' : undefined;
const clipForce: Remedy<'descriptive'> = ({ langevin }) =>
  langevin.gradientClip === null && langevin.maxDisplacement === null ? '--langevin.max-displacement 0.1' : undefined;
// Images lie in [-1, 1]; points lie anywhere.
const keepInRange: Remedy<'descriptive'> = ({ langevin, potential }) =>
  langevin.clip === null && potential.net !== 'mlp' ? '--langevin.clip -1,1' : undefined;
const noise: Remedy<'descriptive'> = ({ langevin }) =>
  langevin.temperature === 0 ? '--langevin.temperature 1' : undefined;
const restart: Remedy<'descriptive'> = ({ chains }) => (chains.fresh === 0 ? '--chains.fresh 0.05' : undefined);
const leaky: Remedy<'descriptive'> = ({ potential }) =>
  potential.activation === 'relu' && potential.net !== 'gabor' ? '--potential.activation leakyRelu' : undefined;

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
