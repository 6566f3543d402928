import { type Tensor, softplus } from '@brownian/graph';
import type { SymbolicParams } from 'brownian';
import { images, seeded } from '../data.ts';
import { elasticDiscriminatorLoss, elasticGeneratorLoss } from '../elastic.ts';
import { discriminator, discriminatorParams, generator, generatorParams } from '../nets/dcgan.ts';
import { trainingCase } from '../training.ts';
import type { Workload } from '../workload.ts';

const SHAPE = [64, 3, 32, 32] as const;
const LATENT = 128;
const SETTINGS = {
  latent: LATENT,
  features: 16,
  cutoff: 0.1,
  stabiliser: 0.8,
  kernelDimension: 3,
  rate: 1e-4,
  beta1: 0.5,
} as const;

type DiscriminatorBatch = { readonly real: Tensor; readonly z: Tensor; readonly generator: SymbolicParams };
type GeneratorBatch = { readonly real: Tensor; readonly z: Tensor; readonly discriminator: SymbolicParams };

/** The discriminator's half of an EIEG GAN step: G held, both batches through D, elastic energy and stabiliser, Adam. */
export const eiegDiscriminator: Workload = {
  name: 'eieg-d',
  title: `EIEG-GAN discriminator step, ${SHAPE.join('×')}`,
  settings: SETTINGS,
  setup: (runtime) => {
    const draw = seeded('eieg-d');
    const real = images(SHAPE, draw);
    const held = generatorParams(LATENT, draw);
    const { cutoff, stabiliser, kernelDimension, rate, beta1, features } = SETTINGS;
    const training = {
      name: 'EIEG-GAN discriminator step',
      params: discriminatorParams(features, draw),
      loss: (params: SymbolicParams, batch: unknown) => {
        const given = batch as DiscriminatorBatch;
        const onReal = discriminator(params, given.real);
        const onFake = discriminator(params, generator(given.generator, given.z));
        return elasticDiscriminatorLoss(onReal, onFake, [cutoff, stabiliser], kernelDimension);
      },
      batch: () => ({ real, z: draw.normal([SHAPE[0], LATENT]), generator: held }),
      rate,
      adam: { beta1 },
    };
    return Promise.resolve(trainingCase(runtime, training));
  },
};

/** The generator's half: D held, its features of both batches, elastic loss (Eq. 10), Adam. */
export const eiegGenerator: Workload = {
  name: 'eieg-g',
  title: `EIEG-GAN generator step, ${SHAPE.join('×')}`,
  settings: SETTINGS,
  setup: (runtime) => {
    const draw = seeded('eieg-g');
    const real = images(SHAPE, draw);
    const { cutoff, kernelDimension, rate, beta1, features } = SETTINGS;
    const held = discriminatorParams(features, draw);
    const training = {
      name: 'EIEG-GAN generator step',
      params: generatorParams(LATENT, draw),
      loss: (params: SymbolicParams, batch: unknown) => {
        const given = batch as GeneratorBatch;
        const onFake = discriminator(given.discriminator, generator(params, given.z));
        return elasticGeneratorLoss(onFake, discriminator(given.discriminator, given.real), cutoff, kernelDimension);
      },
      batch: () => ({ real, z: draw.normal([SHAPE[0], LATENT]), discriminator: held }),
      rate,
      adam: { beta1 },
    };
    return Promise.resolve(trainingCase(runtime, training));
  },
};

/** A plain DCGAN discriminator step on one batch of real images: logistic loss, Adam. */
export const dcganDiscriminator: Workload = {
  name: 'dcgan-d',
  title: `DCGAN discriminator step (logistic, real half), ${SHAPE.join('×')}`,
  settings: { rate: 2e-4, beta1: 0.5 },
  setup: (runtime) => {
    const draw = seeded('dcgan-d');
    const batch = { real: images(SHAPE, draw) };
    const training = {
      name: 'DCGAN discriminator step',
      params: discriminatorParams(1, draw),
      loss: (params: SymbolicParams, given: unknown) =>
        softplus(discriminator(params, (given as { real: Tensor }).real).neg()).mean(),
      batch: () => batch,
      rate: 2e-4,
      adam: { beta1: 0.5 },
    };
    return Promise.resolve(trainingCase(runtime, training));
  },
};
