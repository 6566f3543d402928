import { MODELS, type ModelName } from 'brownian';
import type {
  ChainOptions,
  DescriptorLearnerOptions,
  DescriptorOptions,
  FlowOptions,
  GridOptions,
  LangevinOptions,
  OptimizerOptions,
  SamplingOptions,
} from 'brownian';
import { z } from 'zod';

/** How images are read and brought into form; points have none of it. */
export interface ImageOptions {
  readonly crop: number | null;
  readonly size: number | null;
  readonly color: 'auto' | 'rgb' | 'grey';
  readonly range: readonly [number, number] | null;
  readonly flip: boolean;
  readonly dequantise: boolean;
  /** A file of labels; null finds them in sub-folders, or in a file beside the images. */
  readonly labels: string | null;
  /** Share of the images that makes the test part; null takes the parts that the data come in. */
  readonly testShare: number | null;
  /** Megabytes of images that may be held in memory. */
  readonly memory: number;
}

/** What a run is told besides its model's own options. */
export interface RunOptions {
  /** A data set by name, a toy distribution, or a file or folder of images. */
  readonly data: string;
  readonly model: ModelName;
  /** Use only this many items of the data; null uses all. */
  readonly limit: number | null;
  readonly batchSize: number;
  readonly iterations: number;
  /** Minutes of training in all; null trains for `iterations`. */
  readonly minutes: number | null;
  readonly seed: number;
  /** CPU threads; null leaves it to the runtime. */
  readonly threads: number | null;
  readonly checkpointEvery: number;
  readonly gridEvery: number;
  /** Samples drawn for the report when training ends. */
  readonly samples: number;
  /** When training diverges: end it, or go back to the last good checkpoint and draw other noise. */
  readonly onDivergence: 'stop' | 'rollback';
  /** Rollbacks before a run that diverges again is ended. */
  readonly rollbacks: number;
  readonly images: ImageOptions;
}

/** The full configuration of a run: everything that decides what it computes. */
export interface RunConfig extends RunOptions, DescriptorLearnerOptions {}

/** Ties a table of fields to an interface: an option added there and not here does not compile, nor the reverse. */
type Fields<T> = { readonly [K in keyof T]-?: z.ZodType<T[K]> };

const positive = (): z.ZodNumber => z.number().gt(0);
const share = (): z.ZodNumber => z.number().min(0).max(1);
const decay = (): z.ZodNumber => z.number().min(0).lt(1);

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

const POTENTIAL = {
  net: z.string().min(1).meta({
    description:
      'filters of Φ: conv, grid or mlp (learned), gabor, vgg, classifier, or a .safetensors or .onnx file or address (fixed)',
  }),
  channels: z
    .array(z.int().min(1))
    .meta({ description: 'channels (widths, for mlp) of the successive layers; fixed filters have their own' }),
  kernels: z
    .array(z.int().min(1))
    .meta({ description: 'kernel of each conv layer (stride 2); the last holds for those after it', unit: 'pixels' }),
  hidden: z
    .int()
    .min(0)
    .meta({ description: 'units of a dense layer after the convolutions; 0 leaves it out', unit: 'units' }),
  activation: z
    .enum(['relu', 'leakyRelu', 'gelu', 'silu', 'softplus', 'tanh'])
    .meta({ description: 'nonlinearity between the layers' }),
  theta: z.enum(['position', 'channel']).meta({ description: 'weights of fixed filters: per position or per channel' }),
  gain: positive().meta({ description: 'multiplies Φ: how far particles move in a step of size h' }),
} satisfies Fields<DescriptorOptions>;

const LANGEVIN = {
  steps: z.int().min(1).meta({ description: 'Langevin steps per iteration (L)', unit: 'steps' }),
  form: z
    .enum(['preconditioned', 'literal'])
    .meta({ description: 'a gradient moves particles by (δσ)²/2, or by δ²/2 as the algorithm is printed' }),
  delta: positive().meta({ description: 'step δ; the effective step is h = δσ' }),
  sigma: positive().meta({ description: 'standard deviation σ of the reference Gaussian', unit: 'units of x' }),
  reference: z.boolean().meta({ description: 'include the reference term −x/σ²' }),
  speedDrift: z.boolean().meta({ description: 'add the drift −∇‖∇Φ‖² of Eq. 16' }),
  temperature: z.number().min(0).meta({ description: 'multiplies the variance of the noise; 0 is gradient ascent' }),
  clip: z
    .tuple([z.number(), z.number()])
    .nullable()
    .meta({ description: 'clamp particles to low,high after every step' }),
  gradientClip: positive().nullable().meta({ description: 'largest Euclidean norm of one particle’s ∇Φ' }),
  maxDisplacement: positive()
    .nullable()
    .meta({ description: 'largest change of a coordinate by ∇Φ in one step', unit: 'units of x' }),
} satisfies Fields<LangevinOptions>;

