import { type Shape, tanh } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { STABILISER_DEFAULTS, elasticFlow, elasticGanFlow } from '../flows/adversarial/elastic.ts';
import type { AdversarialFlow } from '../flows/adversarial/flow.ts';
import { logisticFlow } from '../flows/adversarial/logistic.ts';
import { mmdFlow } from '../flows/adversarial/mmd.ts';
import { wassersteinFlow } from '../flows/adversarial/wasserstein.ts';
import { ACTIVATIONS } from '../nets/activations.ts';
import { dcganDiscriminator, dcganGenerator } from '../nets/dcgan.ts';
import { mlp } from '../nets/mlp.ts';
import type { Net } from '../nets/net.ts';
import { adversarialLearner } from './adversarial.ts';
import type { AdversarialModel } from './adversarial-model.ts';
import type {
  AdversarialLearnerOptions,
  AdversarialLossName,
  DiscriminatorOptions,
  GeneratorOptions,
  LossOptions,
} from './adversarial-options.ts';
import { ADVERSARIAL_MODELS, type AdversarialModelName } from './adversarial-presets.ts';
import type { ModelFamily } from './family.ts';
import { buildOptimizer } from './optimizer.ts';

/** What each loss takes of {@link LossOptions}; the others mean nothing to it. */
export const LOSS_FIELDS: Readonly<Record<AdversarialLossName, readonly (keyof LossOptions)[]>> = {
  elastic: ['dimension', 'cutoff', 'selfInteraction'],
  'elastic-gan': ['dimension', 'cutoff', 'selfInteraction', 'stabiliser', 'stabiliserCutoff', 'stabiliserWeight'],
  logistic: [],
  wasserstein: ['clip'],
  'wasserstein-gp': ['penalty'],
  mmd: ['bandwidths', 'clip'],
};

const FLOWS: Readonly<Record<AdversarialLossName, (options: LossOptions) => AdversarialFlow>> = {
  elastic: ({ selfInteraction, ...kernel }) => elasticFlow(kernel, { selfInteraction }),
  'elastic-gan': ({ selfInteraction, stabiliser, stabiliserCutoff, stabiliserWeight, ...kernel }) =>
    elasticGanFlow(kernel, {
      ...STABILISER_DEFAULTS,
      kernel: stabiliser,
      cutoff: stabiliserCutoff,
      weight: stabiliserWeight,
      selfInteraction,
    }),
  logistic: logisticFlow,
  wasserstein: ({ clip }) => wassersteinFlow({ constraint: 'clip', clip }),
  'wasserstein-gp': ({ penalty }) => wassersteinFlow({ constraint: 'penalty', weight: penalty }),
  mmd: ({ bandwidths, clip }) => mmdFlow({ bandwidths, clip }),
};

/** The one number of channels that a DCGAN takes. @throws RangeError for none or several */
function channelsOf(part: 'generator' | 'discriminator', widths: readonly number[]): number {
  const [width] = widths;
  if (width === undefined || widths.length > 1)
    throw new RangeError(
      `${part}.widths is [${widths.join(', ')}]; a dcgan takes one number of channels there, such as 64.`,
    );
  return width;
}

/** @throws RangeError unless a DCGAN is given images */
function requireImages(part: 'generator' | 'discriminator', itemShape: Shape): void {
  if (itemShape.length !== 3)
    throw new RangeError(
      `${part}.net is dcgan, which takes images; the items of these data have shape [${itemShape.join(', ')}], so use mlp.`,
    );
}

function generatorNet({ net, widths, activation, latent }: GeneratorOptions, itemShape: Shape): Net {
  if (net === 'mlp') {
    const last = itemShape.length === 3 && { last: tanh };
    return mlp({ widths, output: itemShape, activation: ACTIVATIONS[activation], ...last })([latent]);
  }
  requireImages('generator', itemShape);
  return dcganGenerator({ output: itemShape, width: channelsOf('generator', widths) })([latent]);
}

function discriminatorNet({ net, widths, features, norm }: DiscriminatorOptions, itemShape: Shape): Net | undefined {
  if (net === 'none') return undefined;
  if (net === 'mlp') return mlp({ widths, output: [features], activation: ACTIVATIONS.leakyRelu })(itemShape);
  requireImages('discriminator', itemShape);
  return dcganDiscriminator({ features, norm, width: channelsOf('discriminator', widths) })(itemShape);
}

/**
 * The parts that options stand for, ready for a learner.
 *
 * @throws RangeError when they do not fit each other or data of this shape
 */
export function adversarialModel(
  model: AdversarialModelName,
  { generator, discriminator, loss, optimizer }: AdversarialLearnerOptions,
  itemShape: readonly number[],
): AdversarialModel {
  const net = discriminatorNet(discriminator, itemShape);
  const { steps, oneBatch, learningRate } = discriminator;
  const { ema, ...rule } = { ...optimizer, weightClip: null };
  // Its schedule is as long as the generator's, in which it makes `steps` times as many updates.
  const others = { decayIterations: rule.decayIterations * steps, warmup: rule.warmup * steps };
  return {
    name: ADVERSARIAL_MODELS[model].title,
    flow: FLOWS[loss.kind](loss),
    generator: { net: generatorNet(generator, itemShape), optimizer: buildOptimizer({ ...rule, ema }) },
    ...(net !== undefined && {
      discriminator: { net, steps, oneBatch, optimizer: buildOptimizer({ ...rule, ...others, ema, learningRate }) },
    }),
    batch: generator.batch,
    ema,
  };
}

/** Models that are a generator: it learns against data, or against a discriminator that learns too. */
export const ADVERSARIAL: ModelFamily<AdversarialModelName, AdversarialLearnerOptions> = {
  models: ADVERSARIAL_MODELS,
  create: (runtime: Runtime, model, options, itemShape) =>
    adversarialLearner(runtime, adversarialModel(model, options, itemShape)),
};
