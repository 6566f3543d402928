import { type HiddenOptions, buildGenerator, checkMasked, completing, thumbnailSize } from 'brownian';
import type { FamilyConfig } from '../family-config.ts';
import { CHAINS, FLOW, HIDDEN, LANGEVIN, OPTIMIZER, POTENTIAL, SAMPLING, UPSAMPLING } from '../groups.ts';
import { clipInOrder, labelsAreThere, netTakesItems, problemOf } from '../rules.ts';

const { particles, bufferSize, fresh } = CHAINS;
const { steps, temperature } = SAMPLING;
const { implicitSteps: _, ...flow } = FLOW;

/** Options of the models whose particles begin where a generator puts them. */
export const GENERALIZED_CONFIG: FamilyConfig<'generalized'> = {
  title: 'generalised models',
  groups: {
    potential: POTENTIAL,
    langevin: LANGEVIN,
    flow,
    optimizer: OPTIMIZER,
    upsampling: UPSAMPLING,
    hidden: HIDDEN,
    chains: { particles, bufferSize, fresh },
    sampling: { steps, temperature },
  },
  batchSize: ({ chains }) => chains.particles,
  // A particle per item, and a cosine as long as the run; masked images ask for other defaults.
  follow: (defaults, { batchSize, iterations, itemShape, given }) => {
    const { start } = (given['hidden'] ?? {}) as Partial<HiddenOptions>;
    const options = start === 'masked' && itemShape.length === 3 ? completing(defaults, itemShape) : defaults;
    return {
      ...options,
      chains: { ...options.chains, particles: batchSize ?? options.chains.particles },
      optimizer: { ...options.optimizer, decayIterations: iterations },
    };
  },
  rules: [
    netTakesItems,
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
};
