import { type Tensor, constant, softplus, zeros } from '@brownian/graph';
import {
  type DiscriminatorFlow,
  type SymbolicParams,
  dcganDiscriminator as discriminatorNet,
  dcganGenerator,
  elasticGanFlow,
} from 'brownian';
import { images, seeded } from '../data.ts';
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

const ITEM = SHAPE.slice(1);
const GENERATOR = dcganGenerator({ output: ITEM })([LATENT]);
const DISCRIMINATOR = discriminatorNet({ features: SETTINGS.features })(ITEM);
const CLASSIFIER = discriminatorNet({ features: 1 })(ITEM);
const FLOW = elasticGanFlow(
  { dimension: SETTINGS.kernelDimension, cutoff: SETTINGS.cutoff },
  { kernel: 'elastic', cutoff: SETTINGS.stabiliser, weight: 1 },
);

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
    const held = GENERATOR.init(draw.split('generator'));
    const { rate, beta1 } = SETTINGS;
    const training = {
      name: 'EIEG-GAN discriminator step',
      params: DISCRIMINATOR.init(draw.split('params')),
      loss: (params: SymbolicParams, batch: unknown) => {
        const given = batch as DiscriminatorBatch;
        const discriminate = (items: Tensor): Tensor => DISCRIMINATOR.apply(params, items);
        const items = { fake: GENERATOR.apply(given.generator, given.z), real: given.real };
        const features = { fake: discriminate(items.fake), real: discriminate(items.real) };
        const at = { ...features, items, discriminate, mix: constant(zeros([SHAPE[0]])) };
        return (FLOW.discriminator as DiscriminatorFlow).loss(at).loss;
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
    const { rate, beta1 } = SETTINGS;
    const held = DISCRIMINATOR.init(draw.split('discriminator'));
    const training = {
      name: 'EIEG-GAN generator step',
      params: GENERATOR.init(draw.split('params')),
      loss: (params: SymbolicParams, batch: unknown) => {
        const given = batch as GeneratorBatch;
        const fake = DISCRIMINATOR.apply(given.discriminator, GENERATOR.apply(params, given.z));
        return FLOW.generatorLoss({ fake, real: DISCRIMINATOR.apply(given.discriminator, given.real) });
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
      params: CLASSIFIER.init(draw.split('params')),
      loss: (params: SymbolicParams, given: unknown) =>
        softplus(CLASSIFIER.apply(params, (given as { real: Tensor }).real).neg()).mean(),
      batch: () => batch,
      rate: 2e-4,
      adam: { beta1: 0.5 },
    };
    return Promise.resolve(trainingCase(runtime, training));
  },
};
