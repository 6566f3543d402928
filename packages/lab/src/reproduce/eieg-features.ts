import { memberExperiment } from './eieg-members.ts';
import type { Experiment } from './experiment.ts';

/** EIEG GAN by the number of features (EIEG GAN, section 5.3, Fig. 13 and 14). */
export const eiegFeatures: Experiment = memberExperiment({
  name: 'eieg-features',
  title: 'EIEG GAN with 2, 16 and 32 features',
  summary: 'EIEG GAN by the number of features: scores, samples, and pictures of the features (Fig. 13 and 14)',
  lead: 'The elastic discriminator gives every image a few numbers, in which generated and real images are compared. The paper finds that more of them are better.',
  members: 'eieg-gan-2,eieg-gan-16,eieg-gan-32',
  data: 'mnist,fashion-mnist',
  looks: '8',
  examples: [
    'brownian reproduce eieg-features',
    'brownian reproduce eieg-features --data mnist --members eieg-gan-2@300,eieg-gan-16@300 --samples 500',
  ],
});
