import type { Tensor } from '@brownian/graph';
import { gaussianKernels } from '../../metrics/mmd.ts';
import { pairwiseSquaredDistances } from '../../potentials/elastic.ts';
import type { AdversarialFlow, GeneratorPoint } from './flow.ts';
import { clipWeights } from './wasserstein.ts';

/** Options of {@link mmdFlow}. */
export interface MmdFlowOptions {
  /** σ of each Gaussian kernel, in the units of features. The paper's are 1, 2, 4, 8 and 16. */
  readonly bandwidths: readonly number[];
  /** Clamps every parameter of the discriminator to [−clip, clip] after an update. The paper's is 0.01. */
  readonly clip: number;
}

/**
 * MMD-GAN (Li et al. 2017, Eq. 3): the discriminator widens the squared maximum mean discrepancy between features of data and
 * of generated items under a mean of Gaussian kernels, and the generator narrows it. The estimate is the biased one, self pairs
 * included; the autoencoder that the paper adds to keep features injective is left out.
 */
export function mmdFlow({ bandwidths, clip }: MmdFlowOptions): AdversarialFlow {
  const mean = (a: Tensor, b: Tensor): Tensor => gaussianKernels(pairwiseSquaredDistances(a, b), bandwidths).mean();
  const discrepancy = ({ fake, real }: GeneratorPoint): Tensor =>
    mean(fake, fake).add(mean(real, real)).sub(mean(fake, real).mul(2));
  return {
    generatorLoss: discrepancy,
    discriminator: {
      features: null,
      loss: (at) => {
        const widened = discrepancy(at);
        return { loss: widened.neg(), parts: { discrepancy: widened } };
      },
      constrain: (params) => clipWeights(params, clip),
    },
  };
}
