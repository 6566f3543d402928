import { MODELS, type ModelName } from 'brownian';
import { type Settings, mergeSettings } from '../config/settings.ts';
import { UserError } from '../errors.ts';

/** What a model can be changed in, to turn a switch of Table 1 of generalised GCN that no preset turns alone, or for one of its tasks. */
const VARIANTS: Readonly<Record<string, Settings>> = {
  // HS off: the generator starts from the first grid of M-GCN, a small copy of data, and not from a Gaussian.
  thumbnails: { hidden: { start: 'thumbnails' } },
  // Inpainting: the generator is an auto-encoder of masked images.
  masked: { hidden: { start: 'masked' } },
  // NLU off: the up-scaling is one linear map.
  linear: { upsampling: { net: 'linear' } },
  // JKO off.
  kl: { flow: { beta: 0 } },
  // DCGAN with networks as small as those of the generalised models.
  small: { generator: { widths: [32] }, discriminator: { widths: [16] } },
};

/** Their names. */
export const VARIANT_NAMES: readonly string[] = Object.keys(VARIANTS);

/** A model, with what is changed in it. */
export interface Variant {
  readonly model: ModelName;
  readonly changes: Settings;
}

/** `ggcn`, or `ggcn/kl` with a variant. @throws UserError for anything else */
export function parseVariant(text: string): Variant {
  const [model = '', ...variants] = text.split('/');
  if (!Object.hasOwn(MODELS, model) || variants.some((variant) => !Object.hasOwn(VARIANTS, variant)))
    throw new UserError(
      `--models has ${JSON.stringify(text)}; it takes ${Object.keys(MODELS).join(', ')}, and behind a slash ${VARIANT_NAMES.join(', ')}.`,
      { exitCode: 2 },
    );
  const changes = variants.map((variant) => VARIANTS[variant] as Settings);
  return { model: model as ModelName, changes: changes.reduce(mergeSettings, {}) };
}
