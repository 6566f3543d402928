import type { Runtime } from '@brownian/runtime';
import type { Learner } from '../interfaces.ts';
import type { Layer } from '../nets/net.ts';
import { ADVERSARIAL } from './adversarial-family.ts';
import type { AdversarialLearnerOptions } from './adversarial-options.ts';
import type { AdversarialModelName } from './adversarial-presets.ts';
import { DESCRIPTIVE, type DescriptiveModelName } from './descriptive-family.ts';
import type { ModelFamily, ModelPreset } from './family.ts';
import { GENERALIZED, type GeneralizedModelName } from './generalized-family.ts';
import type { DescriptorLearnerOptions, GeneralizedLearnerOptions } from './options.ts';
import { VARIATIONAL, type VariationalModelName } from './variational-family.ts';
import type { VariationalLearnerOptions } from './variational-options.ts';

/** The options of the models of each family, in groups. */
export interface FamilyOptions {
  readonly descriptive: DescriptorLearnerOptions;
  readonly adversarial: AdversarialLearnerOptions;
  readonly generalized: GeneralizedLearnerOptions;
  readonly variational: VariationalLearnerOptions;
}

interface FamilyModels {
  readonly descriptive: DescriptiveModelName;
  readonly adversarial: AdversarialModelName;
  readonly generalized: GeneralizedModelName;
  readonly variational: VariationalModelName;
}

/** Models whose options are the same. */
export type Family = keyof FamilyOptions;

/** The models of a family, or of all, by the names of the papers. */
export type ModelName<F extends Family = Family> = FamilyModels[F];

/** The family that a model belongs to. */
export type FamilyOf<N extends ModelName> = { [F in Family]: N extends ModelName<F> ? F : never }[Family];

/** The families. */
export const FAMILIES: { readonly [F in Family]: ModelFamily<ModelName<F>, FamilyOptions[F]> } = {
  descriptive: DESCRIPTIVE,
  adversarial: ADVERSARIAL,
  generalized: GENERALIZED,
  variational: VARIATIONAL,
};

/** The table of models. */
export const MODELS: { readonly [N in ModelName]: ModelPreset<FamilyOptions[FamilyOf<N>]> } = {
  ...DESCRIPTIVE.models,
  ...ADVERSARIAL.models,
  ...GENERALIZED.models,
  ...VARIATIONAL.models,
};

/** The family of a model. */
export function familyOf<N extends ModelName>(model: N): FamilyOf<N> {
  const families = Object.keys(FAMILIES) as Family[];
  const found = families.find((family) => Object.hasOwn(FAMILIES[family].models, model));
  if (found === undefined)
    throw new RangeError(`There is no model "${model}"; the models are ${Object.keys(MODELS).join(', ')}.`);
  return found as FamilyOf<N>;
}

/**
 * A learner from the table.
 *
 * @param options of the model's family: `MODELS[model].defaults(itemShape)`, with what should differ
 * @param itemShape shape of one datum
 * @param filters fixed filters in the place of `options.potential.net`, such as `vggFilters(…)` or `gaborBank()`
 * @throws RangeError when the options do not fit each other or data of this shape
 */
export function createLearner<N extends ModelName>(
  runtime: Runtime,
  model: N,
  options: FamilyOptions[FamilyOf<N>],
  itemShape: readonly number[],
  filters?: Layer,
): Learner {
  // A model and the options of its family belong together, which the compiler cannot follow through the table.
  const family = FAMILIES[familyOf(model)] as unknown as ModelFamily<N, FamilyOptions[FamilyOf<N>]>;
  return family.create(runtime, model, options, itemShape, filters);
}
