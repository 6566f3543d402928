import { fitsDcgan } from '../nets/dcgan.ts';
import type {
  AdversarialLearnerOptions,
  AdversarialOptimizerOptions,
  DiscriminatorOptions,
  GeneratorOptions,
  LossOptions,
} from './adversarial-options.ts';
import type { ModelPreset } from './family.ts';

/** The adversarial models by the names of the papers. */
export type AdversarialModelName = 'eieg' | 'eieg-gan' | 'gan' | 'dcgan' | 'wgan' | 'wgan-gp' | 'mmd-gan';

const LOSS: Omit<LossOptions, 'kind'> = {
  dimension: 2,
  cutoff: 0.1,
  selfInteraction: true,
  stabiliser: 'elastic',
  stabiliserCutoff: 0.8,
  stabiliserWeight: 1,
  clip: 0.01,
  penalty: 10,
  bandwidths: [1, 2, 4, 8, 16],
};

const OPTIMIZER: AdversarialOptimizerOptions = {
  rule: 'adam',
  learningRate: 1e-4,
  momentum: 0.5,
  schedule: 'constant',
  decayIterations: 2000,
  warmup: 0,
  gradientClip: null,
  ema: 0,
};

/** Networks for items of a shape: the paper's for points (EIEG GAN, appendix D), DCGAN's for images whose sides halve, else fully connected. */
function networks(itemShape: readonly number[], convolutional: boolean) {
  const generator = { activation: 'leakyRelu', latent: 64, batch: 64 } as const;
  // MMD-GAN compares features too, and does worse in one batch: FID of MNIST 1,067, and 281 so (docs/results/eieg-curves.md).
  const discriminator = { features: 1, norm: true, oneBatch: false, steps: 1, learningRate: 1e-4 };
  if (itemShape.length !== 3 && !convolutional)
    return {
      generator: { ...generator, net: 'mlp', widths: [100, 50], latent: 2, batch: 256 },
      discriminator: { ...discriminator, net: 'mlp', widths: [100, 50] },
    } as const;
  if (convolutional)
    return {
      generator: { ...generator, net: 'dcgan', widths: [64] },
      discriminator: { ...discriminator, net: 'dcgan', widths: [64] },
    } as const;
  return {
    generator: { ...generator, net: 'mlp', widths: [256, 512] },
    discriminator: { ...discriminator, net: 'mlp', widths: [512, 256] },
  } as const;
}

/** What a model sets of its own. */
interface Own {
  readonly loss: Pick<LossOptions, 'kind'> & Partial<LossOptions>;
  readonly generator?: Partial<GeneratorOptions>;
  readonly discriminator?: Partial<DiscriminatorOptions>;
  readonly optimizer?: Partial<AdversarialOptimizerOptions>;
}

function preset(
  own: (points: boolean) => Own,
  convolutional: (itemShape: readonly number[]) => boolean = fitsDcgan,
): (itemShape: readonly number[]) => AdversarialLearnerOptions {
  return (itemShape) => {
    const nets = networks(itemShape, convolutional(itemShape));
    const { loss, generator, discriminator, optimizer } = own(itemShape.length !== 3);
    return {
      generator: { ...nets.generator, ...generator },
      discriminator: { ...nets.discriminator, ...discriminator },
      loss: { ...LOSS, ...loss },
      optimizer: { ...OPTIMIZER, ...optimizer },
    };
  };
}

/**
 * EIEG's generator on points: six layers of tanh, 21,122 parameters, found by trial on 25 Gaussians (docs/results/eieg-25-gaussians.md). With the paper's
 * two layers of leaky ReLU more samples are left between modes.
 */
const ELASTIC_ON_POINTS = {
  generator: { widths: [64, 64, 64, 64, 64, 64], activation: 'tanh' },
  optimizer: { learningRate: 5e-3, momentum: 0.9, schedule: 'cosine' },
} as const;
/** Iterations of elastic generators on points, over which their learning rates decay. */
const ELASTIC_ITERATIONS = 20_000;

/**
 * EIEG GAN on points with the paper's two features. A fresh discriminator makes distances of points about six times as long, so that a cut-off of 1 among
 * features is one of .16 among points; with the paper's .1 modes are found as surely, and filled more slowly.
 */
