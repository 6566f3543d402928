import type { Experiment } from './experiment.ts';
import { faces } from './faces.ts';
import { fewSample } from './few-sample.ts';
import { multigrid } from './multigrid.ts';
import { stability } from './stability.ts';
import { texture } from './texture.ts';
import { wframe } from './wframe.ts';

/** The experiments that `brownian reproduce` knows. */
export const EXPERIMENTS: readonly Experiment[] = [wframe, faces, stability, fewSample, multigrid, texture];
