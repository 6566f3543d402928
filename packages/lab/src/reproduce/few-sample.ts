import { CIFAR10, classExperiment } from './class-experiment.ts';
import type { Experiment } from './experiment.ts';

/**
 * Models with fixed filters on ever fewer images of a class. The few-sample table of generalised GCN compares its own model with DCGAN; neither is
 * part of this experiment.
 */
export const fewSample: Experiment = classExperiment({
  name: 'few-sample',
  title: 'Few samples: how few images are enough',
  summary: 'learns 1, 4, 9 and 25 images of a class with fixed filters (after generalised GCN, few-sample training)',
  lead: 'The same model on ever fewer images, with a particle per image. The comparison of the paper with DCGAN is not part of it.',
  data: CIFAR10,
  standard: {
    classes: 'horse',
    seeds: '1',
    images: '1,4,9,25',
    lambda: '0.001',
    delta: '0.2',
    clip: 'none',
    flows: 'kl,jko,implicit',
    size: '32',
    iterations: '60',
    steps: '20',
  },
  examples: ['brownian reproduce few-sample', 'brownian reproduce few-sample --images 1,100 --classes ship,frog'],
  beside: [],
});
