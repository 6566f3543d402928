import { createStream } from '@brownian/runtime';
import { imageDataset } from '../../src/data/dataset.ts';
import { toyDataset } from '../../src/data/toy2d/table.ts';
import type { Dataset } from '../../src/interfaces.ts';
import type { AdversarialLearnerOptions, AdversarialLossName } from '../../src/learners/adversarial-options.ts';
import { MODELS, type ModelName } from '../../src/learners/presets.ts';

/** A learner at a size that the float64 interpreter steps in milliseconds. */
export interface AdversarialCase {
  readonly label: string;
  readonly model: ModelName<'adversarial'>;
  readonly data: Dataset;
  readonly options: AdversarialLearnerOptions;
  /** What `brownian report` draws of it. */
  readonly metrics: readonly string[];
  readonly particles: number;
}

const BATCH = 3;

const noise = createStream('adversarial images').integers([12, 8, 8], 0, 256).data;
const IMAGES = imageDataset({
  name: 'noise',
  images: { shape: [12, 8, 8], data: Uint8Array.from(noise as Int32Array) },
});
const POINTS = toyDataset('8-gaussians', createStream('adversarial points'), 32);

const OF_GENERATOR = ['generatorLoss', 'parameterGradientNorm'];
const OF_DISCRIMINATOR = [
  'discriminatorLoss',
  'discriminatorGradientNorm',
  'featureSpreadData',
  'featureSpreadGenerated',
];
/** What the loss of a discriminator is made of. */
const PARTS: Readonly<Record<AdversarialLossName, readonly string[]>> = {
  elastic: [],
  'elastic-gan': ['discrepancy', 'stability'],
  logistic: ['scoreData', 'scoreGenerated'],
  wasserstein: ['distance'],
  'wasserstein-gp': ['distance', 'penalty'],
  mmd: ['discrepancy'],
};

type Edit = (options: AdversarialLearnerOptions) => AdversarialLearnerOptions;

/** The preset with few units and small batches; all its other choices stay. */
function small(model: ModelName<'adversarial'>, data: Dataset): AdversarialLearnerOptions {
  const { generator, discriminator, ...rest } = MODELS[model].defaults(data.itemShape);
  const widths = (net: string): number[] => (net === 'dcgan' ? [2] : [4]);
  return {
    ...rest,
    generator: { ...generator, widths: widths(generator.net), latent: 3, batch: BATCH },
    discriminator: { ...discriminator, widths: widths(discriminator.net), steps: Math.min(2, discriminator.steps) },
  };
}

function adversarialCase(
  model: ModelName<'adversarial'>,
  data: Dataset,
  label = '',
  edit: Edit = (options) => options,
): AdversarialCase {
  const kind = data === POINTS ? 'points' : 'images';
  const options = edit(small(model, data));
  const metrics = [
    ...OF_GENERATOR,
    ...(options.discriminator.net === 'none' ? [] : OF_DISCRIMINATOR),
    ...PARTS[options.loss.kind].filter((part) => part !== 'stability' || options.loss.stabiliserWeight > 0),
  ];
  return { label: `${model} on ${kind}${label}`, model, data, options, metrics, particles: BATCH };
}

const everyOption: Edit = (o) => ({
  ...o,
  generator: { ...o.generator, ...(o.generator.net === 'mlp' && { activation: 'silu' }) },
  loss: { ...o.loss, dimension: 3, cutoff: 0.5, stabiliser: 'truncated', selfInteraction: false },
  optimizer: { ...o.optimizer, rule: 'lamb', schedule: 'cosine', warmup: 2, gradientClip: 1, ema: 0.9 },
});
const bare: Edit = (o) => ({ ...o, loss: { ...o.loss, stabiliserWeight: 0 } });

/** What to put every adversarial learner through, by the name in the table of models. */
export const ADVERSARIAL_ROWS: Readonly<Record<ModelName<'adversarial'>, readonly AdversarialCase[]>> = {
  eieg: [
    adversarialCase('eieg', POINTS),
    adversarialCase('eieg', IMAGES),
    adversarialCase('eieg', POINTS, ' with every option', everyOption),
  ],
  'eieg-gan': [
    adversarialCase('eieg-gan', POINTS),
    adversarialCase('eieg-gan', IMAGES),
    adversarialCase('eieg-gan', IMAGES, ' with every option', everyOption),
    adversarialCase('eieg-gan', POINTS, ' without the stabiliser', bare),
  ],
  gan: [adversarialCase('gan', POINTS), adversarialCase('gan', IMAGES)],
  dcgan: [adversarialCase('dcgan', IMAGES)],
  wgan: [adversarialCase('wgan', POINTS), adversarialCase('wgan', IMAGES)],
  'wgan-gp': [adversarialCase('wgan-gp', POINTS), adversarialCase('wgan-gp', IMAGES)],
  'mmd-gan': [adversarialCase('mmd-gan', POINTS), adversarialCase('mmd-gan', IMAGES)],
};
