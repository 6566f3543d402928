import { type Remedies, type Remedy, half } from './remedy.ts';

const slower: Remedy<'variational'> = ({ optimizer }) => `--learning-rate ${half(optimizer.learningRate)}`;
const clipParameters: Remedy<'variational'> = ({ optimizer }) =>
  optimizer.gradientClip === null ? '--optimizer.gradient-clip 1' : undefined;
const warm: Remedy<'variational'> = ({ optimizer }) =>
  optimizer.warmup === 0 ? '--optimizer.warmup 200 (a gentler start)' : undefined;
const bounded: Remedy<'variational'> = ({ flow }) =>
  `--flow.poincare ${flow.poincare === 0 ? '1e-4' : Number((10 * flow.poincare).toPrecision(1))} (smaller values of Φ)`;
const calm: Remedy<'variational'> = ({ flow }) =>
  flow.estimator === 'covariance' ? '--flow.estimator stein (less noise)' : undefined;
const wider: Remedy<'variational'> = ({ path }) =>
  `--path.data-std ${Number((2 * path.dataStd).toPrecision(2))} (a less steep end of the path)`;
const stronger: Remedy<'variational'> = ({ potential }) => `--potential.gain ${10 * potential.gain}`;
const smooth: Remedy<'variational'> = ({ potential }) =>
  potential.activation === 'relu' || potential.activation === 'leakyRelu' ? '--potential.activation silu' : undefined;
const smallerSteps: Remedy<'variational'> = ({ preview }) =>
  `--preview.steps ${2 * preview.steps} (smaller Euler steps)`;

/** What helps against what in variational models. */
export const VARIATIONAL_REMEDIES: Remedies<'variational'> = {
  'not finite': [slower, warm, clipParameters, wider],
  'exploding gradient': [clipParameters, calm, slower],
  'exploding force': [slower, wider, clipParameters],
  'exploding potential': [bounded, slower],
  'collapsed potential': [smooth, stronger, slower],
  'scattered particles': [smallerSteps, wider, slower],
  'collapsed particles': [smallerSteps, wider, slower],
};
