import { gridShapes } from 'brownian';
import type { FamilyConfig } from '../family-config.ts';
import { CHAINS, FLOW, GRIDS, LANGEVIN, OPTIMIZER, POTENTIAL, SAMPLING } from '../groups.ts';
import {
  clipInOrder,
  followNet,
  labelsAreThere,
  netHasItsChannels,
  netTakesItems,
  problemOf,
  unreadOfPotential,
} from '../rules.ts';

/** Options of the models that are a potential alone. */
export const DESCRIPTIVE_CONFIG: FamilyConfig<'descriptive'> = {
  title: 'descriptive models',
  groups: {
    potential: POTENTIAL,
    langevin: LANGEVIN,
    flow: FLOW,
    optimizer: OPTIMIZER,
    chains: CHAINS,
    sampling: SAMPLING,
    grids: GRIDS,
  },
  batchSize: ({ chains }) => chains.particles,
  // A particle per item, a cosine as long as the run, and the channels of a net of the paper.
  follow: (defaults, { batchSize, iterations, given }) => ({
    ...defaults,
    potential: followNet(defaults.potential, given),
    chains: { ...defaults.chains, particles: batchSize ?? defaults.chains.particles },
    optimizer: { ...defaults.optimizer, decayIterations: iterations },
  }),
  rules: [
    netTakesItems,
    netHasItsChannels,
    labelsAreThere,
    ({ grids, potential: { classes } }) =>
      grids.sizes.length > 0 &&
      classes > 0 &&
      `--potential.classes is ${classes}; models of several grids are unconditional, so leave it out.`,
    clipInOrder,
    ({ grids, chains }) =>
      grids.sizes.length > 0 &&
      chains.kind !== 'persistent' &&
      `--chains.kind is ${chains.kind}; with grids it must be persistent, since their particles start anew at every iteration.`,
    ({ grids }, { itemShape }) => problemOf(() => gridShapes(itemShape, grids.sizes), grids.sizes.length > 0),
    ({ chains }) =>
      chains.kind === 'buffer' &&
      chains.bufferSize < chains.particles &&
      `--chains.buffer-size is ${chains.bufferSize}, less than the ${chains.particles} particles of an iteration; ` +
        `it must be at least --chains.particles.`,
  ],
  unread: ({ potential, flow, grids }) => [
    ...unreadOfPotential(potential, Math.max(flow.beta, ...grids.betas)),
    {
      when: grids.sizes.length === 0,
      options: ['grids.steps', 'grids.betas', 'grids.startNoise', 'grids.upscaling'],
      because: 'there is one grid; leave it out, or give --grids.sizes',
    },
  ],
};
