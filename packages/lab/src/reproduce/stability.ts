import { CIFAR10, classExperiment } from './class-experiment.ts';
import type { Experiment } from './experiment.ts';

/** Which runs collapse when λ and δ leave the safe range, with and without weight clipping (wFRAME, Fig. 3). */
export const stability: Experiment = classExperiment({
  name: 'stability',
  title: 'Stability: which runs collapse when λ and δ leave the safe range',
  summary: 'KL against JKO over λ × δ, with and without weight clipping (wFRAME, Fig. 3)',
  lead:
    'The paper alters λ and δ to an insecure range, turns weight clipping on and off and changes the size of images, and shows pictures. Here the same is ' +
    'counted: a run collapsed by the definition under the table, not by eye.',
  data: CIFAR10,
  standard: {
    classes: 'horse',
    seeds: '1',
    images: '4',
    lambda: '0.0003,0.001,0.003,0.01',
    delta: '0.1,0.2,0.3,0.4',
    clip: 'none,1',
    flows: 'kl,jko,implicit',
    size: '32',
    iterations: '30',
    steps: '20',
  },
  examples: [
    'brownian reproduce stability',
    'brownian reproduce stability --size 64 --lambda 0.001,0.003 --delta 0.2,0.3 --clip none',
    'brownian reproduce stability --size 224 --images 1 --lambda 0.001 --delta 0.2 --clip none --iterations 200',
  ],
  beside: [],
});
