import { MODELS, type ModelName } from 'brownian';
import { UserError } from '../errors.ts';
import { wholeNumber } from '../scoring/request.ts';
import type { ExperimentOption, Scale } from './experiment.ts';
import { textOf, wordsOf } from './options.ts';

/** Labelled images; digits unless something else is named. */
export const LABELLED_DATA: ExperimentOption = {
  kind: 'text',
  meaning: 'labelled images that brownian train takes',
  standard: 'mnist',
};

/** Images of which some are held out; digits unless something else is named. */
export const HELD_OUT_DATA: ExperimentOption = {
  kind: 'text',
  meaning: 'images that brownian train takes; a tenth is held out where they have no test part',
  standard: 'mnist',
};

/** To what side images are scaled. */
export const IMAGE_SIZE: ExperimentOption = {
  kind: 'text',
  meaning: 'side in pixels that images are scaled to',
  standard: null,
};

/** Side that images are scaled to by the option `size`; null leaves them. @throws UserError unless it is a whole number */
export function sizeOf(scale: Scale): number | null {
  const size = textOf(scale, 'size');
  return size === null ? null : wholeNumber('--size', size, 1, 4096);
}

/** What samples are scored by, and how many. */
export const SCORED: Readonly<Record<'samples' | 'network', ExperimentOption>> = {
  samples: { kind: 'whole number', meaning: 'new samples that are scored, and test images', standard: '1000' },
  network: {
    kind: 'text',
    meaning: 'what scores: classifier (trained once on the data), or a network as brownian evaluate takes it',
    standard: 'classifier',
  },
};

/** Seeds of trainings. */
export function seedsOption(standard: string): ExperimentOption {
  return { kind: 'numbers', meaning: 'seeds of parameters, batches and noise', standard };
}

/** The models that `--models` names. @throws UserError for a name that is none */
export function modelsOf(scale: Scale): readonly ModelName[] {
  const models = wordsOf(scale, 'models');
  const wrong = models.find((name) => !Object.hasOwn(MODELS, name));
  if (wrong === undefined) return models as readonly ModelName[];
  throw new UserError(`--models has ${JSON.stringify(wrong)}; it takes ${Object.keys(MODELS).join(', ')}.`, {
    exitCode: 2,
  });
}