const ELASTIC_GAN_ON_POINTS: Own = {
  loss: { kind: 'elastic-gan', cutoff: 1 },
  generator: { batch: 128 },
  discriminator: { features: 2, steps: 1, learningRate: 1e-5 },
  optimizer: { learningRate: 1e-2, momentum: 0.9, schedule: 'cosine' },
};
/**
 * EIEG GAN on images, found by trial on MNIST (docs/results/eieg-curves.md). The paper leaves the stabiliser's shape open: with the tail of the elastic
 * kernel features drift apart until no forces are left between them, so it is the truncated one, with a weight that outlives the energy's growth. A
 * kernel dimension near 1 pulls far features harder. Learning rates are ten times the paper's, at its ratio, with one update of the discriminator
 * for its three, and fall to zero.
 */
const ELASTIC_GAN_ON_IMAGES: Own = {
  loss: { kind: 'elastic-gan', dimension: 1.2, stabiliser: 'truncated', stabiliserWeight: 5 },
  discriminator: { features: 16, oneBatch: true, steps: 1, learningRate: 1e-4 },
  optimizer: { learningRate: 1e-3, schedule: 'cosine' },
};
/** DCGAN's learning rate (Radford et al. 2016, section 4). */
const DCGAN_RATE = 2e-4;

/** The table of adversarial models. The papers' settings where they give some; RMSProp is stood in for by Adam with β₁ = 0. */
export const ADVERSARIAL_MODELS: Readonly<Record<AdversarialModelName, ModelPreset<AdversarialLearnerOptions>>> = {
  eieg: {
    title: 'EIEG',
    description: 'elastic generator, no discriminator',
    defaults: preset((points) => ({
      loss: { kind: 'elastic' },
      discriminator: { net: 'none' },
      generator: points ? ELASTIC_ON_POINTS.generator : {},
      optimizer: points ? ELASTIC_ON_POINTS.optimizer : {},
    })),
    iterations: ({ length }) => (length === 3 ? undefined : ELASTIC_ITERATIONS),
  },
  'eieg-gan': {
    title: 'EIEG GAN',
    description: 'elastic energy of learned features, stabilised',
    defaults: preset((points) => (points ? ELASTIC_GAN_ON_POINTS : ELASTIC_GAN_ON_IMAGES)),
    iterations: ({ length }) => (length === 3 ? undefined : ELASTIC_ITERATIONS),
  },
  gan: {
    title: 'GAN',
    description: 'fully connected, non-saturating loss',
    defaults: preset(
      (points) => ({
        loss: { kind: 'logistic' },
        discriminator: { learningRate: points ? 1e-3 : DCGAN_RATE },
        optimizer: { learningRate: points ? 1e-3 : DCGAN_RATE },
      }),
      () => false,
    ),
  },
  dcgan: {
    title: 'DCGAN',
    description: 'convolutions, non-saturating loss; for images',
    defaults: preset(
      () => ({
        loss: { kind: 'logistic' },
        discriminator: { learningRate: DCGAN_RATE },
        optimizer: { learningRate: DCGAN_RATE },
      }),
      () => true,
    ),
  },
  wgan: {
    title: 'WGAN',
    description: 'critic with clipped weights',
    defaults: preset((points) => ({
      loss: { kind: 'wasserstein', clip: points ? 0.1 : 0.01 },
      discriminator: { steps: 5, learningRate: points ? 1e-3 : 5e-5 },
      optimizer: { learningRate: points ? 1e-3 : 5e-5, momentum: 0 },
    })),
  },
  'wgan-gp': {
    title: 'WGAN-GP',
    description: 'critic with a gradient penalty',
    defaults: preset((points) => ({
      loss: { kind: 'wasserstein-gp' },
      discriminator: { steps: 5, norm: false, learningRate: points ? 1e-3 : 1e-4 },
      optimizer: { learningRate: points ? 1e-3 : 1e-4, momentum: 0 },
    })),
  },
  'mmd-gan': {
    title: 'MMD-GAN',
    description: 'Gaussian kernels of learned features',
    defaults: preset((points) => ({
      loss: { kind: 'mmd', ...(points && { clip: 0.1 }) },
      discriminator: { features: points ? 2 : 16, steps: 5, learningRate: points ? 1e-3 : 5e-5 },
      optimizer: { learningRate: points ? 1e-3 : 5e-5, momentum: 0 },
    })),
  },
};
