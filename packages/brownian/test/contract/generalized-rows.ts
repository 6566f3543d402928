import { createStream } from '@brownian/runtime';
import { imageDataset } from '../../src/data/dataset.ts';
import { toyDataset } from '../../src/data/toy2d/table.ts';
import type { Dataset } from '../../src/interfaces.ts';
import type { GeneralizedLearnerOptions } from '../../src/learners/options.ts';
import { completing } from '../../src/learners/masked.ts';
import { MODELS, type ModelName } from '../../src/learners/presets.ts';

/** A learner at a size that the float64 interpreter steps in milliseconds. */
export interface GeneralizedCase {
  readonly label: string;
  readonly model: ModelName<'generalized'>;
  readonly data: Dataset;
  readonly options: GeneralizedLearnerOptions;
  /** What `brownian report` draws of it, in every iteration. */
  readonly metrics: readonly string[];
  /** And in the iterations in which the generator learns, every so many. */
  readonly also: { readonly every: number; readonly metrics: readonly string[] };
  readonly particles: number;
}

const PARTICLES = 5;
const BUFFER = 8;

const noise = createStream('contract images').integers([12, 8, 8], 0, 256).data;
const IMAGES = imageDataset({
  name: 'noise',
  images: { shape: [12, 8, 8], data: Uint8Array.from(noise as Int32Array) },
  labels: Array.from({ length: 12 }, (_, i) => i % 3),
});
const POINTS = toyDataset('8-gaussians', createStream('contract points'), 32);

/** Metrics, besides those of any descriptive model. */
function reported({
  flow,
  langevin,
  upsampling,
  hidden,
}: GeneralizedLearnerOptions): Pick<GeneralizedCase, 'metrics' | 'also'> {
  const synthesizer = [
    'responseDistance',
    'potentialData',
    'potentialParticles',
    'gradientNorm',
    'parameterGradientNorm',
    'loss',
    ...(flow.beta > 0 ? ['speed', 'previousSpeed'] : []),
    ...(langevin.reference ? ['energy'] : []),
  ];
  const generator = ['generatorLoss', 'generatorGradientNorm', 'reconstructionError', 'potentialGenerated'];
  return {
    metrics: synthesizer,
    also: {
      every: upsampling.every,
      metrics: [
        ...generator,
        ...(hidden.start === 'masked' ? ['completionError'] : []),
        ...(hidden.learned ? ['hiddenNorm'] : []),
      ],
    },
  };
}

type Change = (options: GeneralizedLearnerOptions) => GeneralizedLearnerOptions;

/** A preset of the family with a generator, with fewer channels, particles and steps; the generator learns in every second iteration. */
function generalizedCase(
  model: ModelName<'generalized'>,
  data: Dataset,
  label = '',
  change: Change = (options) => options,
): GeneralizedCase {
  const options = MODELS[model].defaults(data.itemShape);
  const kind = data === POINTS ? 'points' : 'images';
  const tiny: GeneralizedLearnerOptions = {
    ...options,
    potential: { ...options.potential, channels: [3, 4] },
    langevin: { ...options.langevin, steps: Math.min(options.langevin.steps, 2) },
    upsampling: { ...options.upsampling, width: 3, every: Math.min(options.upsampling.every, 2), embedding: 2 },
    hidden: { ...options.hidden, dim: 4 },
    chains: { ...options.chains, particles: PARTICLES, bufferSize: BUFFER },
    sampling: { ...options.sampling, steps: Math.min(options.sampling.steps, 2) },
  };
  const changed = change(tiny);
  return {
    label: `${model} on ${kind}${label}`,
    model,
    data,
    options: changed,
    particles: PARTICLES,
    ...reported(changed),
  };
}

const withLabels: Change = (o) => ({ ...o, potential: { ...o.potential, classes: 3 } });
const withReference: Change = (o) => ({ ...o, langevin: { ...o.langevin, reference: true } });
const withReplay: Change = (o) => ({ ...o, chains: { ...o.chains, fresh: 0.4 } });
const fromThumbnails: Change = (o) => ({ ...o, hidden: { ...o.hidden, start: 'thumbnails' } });
const masked: Change = (o) => {
  const options = completing(o, IMAGES.itemShape);
  return {
    ...options,
    potential: { ...options.potential, channels: [3, 4] },
    upsampling: { ...options.upsampling, width: 2 },
  };
};
const sampledFromRows: Change = (o) => ({
  ...o,
  hidden: { ...o.hidden, sampling: 'rows', prior: 0.1 },
  optimizer: { ...o.optimizer, ema: 0 },
  sampling: { steps: 1, temperature: 0.5 },
});

/** What to put every generalised learner through, by the name in the table of models. */
export const GENERALIZED_ROWS: Readonly<Record<ModelName<'generalized'>, readonly GeneralizedCase[]>> = {
  'ggcn-minus': [
    generalizedCase('ggcn-minus', IMAGES),
    generalizedCase('ggcn-minus', IMAGES, ' with a replay buffer and labels', (o) => withLabels(withReplay(o))),
    generalizedCase('ggcn-minus', IMAGES, ' from thumbnails', fromThumbnails),
    generalizedCase('ggcn-minus', IMAGES, ' from thumbnails with a replay buffer and labels', (o) =>
      fromThumbnails(withLabels(withReplay(o))),
    ),
  ],
  'ggcn-minus-star': [
    generalizedCase('ggcn-minus-star', IMAGES),
    generalizedCase('ggcn-minus-star', POINTS),
    generalizedCase('ggcn-minus-star', IMAGES, ' with a linear generator', (o) => ({
      ...o,
      upsampling: { ...o.upsampling, net: 'linear' },
    })),
  ],
  ggcn: [
    generalizedCase('ggcn', IMAGES),
    generalizedCase('ggcn', IMAGES, ' with a replay buffer and labels', (o) => withLabels(withReplay(o))),
    generalizedCase('ggcn', IMAGES, ' from thumbnails', fromThumbnails),
    generalizedCase('ggcn', IMAGES, ' that are masked', masked),
  ],
  'ggcn-star': [
    generalizedCase('ggcn-star', IMAGES),
    generalizedCase('ggcn-star', POINTS, ' sampled from learned rows', sampledFromRows),
    generalizedCase('ggcn-star', IMAGES, ' conditional on labels', withLabels),
    generalizedCase('ggcn-star', IMAGES, ' with labels, sampled from learned rows', (o) =>
      withLabels(sampledFromRows(o)),
    ),
    generalizedCase('ggcn-star', IMAGES, ' with a reference and labels', (o) => withLabels(withReference(o))),
    generalizedCase('ggcn-star', IMAGES, ' that are masked', masked),
  ],
  coop: [generalizedCase('coop', IMAGES), generalizedCase('coop', POINTS)],
};

/** Every case of every row. */
export const GENERALIZED_CASES: readonly GeneralizedCase[] = Object.values(GENERALIZED_ROWS).flat();
