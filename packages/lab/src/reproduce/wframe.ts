import { CIFAR10, classExperiment } from './class-experiment.ts';
import type { Experiment, ReportTable } from './experiment.ts';

/**
 * Response distances of an independent PyTorch implementation of the same model: nine CIFAR-10 images of a class, 32×32, VGG relu2_2, θ per
 * position, L = 20, δ = .2, σ = .01, after 60 iterations (40 for λ ≥ 2e-3), other images of the classes. The paper prints curves, no table.
 */
const INDEPENDENT: ReportTable = {
  title: 'Independent runs of the same model (PyTorch): R',
  rows: [
    ['images, λ', 'KL', 'JKO β 60', 'JKO β 300', 'JKO β 1500', 'JKO β 6000'],
    ['ships (JPEG-compressed copy), 1e-3', '33.6, rising; mean Φ below 0', '20.9', '8.7', '14.5', '–'],
    ['ships (byte-exact), 1e-3', '6.4', '–', '7.7', '–', '–'],
    ['horses, 1e-3', '6.1', '–', '5.6', '–', '–'],
    ['horses, 2e-3', '9.2, Φ falling', '–', '7.6, Φ rising', '–', '–'],
    ['horses, 3e-3', '15,024: diverged', '–', '42, Φ −4e7', '20 to 55, Φ > 0', 'diverges at once'],
    ['horses, 1e-2', 'diverges', '–', 'diverges', '–', '–'],
  ],
  note: 'After 60 iterations, 40 for λ of 2e-3 and more, on other images of the same classes. The paper itself prints curves and pictures for this experiment, no numbers.',
};

/** Whether JKO keeps a model with fixed filters from collapsing where maximum likelihood does (wFRAME, sections 4.1 and 4.2). */
export const wframe: Experiment = classExperiment({
  name: 'wframe',
  title: 'wFRAME: does the JKO flow keep the model from collapsing?',
  summary: 'nine CIFAR-10 images of a class, VGG filters, KL against JKO over λ (wFRAME, Fig. 2, 3 and 7)',
  lead:
    'A model with fixed VGG filters learns nine images of a class. With maximum likelihood (KL) its particles may drift off, R rises again and Φ falls; ' +
    'the JKO flow penalises how fast particles move.',
  data: CIFAR10,
  standard: {
    classes: 'horse,ship,automobile',
    seeds: '1,2',
    images: '9',
    lambda: '0.001,0.0015,0.002,0.003',
    delta: '0.2',
    clip: 'none',
    flows: 'kl,jko,implicit',
    size: '32',
    iterations: '60',
    steps: '20',
  },
  examples: [
    'brownian reproduce wframe',
    'brownian reproduce wframe --classes frog --seeds 1 --lambda 0.002,0.003',
    'brownian reproduce wframe --classes horse,ship --seeds 1 --lambda 0.002 --flows jko-60,jko-1e5,jko-2e5,jko-5e5',
    'brownian reproduce wframe --data ./cifar10 --filters ./vgg16-relu2_2.safetensors --minutes 10',
  ],
  beside: [INDEPENDENT],
});
