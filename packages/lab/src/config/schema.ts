import { type Family, MODELS, type ModelName } from 'brownian';
import { z } from 'zod';
import { FAMILY_CONFIGS } from './families.ts';
import { type Fields, positive } from './groups.ts';
import type { ImageOptions, RunConfig, RunOptions } from './run-config.ts';

const RUN = {
  data: z
    .string()
    .min(1)
    .meta({ description: 'what to learn: a data set by name, a toy distribution, or a file or folder of images' }),
  model: z.enum(Object.keys(MODELS) as ModelName[]).meta({ description: 'the model to train' }),
  limit: z.int().min(1).nullable().meta({ description: 'use only so many items of the data', unit: 'items' }),
  batchSize: z.int().min(1).meta({ description: 'data items per iteration', unit: 'items' }),
  iterations: z.int().min(1).meta({ description: 'updates of the parameters, over all resumes', unit: 'iterations' }),
  minutes: positive().nullable().meta({
    description: 'stop after this time, over all resumes, if iterations do not end first',
    unit: 'minutes',
  }),
  seed: z.int().min(0).max(0xffff_ffff).meta({ description: 'seed of every random draw' }),
  threads: z
    .int()
    .min(1)
    .max(1024)
    .nullable()
    .meta({ description: 'CPU threads; none leaves it to the runtime', unit: 'threads' }),
  checkpointEvery: z.int().min(1).meta({ description: 'write a checkpoint this often', unit: 'iterations' }),
  gridEvery: z
    .int()
    .min(1)
    .meta({ description: 'draw the particles this often, and oftener at the start', unit: 'iterations' }),
  samples: z
    .int()
    .min(1)
    .max(10_000)
    .meta({ description: 'samples drawn for the report when training ends', unit: 'samples' }),
  onDivergence: z.enum(['stop', 'rollback']).meta({
    description: 'when training diverges: stop, or go back to the last good checkpoint with other noise',
  }),
  rollbacks: z.int().min(1).max(1000).meta({ description: 'with on-divergence rollback: at most this many' }),
} satisfies Fields<Omit<RunOptions, 'images'>>;

const IMAGES = {
  crop: z.int().min(1).nullable().meta({ description: 'cut out a centred square of this side first', unit: 'pixels' }),
  size: z
    .int()
    .min(1)
    .max(4096)
    .nullable()
    .meta({ description: 'scale to a square of this side (what is longer is cut off evenly)', unit: 'pixels' }),
  color: z.enum(['auto', 'rgb', 'grey']).meta({ description: 'channels; auto is grey where all images are, else rgb' }),
  range: z
    .tuple([z.number(), z.number()])
    .nullable()
    .meta({ description: 'values of floating-point images that become -1 and 1; none finds 0,1 or -1,1 or 0,255' }),
  flip: z.boolean().meta({ description: 'mirror each training image left to right with probability ½' }),
  dequantise: z.boolean().meta({ description: 'spread each of the 256 levels of training images over its width' }),
  labels: z
    .string()
    .min(1)
    .nullable()
    .meta({ description: 'file of labels (csv, txt; IDX or npy for arrays); none looks at sub-folders' }),
  testShare: z
    .number()
    .gt(0)
    .lt(1)
    .nullable()
    .meta({ description: 'share held out for tests, drawn by seed; none takes the parts that the data come in' }),
  memory: z
    .int()
    .min(16)
    .max(1_000_000)
    .meta({ description: 'memory for images; what does not fit is read again', unit: 'MB' }),
} satisfies Fields<ImageOptions>;

type Shape = Readonly<Record<string, z.ZodType>>;

/** The groups of options that a family of models has besides those of every run. */
function groupsOf(family: Family): readonly (readonly [group: string, shape: Shape])[] {
  return Object.entries(FAMILY_CONFIGS[family].groups as Readonly<Record<string, Shape>>);
}

/** Checks a full configuration of a run of a family: every option present, nothing else. */
export function configSchema(family: Family): z.ZodType<RunConfig> {
  const groups = groupsOf(family).map(([group, shape]) => [group, z.strictObject(shape)] as const);
  const schema = z.strictObject({ ...RUN, images: z.strictObject(IMAGES), ...Object.fromEntries(groups) });
  // The tables are tied to the interfaces one by one; a spread forgets it.
  return schema as unknown as z.ZodType<RunConfig>;
}

/** Checks the name of a model, whatever stands beside it. */
export const MODEL: z.ZodType<{ readonly model: ModelName }> = z.looseObject({ model: RUN.model });

/** The groups of all families, with the options that any of them has. */
function allGroups(): Record<string, Shape> {
  const all: Record<string, Shape> = {};
  for (const family of Object.keys(FAMILY_CONFIGS) as Family[])
    for (const [group, shape] of groupsOf(family)) all[group] = { ...all[group], ...shape };
  return all;
}

/** Checks settings as a file or the command line gives them: any subset of the options of any model, nothing else. */
export const SETTINGS: z.ZodType = z
  .strictObject({
    ...RUN,
    images: z.strictObject(IMAGES).partial(),
    ...Object.fromEntries(
      Object.entries(allGroups()).map(([group, shape]) => [group, z.strictObject(shape).partial()]),
    ),
  })
  .partial();

/** Titles of the groups of options, by their key in the configuration; the options of the run itself have the key ''. */
export const GROUP_TITLES: Readonly<Record<string, string>> = {
  '': 'Run',
  images: 'Images: how they are read',
  potential: 'Potential Φ',
  langevin: 'Langevin dynamics',
  flow: 'Flow: how parameters learn',
  optimizer: 'Optimizer',
  upsampling: 'Generator: where particles start',
  hidden: 'Hidden space: what the generator starts from',
  chains: 'Chains: where particles start',
  sampling: 'Sampling',
  grids: 'Grids of multi-grid models',
  generator: 'Generator',
  discriminator: 'Discriminator: what items are compared by',
  loss: 'Loss of adversarial models',
  path: 'Path from noise to data',
  preview: 'Preview: particles to look at',
};

/** Short spellings of the options used most, by the path they stand for. */
export const FLAG_ALIASES: Readonly<Record<string, string>> = {
  'langevin.steps': 'steps',
  'optimizer.learningRate': 'learning-rate',
  'flow.beta': 'beta',
  'potential.net': 'filters',
  'potential.classes': 'classes',
};

/** Images as they are stored. */
export const IMAGE_DEFAULTS: ImageOptions = {
  crop: null,
  size: null,
  color: 'auto',
  range: null,
  flip: false,
  dequantise: false,
  labels: null,
  testShare: null,
  memory: 1024,
};

/** Defaults of the run's own options; the model and the data decide the others. */
export const RUN_DEFAULTS: Omit<RunOptions, 'data' | 'batchSize'> = {
  model: 'wgcn',
  limit: null,
  iterations: 2000,
  minutes: null,
  seed: 1,
  threads: null,
  checkpointEvery: 200,
  gridEvery: 50,
  samples: 100,
  onDivergence: 'stop',
  rollbacks: 3,
  images: IMAGE_DEFAULTS,
};

/** Defaults of the run's own options for a model on items of a shape. */
export function runDefaults(model: RunOptions['model'], itemShape: readonly number[]): typeof RUN_DEFAULTS {
  return { ...RUN_DEFAULTS, model, iterations: MODELS[model].iterations?.(itemShape) ?? RUN_DEFAULTS.iterations };
}
