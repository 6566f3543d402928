import {
  type GeneralizedLearnerOptions,
  type HiddenOptions,
  buildGenerator,
  checkMasked,
  completing,
  thumbnailLength,
  thumbnailSize,
} from 'brownian';
import type { FamilyConfig } from '../family-config.ts';
import { CHAINS, FLOW, HIDDEN, LANGEVIN, OPTIMIZER, POTENTIAL, SAMPLING, UPSAMPLING } from '../groups.ts';
import {
  clipInOrder,
  followNet,
  labelsAreThere,
  netHasItsChannels,
  netTakesItems,
  problemOf,
  unreadOfPotential,
} from '../rules.ts';

const { particles, bufferSize, fresh } = CHAINS;
const { steps, temperature } = SAMPLING;
const { implicitSteps: _, ...explicit } = FLOW;

/** Defaults as latents that begin at data ask for them. */
function startedAt(
  defaults: GeneralizedLearnerOptions,
  start: HiddenOptions['start'] | undefined,
  itemShape: readonly number[],
): GeneralizedLearnerOptions {
  if (itemShape.length !== 3) return defaults;
  if (start === 'masked') return completing(defaults, itemShape);
  return start === 'thumbnails'
    ? { ...defaults, hidden: { ...defaults.hidden, dim: thumbnailLength(itemShape) } }
    : defaults;
}

/** Options of the models whose particles begin where a generator puts them. */
export const GENERALIZED_CONFIG: FamilyConfig<'generalized'> = {
  title: 'generalised models',
  groups: {
    potential: POTENTIAL,
    langevin: LANGEVIN,
    flow: explicit,
    optimizer: OPTIMIZER,
    upsampling: UPSAMPLING,
    hidden: HIDDEN,
    chains: { particles, bufferSize, fresh },
    sampling: { steps, temperature },
  },
  batchSize: ({ chains }) => chains.particles,
  // A particle per item, a cosine as long as the run, and the channels of a net of the paper; latents of data ask for other defaults.
  follow: (defaults, { batchSize, iterations, itemShape, given }) => {
    const { start } = (given['hidden'] ?? {}) as Partial<HiddenOptions>;
    const options = startedAt(defaults, start, itemShape);
    return {
      ...options,
      potential: followNet(options.potential, given),
      chains: { ...options.chains, particles: batchSize ?? options.chains.particles },
      optimizer: { ...options.optimizer, decayIterations: iterations },
    };
  },
  rules: [
    netTakesItems,
    netHasItsChannels,
    labelsAreThere,
    clipInOrder,
    ({ chains }) =>
      chains.fresh < 1 &&
      chains.bufferSize < chains.particles &&
      `--chains.buffer-size is ${chains.bufferSize}, less than the ${chains.particles} particles of an iteration; ` +
        `it must be at least --chains.particles.`,
    ({ hidden }) =>
      hidden.sampling === 'rows' &&
      !hidden.learned &&
      '--hidden.sampling is rows, and no rows are kept; use --hidden.learned true, or start.',
    ({ hidden }, { itemShape }) => problemOf(() => thumbnailSize(itemShape, hidden.dim), hidden.start === 'thumbnails'),
    (config, { itemShape }) => problemOf(() => checkMasked(config, itemShape), true),
    ({ upsampling, hidden, potential: { classes } }, { itemShape }) =>
      problemOf(() => buildGenerator(upsampling, itemShape, { ...hidden, classes }), true),
  ],
  unread: ({ potential, flow, upsampling, hidden, chains }) => [
    ...unreadOfPotential(potential, flow.beta),
    {
      when: !hidden.learned,
      options: ['hidden.learningRate', 'hidden.prior'],
      because:
        '--hidden.learned is false, so there are no rows that learn; leave it out, or take --hidden.learned true',
    },
    {
      when: upsampling.net === 'linear',
      options: ['upsampling.width'],
      because: '--upsampling.net is linear, which has no hidden layer; leave it out or choose another net',
    },
    {
      when: potential.classes === 0,
      options: ['upsampling.embedding'],
      because: 'the model is not conditional on labels; leave it out, or give --potential.classes',
    },
    {
      when: chains.fresh === 1,
      options: ['chains.bufferSize'],
      because: '--chains.fresh is 1, so there is no replay buffer; leave it out, or take a smaller share',
    },
  ],
};
