import {
  type AdversarialLearnerOptions,
  type DiscriminatorOptions,
  type GeneratorOptions,
  LOSS_FIELDS,
  type LossOptions,
  MODELS,
  type ModelName,
  adversarialModel,
} from 'brownian';
import { z } from 'zod';
import type { FamilyConfig, Rule, Unread } from '../family-config.ts';
import { type Fields, OPTIMIZER, POTENTIAL, positive } from '../groups.ts';
import type { RunConfigOf } from '../run-config.ts';

const widths = () => z.array(z.int().min(1));

/** `generator.*` */
const GENERATOR: Fields<GeneratorOptions> = {
  net: z
    .enum(['mlp', 'dcgan'])
    .meta({ description: 'network that makes items: fully connected, or DCGAN’s for images' }),
  widths: widths().meta({
    description: 'units of its hidden layers; for dcgan one number, channels of the last of them',
  }),
  activation: POTENTIAL.activation,
  latent: z.int().min(1).meta({ description: 'Gaussian numbers that an item is made from', unit: 'numbers' }),
  batch: z
    .int()
    .min(2)
    .meta({ description: 'items generated in an update; follows batch-size when that is given', unit: 'items' }),
};

/** `discriminator.*` */
const DISCRIMINATOR: Fields<DiscriminatorOptions> = {
  net: z.enum(['none', 'mlp', 'dcgan']).meta({ description: 'network that items are compared by; eieg has none' }),
  widths: widths().meta({ description: 'units of its hidden layers; for dcgan one number, channels of the first' }),
  features: z
    .int()
    .min(1)
    .meta({ description: 'numbers it gives: 1 for scores, more for features that are compared', unit: 'numbers' }),
  norm: z.boolean().meta({ description: 'batch normalisation between the layers of dcgan' }),
  oneBatch: z
    .boolean()
    .meta({ description: 'data and generated items are normalised together, not each by themselves' }),
  steps: z.int().min(1).meta({ description: 'its updates per iteration, among which the batch is dealt out' }),
  learningRate: positive().meta({ description: 'its learning rate; all else as the optimizer' }),
};

/** `loss.*` */
const LOSS: Fields<LossOptions> = {
  kind: z
    .enum(['elastic', 'elastic-gan', 'logistic', 'wasserstein', 'wasserstein-gp', 'mmd'])
    .meta({ description: 'what is descended; the models are named after it' }),
  dimension: z.number().min(1).meta({ description: 'd of the elastic kernel r^(1−d)' }),
  cutoff: positive().meta({ description: 'cut-off m of the elastic kernel', unit: 'units of what is compared' }),
  selfInteraction: z.boolean().meta({ description: 'repulsion among generated items; without it they collapse' }),
  stabiliser: z.enum(['elastic', 'truncated', 'gaussian']).meta({ description: 'shape of the stabiliser' }),
  stabiliserCutoff: positive().meta({ description: 'range of the stabiliser', unit: 'units of features' }),
  stabiliserWeight: z.number().min(0).meta({ description: 'weight λ of the stabiliser; 0 leaves it out' }),
  clip: positive().meta({ description: 'bound of the discriminator’s weights (wasserstein, mmd)' }),
  penalty: positive().meta({ description: 'weight of the gradient penalty (wasserstein-gp)' }),
  bandwidths: z
    .array(positive())
    .min(1)
    .meta({ description: 'widths σ of the Gaussian kernels (mmd)', unit: 'units of features' }),
};

type Config = RunConfigOf<'adversarial'>;

/** Models that a loss has the settings of, where another model is trained with it. */
const OF_LOSS: Readonly<Record<LossOptions['kind'], ModelName<'adversarial'>>> = {
  elastic: 'eieg',
  'elastic-gan': 'eieg-gan',
  logistic: 'gan',
  wasserstein: 'wgan',
  'wasserstein-gp': 'wgan-gp',
  mmd: 'mmd-gan',
};

/** A model's defaults with another loss: its networks, and all else as the loss wants it. */
function followLoss(
  defaults: AdversarialLearnerOptions,
  kind: LossOptions['kind'] | undefined,
  itemShape: readonly number[],
): AdversarialLearnerOptions {
  if (kind === undefined || kind === defaults.loss.kind) return defaults;
  const { loss, discriminator, optimizer } = MODELS[OF_LOSS[kind]].defaults(itemShape);
  const own = defaults.discriminator;
  // Without a discriminator on one side there is none to keep.
  const kept = own.net === 'none' || discriminator.net === 'none' ? {} : { net: own.net, widths: own.widths };
  return { ...defaults, loss, discriminator: { ...discriminator, ...kept }, optimizer };
}

