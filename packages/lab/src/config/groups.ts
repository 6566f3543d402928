import type {
  ChainOptions,
  DescriptorOptions,
  FlowOptions,
  GridOptions,
  HiddenOptions,
  LangevinOptions,
  OptimizerOptions,
  SamplingOptions,
  UpsamplingOptions,
} from 'brownian';
import { z } from 'zod';

/** Ties a table of fields to an interface: an option added there and not here does not compile, nor the reverse. */
export type Fields<T> = { readonly [K in keyof T]-?: z.ZodType<T[K]> };

/** Numbers that several groups have. */
export const positive = (): z.ZodNumber => z.number().gt(0);
export const share = (): z.ZodNumber => z.number().min(0).max(1);
export const decay = (): z.ZodNumber => z.number().min(0).lt(1);

/** `potential.*` */
export const POTENTIAL: Fields<DescriptorOptions> = {
  net: z.string().min(1).meta({
    description:
      'network of Φ: conv, grid, v0, resnet50, mlp or wide-resnet (learned), gabor, vgg, classifier, or a .safetensors or .onnx file or address (fixed)',
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
  gain: positive().meta({ description: 'multiplies the network’s output: how fast particles move' }),
  classes: z.int().min(0).meta({ description: 'labels that Φ, and samples, are conditional on; 0 is unconditional' }),
};

/** `langevin.*` */
export const LANGEVIN: Fields<LangevinOptions> = {
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
};

/** `flow.*` */
export const FLOW: Fields<FlowOptions> = {
  beta: z.number().min(0).meta({ description: 'weight β of the squared-speed penalty (JKO); 0 is maximum likelihood' }),
  penalty: z
    .enum(['double-backprop', 'directional'])
    .meta({ description: 'how ‖∇Φ‖² is differentiated; both ways are equal' }),
  implicitSteps: z.int().min(0).max(20).meta({
    description: 'solver steps that take the penalty’s step implicitly (fixed filters, sgd); 0 takes it explicitly',
  }),
  energyL2: z.number().min(0).meta({ description: 'weight of mean Φ², which keeps the potential bounded' }),
  dataNoise: z.number().min(0).meta({ description: 'standard deviation of noise added to data', unit: 'units of x' }),
};

/** `optimizer.*` */
export const OPTIMIZER: Fields<OptimizerOptions> = {
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
};

/** `chains.*` */
export const CHAINS: Fields<ChainOptions> = {
  kind: z
    .enum(['persistent', 'buffer'])
    .meta({ description: 'particles continue the last iteration’s, or come from a buffer' }),
  particles: z
    .int()
    .min(1)
    .meta({ description: 'particles per iteration (M); follows batch-size when that is given', unit: 'particles' }),
  bufferSize: z.int().min(1).meta({ description: 'size of the replay buffer', unit: 'particles' }),
  fresh: share().meta({ description: 'share of particles restarted at each iteration, on average' }),
  start: z
    .enum(['zero', 'noise', 'uniform'])
    .meta({ description: 'where new chains begin: 0, N(0, σ²), or uniform in range' }),
  range: z.tuple([z.number(), z.number()]).meta({ description: 'low,high of uniform starts', unit: 'units of x' }),
};

/** `sampling.*` */
export const SAMPLING: Fields<SamplingOptions> = {
  from: z.enum(['chains', 'start']).meta({ description: 'samples go on from the model’s chains, or begin anew' }),
  steps: z.int().min(0).meta({ description: 'Langevin steps of a sample', unit: 'steps' }),
  temperature: z
    .number()
    .min(0)
    .nullable()
    .meta({ description: 'temperature of those steps; none takes that of training' }),
};

/** `grids.*` */
export const GRIDS: Fields<GridOptions> = {
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
  upscaling: z
    .enum(['blocks', 'linear'])
    .meta({ description: 'how particles of a grid are scaled up to the next: each pixel a block, or interpolated' }),
};

/** `upsampling.*` */
export const UPSAMPLING: Fields<UpsamplingOptions> = {
  net: z.enum(['dcgan', 'v0', 'resnet50', 'mlp', 'linear', 'auto-encoder']).meta({
    description:
      'generator: dcgan for images that halve evenly, v0 and resnet50 of the paper (32 and 64 pixels), mlp, linear, auto-encoder for masked images',
  }),
  width: z
    .int()
    .min(1)
    .meta({ description: 'channels nearest to the image; layers before it have multiples (units, for mlp)' }),
  learning: z
    .enum(['reconstruction', 'amortised'])
    .meta({ description: 'the generator learns to reconstruct particles, or to raise Φ' }),
  originalWeight: z.number().min(0).meta({
    description: 'weight of the distance to the original beside that, with hidden.start masked',
  }),
  every: z
    .int()
    .min(1)
    .meta({ description: 'iterations for each update of generator and hidden rows', unit: 'iterations' }),
  learningRate: positive().meta({ description: 'learning rate of the generator; the rule is that of optimizer' }),
  embedding: z.int().min(1).meta({ description: 'length of the learned vector of a label, with classes' }),
};

/** `hidden.*` */
export const HIDDEN: Fields<HiddenOptions> = {
  dim: z.int().min(1).meta({ description: 'length of a latent ζ; that of masked data follows from their size' }),
  start: z.enum(['normal', 'thumbnails', 'masked']).meta({
    description:
      'latents begin as draws of N(0, 1), as thumbnails of data with dim values, or as masked data: the generator, an auto-encoder, then completes images (brownian inpaint)',
  }),
  learned: z.boolean().meta({ description: 'keep a latent for every item of the data and learn it' }),
  learningRate: positive().meta({ description: 'step ε of the descent of learned latents' }),
  prior: z.number().min(0).meta({ description: 'pull of learned latents to N(0, 1)' }),
  sampling: z
    .enum(['start', 'rows'])
    .meta({ description: 'latents of samples: drawn as latents start, or from the learned rows' }),
};
