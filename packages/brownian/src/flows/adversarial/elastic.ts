import { type Tensor, concat, constant, exp, matmul, ndarray, relu } from '@brownian/graph';
import {
  type ElasticKernelOptions,
  elasticInteraction,
  elasticKernel,
  pairwiseSquaredDistances,
} from '../../potentials/elastic.ts';
import type { AdversarialFlow } from './flow.ts';

/** Shapes of the stabiliser, by name. */
export type StabiliserKernel = 'elastic' | 'truncated' | 'gaussian';

/** Short-range repulsion among features. The paper leaves its shape open. */
export interface StabiliserOptions {
  /**
   * `elastic`: the capped elastic kernel, which has a tail. `truncated`: (1 − r²/m²)₊², zero beyond the cut-off.
   * `gaussian`: exp(−r²/2m²). Default `elastic`.
   */
  readonly kernel: StabiliserKernel;
  /** Range m, in the units of features. Default 0.8 (the paper's). */
  readonly cutoff: number;
  /** Weight λ. Default 1 (the paper's); 0 leaves the stabiliser out. */
  readonly weight: number;
}

/** What the generator of an elastic model descends. */
export interface ElasticGeneratorOptions {
  /** Include the repulsion among generated items; without it they collapse (EIEG GAN, Fig. 4). Default true. */
  readonly selfInteraction?: boolean;
}

/** The paper's stabiliser, with the capped kernel for its shape. */
export const STABILISER_DEFAULTS: StabiliserOptions = { kernel: 'elastic', cutoff: 0.8, weight: 1 };

const STABILISERS: Readonly<Record<StabiliserKernel, (squared: Tensor, options: ElasticKernelOptions) => Tensor>> = {
  elastic: elasticKernel,
  truncated: (squared, { cutoff }) => relu(squared.mul(-1 / cutoff ** 2).add(1)).square(),
  gaussian: (squared, { cutoff }) => exp(squared.mul(-1 / (2 * cutoff ** 2))),
};

/**
 * The elastic generator (EIEG GAN, Eq. 7): items repel each other and are attracted to data, under
 * (1/n²) Σ e(gᵢ, gⱼ) − (2/nm) Σ e(gᵢ, xⱼ), in the space of items. There is no discriminator.
 */
export function elasticFlow(
  kernel: ElasticKernelOptions,
  { selfInteraction = true }: ElasticGeneratorOptions = {},
): AdversarialFlow {
  return { generatorLoss: ({ fake, real }) => elasticInteraction(fake, real, kernel, selfInteraction) };
}

/**
 * The elastic GAN (EIEG GAN, Eq. 8-10): the discriminator widens the elastic energy E between features of data and of generated
 * items, L_D = −E + λ L_s with L_s the mean of the stabiliser over all pairs of features; the generator descends its part of E.
 */
export function elasticGanFlow(
  kernel: ElasticKernelOptions,
  stabiliser: StabiliserOptions & ElasticGeneratorOptions = STABILISER_DEFAULTS,
): AdversarialFlow {
  const { cutoff, weight, selfInteraction = true } = stabiliser;
  if (!(cutoff > 0)) throw new RangeError(`The stabiliser's cut-off must be positive, got ${cutoff}.`);
  const repulsion = STABILISERS[stabiliser.kernel];
  return {
    generatorLoss: ({ fake, real }) => elasticInteraction(fake, real, kernel, selfInteraction),
    discriminator: {
      features: null,
      loss: ({ fake, real }) => {
        const [n, m] = [real.shape[0] as number, fake.shape[0] as number];
        const features = concat([real, fake]);
        const squared = pairwiseSquaredDistances(features, features);
        // E = Σᵢⱼ sᵢ sⱼ e(rᵢⱼ) with s = 1/n on data and −1/m on generated items: one set of distances for both terms.
        const weights = [...Array<number>(n).fill(1 / n), ...Array<number>(m).fill(-1 / m)];
        const signs = constant(ndarray(weights, [n + m, 1]));
        const energy = elasticKernel(squared, kernel)
          .mul(matmul(signs, signs.reshape([1, n + m])))
          .sum();
        if (weight === 0) return { loss: energy.neg(), parts: { discrepancy: energy } };
        const stability = repulsion(squared, { ...kernel, cutoff }).mean();
        return { loss: stability.mul(weight).sub(energy), parts: { discrepancy: energy, stability } };
      },
    },
  };
}
