import { classExperiment } from './class-experiment.ts';
import type { Experiment } from './experiment.ts';

/** Longer runs on larger pictures (wFRAME, Fig. 7: energy and response distance over iterations, there at 224×224). */
export const stability: Experiment = classExperiment({
  name: 'stability',
  title: 'Stability: response distance and energy over a long run',
  summary: 'energy and response distance over 100 iterations at 64×64, KL against JKO (wFRAME, Fig. 7)',
  lead: 'The same model for longer, on larger pictures. The paper draws these curves at 224×224; the standard scale here is smaller, --size says it.',
  standard: {
    classes: 'horse',
    seeds: '1',
    images: '4',
    lambda: '0.001',
    flows: 'kl,jko-300,implicit-300',
    size: '64',
    iterations: '100',
  },
  examples: ['brownian reproduce stability', 'brownian reproduce stability --size 224 --images 1 --iterations 200'],
  beside: [],
});
