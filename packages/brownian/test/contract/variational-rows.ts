import { createStream } from '@brownian/runtime';
import { imageDataset } from '../../src/data/dataset.ts';
import { toyDataset } from '../../src/data/toy2d/table.ts';
import type { Dataset } from '../../src/interfaces.ts';
import { MODELS, type ModelName } from '../../src/learners/presets.ts';
import type { VariationalLearnerOptions } from '../../src/learners/variational-options.ts';

/** A learner at a size that the float64 interpreter steps in milliseconds. */
export interface VariationalCase {
  readonly label: string;
  readonly model: ModelName<'variational'>;
  readonly data: Dataset;
  readonly options: VariationalLearnerOptions;
  /** What `brownian report` draws of it. */
  readonly metrics: readonly string[];
  readonly particles: number;
}

const noise = createStream('variational images').integers([12, 8, 8], 0, 256).data;
const IMAGES = imageDataset({
  name: 'noise',
  images: { shape: [12, 8, 8], data: Uint8Array.from(noise as Int32Array) },
});
const POINTS = toyDataset('8-gaussians', createStream('variational points'), 32);
const PARTICLES = 3;
const METRICS = [
  'loss',
  'covariance',
  'flowSpeed',
  'potentialSquare',
  'potentialData',
  'potentialParticles',
  'gradientNorm',
  'parameterGradientNorm',
];

type Edit = (options: VariationalLearnerOptions) => VariationalLearnerOptions;

/** The preset with few units, a short preview and an easy flow; all its other choices stay. */
function small(data: Dataset): VariationalLearnerOptions {
  const options = MODELS.vapo.defaults(data.itemShape);
  return {
    ...options,
    potential: { ...options.potential, channels: [3, 4], hidden: Math.min(options.potential.hidden, 4), gain: 1 },
    path: { ...options.path, dataStd: 0.3 },
    preview: { particles: PARTICLES, steps: 2 },
  };
}

function variationalCase(data: Dataset, label = '', edit: Edit = (options) => options): VariationalCase {
  const kind = data === POINTS ? 'points' : 'images';
  return {
    label: `vapo on ${kind}${label}`,
    model: 'vapo',
    data,
    options: edit(small(data)),
    metrics: METRICS,
    particles: PARTICLES,
  };
}

const everyOption: Edit = (o) => ({
  ...o,
  potential: { ...o.potential, net: 'wide-resnet', channels: [2, 3], blocks: 1, hidden: 0, gain: 2, clock: true },
  path: { priorStd: 0.8, dataStd: 0.2, epsilon: 1e-3 },
  flow: { estimator: 'covariance', penalty: 'directional', poincare: 0.1 },
  optimizer: { ...o.optimizer, rule: 'lamb', warmup: 2, gradientClip: 1, ema: 0 },
  sampling: { ...o.sampling, solver: 'heun', stepSize: 0.25, tEnd: 1 },
});

/** What to put every variational learner through, by the name in the table of models. */
export const VARIATIONAL_ROWS: Readonly<Record<ModelName<'variational'>, readonly VariationalCase[]>> = {
  vapo: [
    variationalCase(POINTS),
    variationalCase(POINTS, ' without a clock', (o) => ({ ...o, potential: { ...o.potential, clock: false } })),
    variationalCase(IMAGES),
    variationalCase(IMAGES, ' with every option', everyOption),
  ],
};
