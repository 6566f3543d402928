import { type Remedies, type Remedy, half } from './remedy.ts';

type Adversarial = Remedy<'adversarial'>;

const slower: Adversarial = ({ optimizer }) => `--learning-rate ${half(optimizer.learningRate)}`;
const slowerDiscriminator: Adversarial = ({ discriminator }) =>
  discriminator.net === 'none' ? undefined : `--discriminator.learning-rate ${half(discriminator.learningRate)}`;
const clip: Adversarial = ({ optimizer }) =>
  optimizer.gradientClip === null ? '--optimizer.gradient-clip 1' : undefined;
const repulsion: Adversarial = ({ loss }) => (loss.selfInteraction ? undefined : '--loss.self-interaction true');
const stabiliser: Adversarial = ({ loss }) =>
  loss.kind === 'elastic-gan'
    ? `--loss.stabiliser-weight ${loss.stabiliserWeight === 0 ? 1 : Number((3 * loss.stabiliserWeight).toPrecision(2))}`
    : undefined;
const penalty: Adversarial = ({ loss, model }) =>
  loss.kind === 'wasserstein' || loss.kind === 'logistic'
    ? `--model ${model === 'wgan-gp' ? 'eieg-gan' : 'wgan-gp'}`
    : undefined;
const moreSteps: Adversarial = ({ discriminator }) =>
  discriminator.net === 'none' ? undefined : `--discriminator.steps ${discriminator.steps + 2}`;
const largerBatch: Adversarial = ({ batchSize }) => `--batch-size ${2 * batchSize}`;

/** What helps against what in adversarial models. */
export const ADVERSARIAL_REMEDIES: Remedies<'adversarial'> = {
  'not finite': [slower, slowerDiscriminator, clip, penalty],
  'exploding gradient': [clip, slower, slowerDiscriminator, penalty],
  'exploding force': [clip, slower, slowerDiscriminator],
  'exploding potential': [slowerDiscriminator, penalty, slower],
  'collapsed potential': [slowerDiscriminator, stabiliser, penalty, slower],
  'scattered particles': [slower, slowerDiscriminator, clip],
  'collapsed particles': [repulsion, stabiliser, penalty, moreSteps, slower, largerBatch],
};
