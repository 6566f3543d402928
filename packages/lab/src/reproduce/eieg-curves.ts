import { memberExperiment } from './eieg-members.ts';
import type { Experiment } from './experiment.ts';

/** Scores of all members while they train (EIEG GAN, section 5.2, Fig. 10 and Table 1). */
export const eiegCurves: Experiment = memberExperiment({
  name: 'eieg-curves',
  title: 'Scores while training: EIEG GAN, DCGAN, WGAN and WGAN-GP',
  summary: 'score against iteration for EIEG GAN and the models it is compared with, and how smooth it is (Fig. 10)',
  lead:
    'All with DCGAN’s networks. A curve that rises smoothly is what the paper claims for EIEG GAN. All have the same time: ' +
    'an iteration of DCGAN and of EIEG GAN is one update of the discriminator, of the others five.',
  members: 'eieg-gan-2,eieg-gan-16,eieg-gan-32,dcgan,wgan,wgan-gp,mmd-gan',
  data: 'mnist,fashion-mnist',
  looks: '16',
  examples: [
    'brownian reproduce eieg-curves',
    'brownian reproduce eieg-curves --data mnist --members eieg-gan-16@300,dcgan@600 --minutes 8',
    'brownian reproduce eieg-curves --data cifar-10 --members eieg-gan-16 --settings "optimizer.learning-rate=2e-4" --network ./inception.onnx',
  ],
});
