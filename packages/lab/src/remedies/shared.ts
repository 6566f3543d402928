import { stableBeta } from 'brownian';
import { half } from './remedy.ts';
import type { RunConfigOf } from '../config/run-config.ts';

/** A remedy of every family that has a potential and Langevin dynamics. */
type Shared = (config: RunConfigOf<'descriptive' | 'generalized'>) => string | undefined;

/** Half the step δ. */
export const smallerStep: Shared = ({ langevin }) => `--langevin.delta ${half(langevin.delta)} (a smaller step)`;
/** Half the learning rate. */
export const slower: Shared = ({ optimizer }) => `--learning-rate ${half(optimizer.learningRate)}`;
/** The JKO flow, or more of it. */
export const jko: Shared = ({ flow, langevin }) =>
  flow.beta === 0
    ? `--flow.beta ${stableBeta(langevin)} (the JKO flow)`
    : `--flow.beta ${Number((2 * flow.beta).toPrecision(2))}`;
/** L2 on Φ, or more of it. */
export const bounded: Shared = ({ flow }) =>
  flow.energyL2 === 0
    ? '--flow.energy-l2 0.1 (L2 on Φ)'
    : `--flow.energy-l2 ${Number((3 * flow.energyL2).toPrecision(1))}`;
/** Clipping of the gradient of the parameters. */
export const clipParameters: Shared = ({ optimizer }) =>
  optimizer.gradientClip === null ? '--optimizer.gradient-clip 1' : undefined;
/** A limit on what one step moves. */
export const clipForce: Shared = ({ langevin }) =>
  langevin.gradientClip === null && langevin.maxDisplacement === null ? '--langevin.max-displacement 0.1' : undefined;
// Images lie in [-1, 1]; points lie anywhere.
/** Particles within the range of images. */
export const keepInRange: Shared = ({ langevin, potential }) =>
  langevin.clip === null && potential.net !== 'mlp' ? '--langevin.clip -1,1' : undefined;
/** Noise in the sampler. */
export const noise: Shared = ({ langevin }) => (langevin.temperature === 0 ? '--langevin.temperature 1' : undefined);
/** An activation that lets gradients through. */
export const leaky: Shared = ({ potential }) =>
  potential.activation === 'relu' && potential.net !== 'gabor' ? '--potential.activation leakyRelu' : undefined;