const FLOW = {
  beta: z.number().min(0).meta({ description: 'weight β of the squared-speed penalty (JKO); 0 is maximum likelihood' }),
  penalty: z
    .enum(['double-backprop', 'directional'])
    .meta({ description: 'how the penalty is differentiated; both ways are equal' }),
  implicitSteps: z.int().min(0).max(20).meta({
    description: 'solver steps that take the penalty’s step implicitly (fixed filters, sgd); 0 takes it explicitly',
  }),
  energyL2: z.number().min(0).meta({ description: 'weight of mean Φ², which keeps the potential bounded' }),
  dataNoise: z.number().min(0).meta({ description: 'standard deviation of noise added to data', unit: 'units of x' }),
} satisfies Fields<FlowOptions>;

const OPTIMIZER = {
  rule: z.enum(['sgd', 'adam', 'lamb']).meta({ description: 'update rule of the parameters' }),
  learningRate: positive().meta({ description: 'learning rate λ' }),
  momentum: decay().meta({ description: 'momentum of sgd, β₁ of adam and lamb' }),
  schedule: z.enum(['constant', 'cosine']).meta({ description: 'learning rate over the iterations' }),
  decayIterations: z.int().min(1).meta({
    description: 'length of the cosine; follows iterations unless it is given',
    unit: 'iterations',
  }),
  warmup: z.int().min(0).meta({ description: 'linear warm-up of the learning rate', unit: 'iterations' }),
  gradientClip: positive().nullable().meta({ description: 'largest global norm of the parameter gradient' }),
  weightClip: positive().nullable().meta({ description: 'largest absolute value of a learned parameter' }),
  ema: decay().meta({ description: 'decay of the averaged parameters that samples use; 0 uses the parameters' }),
} satisfies Fields<OptimizerOptions>;

const CHAINS = {
  kind: z
    .enum(['persistent', 'buffer'])
    .meta({ description: 'particles continue the last iteration’s, or come from a buffer' }),
  particles: z
    .int()
    .min(1)
    .meta({ description: 'particles per iteration (M); follows batch-size when that is given', unit: 'particles' }),
  bufferSize: z.int().min(1).meta({ description: 'size of the replay buffer', unit: 'particles' }),
  fresh: share().meta({ description: 'share of particles restarted at each iteration' }),
  start: z
    .enum(['zero', 'noise', 'uniform'])
    .meta({ description: 'where new chains begin: 0, N(0, σ²), or uniform in range' }),
  range: z.tuple([z.number(), z.number()]).meta({ description: 'low,high of uniform starts', unit: 'units of x' }),
} satisfies Fields<ChainOptions>;

const SAMPLING = {
  from: z.enum(['chains', 'start']).meta({ description: 'samples go on from the model’s chains, or begin anew' }),
  steps: z.int().min(0).meta({ description: 'Langevin steps of a sample', unit: 'steps' }),
  temperature: z
    .number()
    .min(0)
    .nullable()
    .meta({ description: 'temperature of those steps; none takes that of training' }),
} satisfies Fields<SamplingOptions>;

const GRIDS = {
  sizes: z
    .array(z.int().min(1))
    .meta({ description: 'heights of the grids from the coarsest up to the data’s; none is one grid', unit: 'pixels' }),
  steps: z
    .array(z.int().min(1))
    .meta({ description: 'Langevin steps of each grid; none takes langevin.steps', unit: 'steps' }),
  betas: z.array(z.number().min(0)).meta({ description: 'β of each grid; none takes flow.beta' }),
  startNoise: z.number().min(0).meta({
    description: 'standard deviation of noise added to the mean colours where the coarsest grid starts',
    unit: 'units of x',
  }),
} satisfies Fields<GridOptions>;

/** Checks a full configuration: every option present, nothing else. */
export const CONFIG: z.ZodType<RunConfig> = z.strictObject({
  ...RUN,
  images: z.strictObject(IMAGES),
  potential: z.strictObject(POTENTIAL),
  langevin: z.strictObject(LANGEVIN),
  flow: z.strictObject(FLOW),
  optimizer: z.strictObject(OPTIMIZER),
  chains: z.strictObject(CHAINS),
  sampling: z.strictObject(SAMPLING),
  grids: z.strictObject(GRIDS),
});

/** Checks settings as a file or the command line gives them: any subset of the options, nothing else. */
export const SETTINGS: z.ZodType = z
  .strictObject({
    ...RUN,
    images: z.strictObject(IMAGES).partial(),
    potential: z.strictObject(POTENTIAL).partial(),
    langevin: z.strictObject(LANGEVIN).partial(),
    flow: z.strictObject(FLOW).partial(),
    optimizer: z.strictObject(OPTIMIZER).partial(),
    chains: z.strictObject(CHAINS).partial(),
    sampling: z.strictObject(SAMPLING).partial(),
    grids: z.strictObject(GRIDS).partial(),
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
  chains: 'Chains: where particles start',
  sampling: 'Sampling',
  grids: 'Grids of multi-grid models',
};

/** Short spellings of the options used most, by the path they stand for. */
export const FLAG_ALIASES: Readonly<Record<string, string>> = {
  'langevin.steps': 'steps',
  'optimizer.learningRate': 'learning-rate',
  'flow.beta': 'beta',
  'potential.net': 'filters',
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
