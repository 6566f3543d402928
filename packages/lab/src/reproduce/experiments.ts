import { eiegGaussians } from './eieg-25-gaussians.ts';
import { eiegCollapse } from './eieg-collapse.ts';
import { eiegCurves } from './eieg-curves.ts';
import { eiegFeatures } from './eieg-features.ts';
import { eiegParticles } from './eieg-particles.ts';
import type { Experiment } from './experiment.ts';
import { faces } from './faces.ts';
import { fewSample } from './few-sample.ts';
import { gcnMnist } from './gcn-mnist.ts';
import { ggcnInpainting } from './ggcn-inpainting.ts';
import { ggcnInterpolation } from './ggcn-interpolation.ts';
import { ggcnTable2 } from './ggcn-table2.ts';
import { multigrid } from './multigrid.ts';
import { stability } from './stability.ts';
import { texture } from './texture.ts';
import { vapo2d } from './vapo-2d.ts';
import { vapoImages } from './vapo-images.ts';
import { vapoOod } from './vapo-ood.ts';
import { vapoSensitivity } from './vapo-sensitivity.ts';
import { wframe } from './wframe.ts';

/** The experiments that `brownian reproduce` knows. */
export const EXPERIMENTS: readonly Experiment[] = [
  wframe,
  faces,
  stability,
  fewSample,
  gcnMnist,
  ggcnTable2,
  ggcnInpainting,
  ggcnInterpolation,
  multigrid,
  texture,
  vapo2d,
  vapoImages,
  vapoOod,
  vapoSensitivity,
  eiegGaussians,
  eiegCollapse,
  eiegFeatures,
  eiegCurves,
  eiegParticles,
];
