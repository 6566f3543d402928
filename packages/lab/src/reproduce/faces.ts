import { classExperiment } from './class-experiment.ts';
import type { Experiment } from './experiment.ts';

/** Nine faces at the papers' full setting, FRAME and wFRAME side by side (wFRAME, Fig. 2; generalised GCN, section 5.1). */
export const faces: Experiment = classExperiment({
  name: 'faces',
  title: 'Nine faces at 64×64: FRAME and wFRAME side by side',
  summary: 'nine CelebA faces of 64×64 pixels, T = 100, L = 50: FRAME (kl) beside wFRAME (jko)',
  lead: 'Nine faces at the full setting of the papers: 64×64 pixels, 100 iterations of 50 Langevin steps, λ = 1e-3, δ = .2, σ = .01. kl is FRAME, jko is wFRAME.',
  data: { name: 'celeba', folder: 'celeba', title: 'CelebA' },
  standard: {
    classes: 'all',
    seeds: '1',
    images: '9',
    lambda: '0.001',
    delta: '0.2',
    clip: 'none',
    flows: 'kl,jko',
    size: '64',
    iterations: '100',
    steps: '50',
  },
  examples: [
    'brownian reproduce faces',
    'brownian reproduce faces --data ./img_align_celeba --lambda 0.002 --flows kl,jko,implicit',
  ],
  beside: [],
});
