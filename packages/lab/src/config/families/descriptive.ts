import { gridShapes } from 'brownian';
import type { FamilyConfig } from '../family-config.ts';
import { CHAINS, FLOW, GRIDS, LANGEVIN, OPTIMIZER, POTENTIAL, SAMPLING } from '../groups.ts';

/** The message of what a check throws; false when it does not apply or throws nothing. */
function problemOf(verify: () => unknown, applies: boolean): string | false {
  if (!applies) return false;
  try {
    verify();
    return false;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

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
  // A particle per item, and a cosine as long as the run.
  follow: (defaults, { batchSize, iterations }) => ({
    ...defaults,
    chains: { ...defaults.chains, particles: batchSize ?? defaults.chains.particles },
    optimizer: { ...defaults.optimizer, decayIterations: iterations },
  }),
  rules: [
    ({ potential: { net } }, { itemShape }) =>
      (net === 'mlp') !== (itemShape.length === 1) &&
      `--potential.net is ${net}, which takes ${net === 'mlp' ? 'points' : 'images'}; the items of these data have shape ` +
        `[${itemShape.join(', ')}]${net === 'mlp' ? ', so use conv, gabor or vgg.' : ', so use mlp (gcn and wgcn have it as their default).'}`,
    ({ potential: { net, channels } }) =>
      (net === 'conv' || net === 'grid' || net === 'mlp') &&
      channels.length === 0 &&
      `--potential.channels is empty; ${net} needs a list of whole numbers such as 16,32,64.`,
    ({ langevin: { clip } }) =>
      clip !== null &&
      clip[0] >= clip[1] &&
      `--langevin.clip is ${clip.join(',')}; its first number must be below its second.`,
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
};