/** Paths of the options of a group, but for one. */
function othersOf(group: string, fields: object, own: string): string[] {
  return Object.keys(fields).flatMap((key) => (key === own ? [] : [`${group}.${key}`]));
}

function unread({ loss: { kind }, discriminator, generator }: Config): readonly Unread[] {
  const read: ReadonlySet<string> = new Set(LOSS_FIELDS[kind].map((key) => `loss.${key}`));
  return [
    {
      when: generator.net === 'dcgan',
      options: ['generator.activation'],
      because: '--generator.net is dcgan, which has ReLU; leave it out or choose mlp',
    },
    {
      when: discriminator.net === 'none',
      options: othersOf('discriminator', DISCRIMINATOR, 'net'),
      because: '--discriminator.net is none; leave it out or choose mlp or dcgan',
    },
    {
      when: discriminator.net === 'mlp',
      options: ['discriminator.norm', 'discriminator.oneBatch'],
      because: '--discriminator.net is mlp, which does not normalise; leave it out or choose dcgan',
    },
    {
      when: !discriminator.norm,
      options: ['discriminator.oneBatch'],
      because: '--discriminator.norm is false, so that items have nothing to do with each other; leave one out',
    },
    {
      when: true,
      options: othersOf('loss', LOSS, 'kind').filter((path) => !read.has(path)),
      because: `--loss.kind ${kind} does not read it; leave it out or choose another loss`,
    },
  ];
}

/** What a learner refuses, told before training. */
const fits: Rule<Config> = (config, { itemShape }) => {
  try {
    requireOpponent(config);
    adversarialModel(config.model, config, itemShape);
    return false;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/** @throws RangeError when loss and discriminator do not belong together */
function requireOpponent({ loss, discriminator }: Config): void {
  const { kind } = loss;
  if ((kind === 'elastic') !== (discriminator.net === 'none'))
    throw new RangeError(
      kind === 'elastic'
        ? `--discriminator.net is ${discriminator.net}; --loss.kind elastic compares items themselves, so it must be none.`
        : `--discriminator.net is none; --loss.kind ${kind} needs a discriminator, mlp or dcgan.`,
    );
  const scores = kind === 'logistic' || kind === 'wasserstein' || kind === 'wasserstein-gp';
  if (scores && discriminator.features !== 1)
    throw new RangeError(
      `--discriminator.features is ${discriminator.features}; --loss.kind ${kind} compares scores, so it must be 1.`,
    );
}

const shareable: Rule<Config> = ({ batchSize, discriminator: { net, steps } }) =>
  net !== 'none' &&
  batchSize % steps !== 0 &&
  `--batch-size is ${batchSize}, which ${steps} steps of the discriminator cannot share evenly; it must be a multiple of ${steps}, ` +
    `such as ${Math.ceil(batchSize / steps) * steps}.`;

/** Updates that share a batch. */
function partsOf({ discriminator: { net, steps } }: Pick<AdversarialLearnerOptions, 'discriminator'>): number {
  return net === 'none' ? 1 : steps;
}

/** Options of the models that are a generator. */
export const ADVERSARIAL_CONFIG: FamilyConfig<'adversarial'> = {
  title: 'adversarial models',
  groups: {
    generator: GENERATOR,
    discriminator: DISCRIMINATOR,
    loss: LOSS,
    optimizer: {
      rule: OPTIMIZER.rule,
      learningRate: OPTIMIZER.learningRate,
      momentum: OPTIMIZER.momentum,
      schedule: OPTIMIZER.schedule,
      decayIterations: OPTIMIZER.decayIterations,
      warmup: OPTIMIZER.warmup,
      gradientClip: OPTIMIZER.gradientClip,
      ema: OPTIMIZER.ema,
    },
  },
  // Each update sees as many items as the generator makes, or what there are of them in equal parts.
  batchSize: (options, size) => {
    const parts = partsOf(options);
    return parts * Math.max(1, Math.floor(Math.min(size, parts * options.generator.batch) / parts));
  },
  // What a loss asks for, a generated item per item that an update sees, and a cosine as long as the run.
  follow: (options, { batchSize, iterations, itemShape, given }) => {
    const { kind } = (given['loss'] ?? {}) as Partial<LossOptions>;
    const defaults = followLoss(options, kind, itemShape);
    const discriminator = { ...defaults.discriminator, ...(given['discriminator'] as Partial<DiscriminatorOptions>) };
    const parts = partsOf({ discriminator });
    const batch = batchSize === undefined ? defaults.generator.batch : Math.max(2, Math.floor(batchSize / parts));
    return {
      ...defaults,
      generator: { ...defaults.generator, batch },
      optimizer: { ...defaults.optimizer, decayIterations: iterations },
    };
  },
  rules: [fits, shareable],
  unread,
};
