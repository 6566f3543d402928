import type { StabiliserKernel } from '../flows/adversarial/elastic.ts';
import type { ActivationName } from '../nets/activations.ts';
import type { OptimizerOptions } from './options.ts';

/** A network of an adversarial model: fully connected, or DCGAN's convolutions for images. */
export type AdversarialNet = 'mlp' | 'dcgan';

/** The network that makes items. */
export interface GeneratorOptions {
  /** `mlp`: fully connected, with tanh at the end for images. `dcgan`: transposed convolutions, for images. */
  readonly net: AdversarialNet;
  /** Units of the hidden layers of `mlp`; for `dcgan` one number, the channels of its last hidden layer, doubled in each before it. */
  readonly widths: readonly number[];
  /**
   * Between the layers of `mlp`; `dcgan` has ReLU. A generator of separate modes is flat on most latents and steep between: layers of tanh, which
   * saturate, come to that sooner than leaky ReLU.
   */
  readonly activation: ActivationName;
  /** Numbers in a latent, drawn from N(0, I). */
  readonly latent: number;
  /** Items generated in an update, and at a time when samples are drawn. */
  readonly batch: number;
}

/** The network that generated items and data are told apart by, or compared in the features of. */
export interface DiscriminatorOptions {
  /** `none` for the plain elastic generator, which meets the data in the space of items. */
  readonly net: AdversarialNet | 'none';
  /** Units of the hidden layers of `mlp`; for `dcgan` one number, the channels of its first layer, doubled in each that follows. */
  readonly widths: readonly number[];
  /** Length of its output: 1 for scores, more for features that are compared. */
  readonly features: number;
  /** Batch normalisation between the layers of `dcgan`. A gradient penalty wants it left out, since it ties items together. */
  readonly norm: boolean;
  /**
   * Data and generated items go through it in one batch, so that batch normalisation has the same statistics for both, and their features lie in one
   * space. False: each in a batch of its own, as a GAN has them.
   */
  readonly oneBatch: boolean;
  /** Updates before each update of the generator. A batch is dealt out among them. */
  readonly steps: number;
  /** Its learning rate; rule, momentum, schedule and clipping are those of the optimizer. */
  readonly learningRate: number;
}

/** What an adversarial model descends. */
export type AdversarialLossName = 'elastic' | 'elastic-gan' | 'logistic' | 'wasserstein' | 'wasserstein-gp' | 'mmd';

/** The loss of an adversarial model, and the options of each. */
export interface LossOptions {
  /**
   * `elastic`: EIEG, Eq. 7, without a discriminator. `elastic-gan`: EIEG GAN, Eq. 8-10. `logistic`: GAN with the non-saturating loss.
   * `wasserstein`: WGAN with clipped weights. `wasserstein-gp`: WGAN with a gradient penalty. `mmd`: MMD-GAN with Gaussian kernels.
   */
  readonly kind: AdversarialLossName;
  /** d of the elastic kernel. The paper takes the length of the vectors that are compared. */
  readonly dimension: number;
  /** Cut-off m of the elastic kernel, in units of what is compared. The paper takes 0.1. */
  readonly cutoff: number;
  /** Include the repulsion among generated items; without it they collapse (EIEG GAN, Fig. 4). Default true. */
  readonly selfInteraction: boolean;
  /** Shape of the stabiliser of `elastic-gan`, which the paper leaves open. Default elastic. */
  readonly stabiliser: StabiliserKernel;
  /** Range of the stabiliser, in units of features. The paper takes 0.8. */
  readonly stabiliserCutoff: number;
  /** Weight λ of the stabiliser; 0 leaves it out. The paper takes 1. */
  readonly stabiliserWeight: number;
  /** Weights of the discriminator of `wasserstein` and `mmd` are clamped to [−clip, clip]. The papers take 0.01. */
  readonly clip: number;
  /** Weight of the gradient penalty of `wasserstein-gp`. The paper takes 10. */
  readonly penalty: number;
  /** σ of the Gaussian kernels of `mmd`, in units of features. The paper takes 1, 2, 4, 8, 16. */
  readonly bandwidths: readonly number[];
}

/** The update rule of both networks; `learningRate` and `ema` are the generator's. */
export type AdversarialOptimizerOptions = Omit<OptimizerOptions, 'weightClip'>;

/** Every option of the adversarial models. */
export interface AdversarialLearnerOptions {
  readonly generator: GeneratorOptions;
  readonly discriminator: DiscriminatorOptions;
  readonly loss: LossOptions;
  readonly optimizer: AdversarialOptimizerOptions;
}
