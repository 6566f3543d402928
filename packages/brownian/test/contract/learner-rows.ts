import { createStream } from '@brownian/runtime';
import { imageDataset } from '../../src/data/dataset.ts';
import { toyDataset } from '../../src/data/toy2d/table.ts';
import type { Dataset } from '../../src/interfaces.ts';
import type { DescriptorLearnerOptions } from '../../src/learners/options.ts';
import { MODELS, type ModelName } from '../../src/learners/presets.ts';

/** A learner at a size that the float64 interpreter steps in milliseconds. */
export interface LearnerCase {
  readonly label: string;
  readonly model: ModelName<'descriptive'>;
  readonly data: Dataset;
  readonly options: DescriptorLearnerOptions;
}

const PARTICLES = 5;
/** Particles a learner can start samples from: fewer than the largest `sample(n)` of the suite. */
export const BUFFER = 8;

const noise = createStream('contract images').integers([12, 8, 8], 0, 256).data;
const IMAGES = imageDataset({
  name: 'noise',
  images: { shape: [12, 8, 8], data: Uint8Array.from(noise as Int32Array) },
  labels: Array.from({ length: 12 }, (_, i) => i % 3),
});
const POINTS = toyDataset('8-gaussians', createStream('contract points'), 32);

type Edit = (options: DescriptorLearnerOptions) => DescriptorLearnerOptions;

/** The preset with fewer channels, particles and steps; all its other choices stay. */
function small(model: ModelName<'descriptive'>, data: Dataset): DescriptorLearnerOptions {
  const options = MODELS[model].defaults(data.itemShape);
  return {
    ...options,
    potential: {
      ...options.potential,
      channels: options.potential.channels.slice(0, 2).map((_, i) => 3 + i),
      hidden: Math.min(options.potential.hidden, 4),
    },
    langevin: { ...options.langevin, steps: 2 },
    chains: { ...options.chains, particles: PARTICLES, bufferSize: BUFFER },
    sampling: { ...options.sampling, steps: 2 },
  };
}

function learnerCase(
  model: ModelName<'descriptive'>,
  data: Dataset,
  label = '',
  edit: Edit = (options) => options,
): LearnerCase {
  const kind = data === POINTS ? 'points' : 'images';
  return { label: `${model} on ${kind}${label}`, model, data, options: edit(small(model, data)) };
}

const fromChains = { from: 'chains', steps: 2, temperature: null } as const;
const persistent: Edit = (o) => ({
  ...o,
  chains: { ...o.chains, kind: 'persistent', fresh: 0.4, start: 'noise' },
  optimizer: { ...o.optimizer, ema: 0 },
  sampling: fromChains,
});
const buffered: Edit = (o) => ({
  ...o,
  chains: { ...o.chains, kind: 'buffer', fresh: 0.4 },
  optimizer: { ...o.optimizer, ema: 0.9 },
  sampling: fromChains,
});
const fromStart: Edit = (o) => ({ ...o, sampling: { ...o.sampling, from: 'start', temperature: 0.5 } });
const everyOption: Edit = (o) => ({
  ...o,
  potential: { ...o.potential, theta: 'channel', activation: 'gelu', hidden: 0, gain: 3 },
  langevin: {
    ...o.langevin,
    clip: [-1, 1],
    gradientClip: 1,
    maxDisplacement: 0.01,
    temperature: 0.5,
    speedDrift: true,
  },
  flow: { ...o.flow, energyL2: 0.2, dataNoise: 0.1, penalty: 'directional' },
  chains: { ...o.chains, start: 'uniform', range: [-0.5, 0] },
  optimizer: { ...o.optimizer, rule: 'lamb', schedule: 'cosine', warmup: 2, gradientClip: 1, weightClip: 0.5 },
});

const conditional: Edit = (o) => ({ ...o, potential: { ...o.potential, classes: 3 } });

const twoGrids: Edit = (o) => ({
  ...o,
  grids: { sizes: [2, 8], steps: [3, 1], betas: [], startNoise: 0.1, upscaling: 'linear' },
});

/** What to put every descriptive learner through, by the name in the table of models. */
export const LEARNER_ROWS: Readonly<Record<ModelName<'descriptive'>, readonly LearnerCase[]>> = {
  pgcn: [
    learnerCase('pgcn', IMAGES),
    learnerCase('pgcn', IMAGES, ' with a buffer and an average', buffered),
    learnerCase('pgcn', IMAGES, ' conditional on labels', conditional),
  ],
  'w-pgcn': [
    learnerCase('w-pgcn', IMAGES),
    learnerCase('w-pgcn', IMAGES, ' and weights per channel', everyOption),
    learnerCase('w-pgcn', IMAGES, ' conditional on labels', conditional),
  ],
  gcn: [
    learnerCase('gcn', IMAGES),
    learnerCase('gcn', POINTS),
    learnerCase('gcn', POINTS, ' with persistent chains', persistent),
    learnerCase('gcn', IMAGES, ' conditional on labels', conditional),
    learnerCase('gcn', POINTS, ' sampled from new particles', fromStart),
  ],
  wgcn: [
    learnerCase('wgcn', IMAGES),
    learnerCase('wgcn', IMAGES, ' with every option', everyOption),
    learnerCase('wgcn', POINTS),
    learnerCase('wgcn', POINTS, ' with persistent chains', persistent),
    learnerCase('wgcn', IMAGES, ' with persistent chains, conditional on labels', (o) => conditional(persistent(o))),
  ],
  'm-gcn': [learnerCase('m-gcn', IMAGES, ' of two grids', twoGrids), learnerCase('m-gcn', POINTS, ', one grid')],
  'wm-gcn': [learnerCase('wm-gcn', IMAGES, ' of two grids', twoGrids)],
};

/** Every case of every row. */
export const LEARNER_CASES: readonly LearnerCase[] = Object.values(LEARNER_ROWS).flat();
