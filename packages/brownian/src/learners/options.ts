/** How particles move between two updates of the parameters (METHODS section 1; ggcn Algorithm 1, lines 5-9). */
export interface LangevinOptions {
  /** Langevin steps per outer iteration (L). Default 20. */
  readonly steps: number;
  /**
   * `preconditioned`: a gradient moves particles by h²/2 = (δσ)²/2. `literal`: by δ²/2 as Algorithm 1 prints it, which diverges with a
   * reference unless δ < 2σ. Noise has the standard deviation δσ in both. Default preconditioned.
   */
  readonly form: 'preconditioned' | 'literal';
  /** Step δ; the effective step is h = δσ, in units of x. Default 0.2. */
  readonly delta: number;
  /** Standard deviation σ of the reference Gaussian, in units of x. Default 0.01. */
  readonly sigma: number;
  /** Include the reference term −x/σ². Default true. */
  readonly reference: boolean;
  /** Add the drift −∇ₓ‖∇ₓΦ‖² of Eq. 16, in units of displacement. Zero for piecewise linear filters. Default false. */
  readonly speedDrift: boolean;
  /** Multiplies the variance of the injected noise; 0 is gradient ascent. Default 1. */
  readonly temperature: number;
  /** Clamp particles to [low, high] after every step; null leaves them free. Default null. */
  readonly clip: readonly [number, number] | null;
  /** Largest Euclidean norm of one particle's ∇ₓΦ; null does not clip. Default null. */
  readonly gradientClip: number | null;
  /** Largest change of one coordinate by the gradient in one step, in units of x; null does not limit it. Default null. */
  readonly maxDisplacement: number | null;
}

/** How ∇θ‖∇ₓΦ‖² is computed. */
export type PenaltyForm = 'double-backprop' | 'directional';

/** How parameters learn: maximum likelihood (KL flow) or its Wasserstein (JKO) form. */
export interface FlowOptions {
  /**
   * Weight β of the squared-speed penalty in displacement units; 0 is the KL flow. Presets with "w" default to 60, `w-pgcn` to
   * `stableBeta` of its sampler.
   */
  readonly beta: number;
  /**
   * How the penalty is differentiated: `double-backprop` through ∇ₓΦ, or `directional`, as 2 ∇θ(g·∇ₓΦ) with g = ∇ₓΦ held constant. They
   * are equal. Default `double-backprop`, which is as fast or faster with fixed and with learned filters (docs/filter-banks.md).
   */
  readonly penalty: PenaltyForm;
  /**
   * Steps of the solver that takes the penalty's stiff step implicitly; 0, the default, takes it explicitly as the papers do. Needs fixed
   * filters, β above 0, and sgd without momentum, schedule, warm-up or clipping. See `implicitJko`.
   */
  readonly implicitSteps: number;
  /** Weight of mean Φ² over data and particles, which keeps potentials bounded. Default 0. */
  readonly energyL2: number;
  /**
   * Standard deviation of Gaussian noise added to data, in units of x, so that Φ cannot tell data by their exact values
   * (pure black, grey levels). Noisy data are clamped to `langevin.clip`. Default 0.
   */
  readonly dataNoise: number;
}

/** The update rule of the parameters. */
export interface OptimizerOptions {
  readonly rule: 'sgd' | 'adam' | 'lamb';
  readonly learningRate: number;
  /** Momentum of sgd, β₁ of adam and lamb. */
  readonly momentum: number;
  /** Shape of the learning rate over `iterations`: constant, or cosine to zero, after a linear warm-up. */
  readonly schedule: 'constant' | 'cosine';
  /** Iterations over which `cosine` falls to zero; the length of the run, as a rule. */
  readonly decayIterations: number;
  /** Iterations of linear warm-up. Default 0. */
  readonly warmup: number;
  /** Largest global norm of the gradient; null does not clip. Default null. */
  readonly gradientClip: number | null;
  /** Largest absolute value of a learned parameter: larger ones are clamped after every update; null leaves them free. Default null. */
  readonly weightClip: number | null;
  /** Decay of the exponential moving average of the parameters used by `sample`; 0 uses the parameters themselves. */
  readonly ema: number;
}

/** Where a step's particles start. */
export interface ChainOptions {
  /** `persistent`: the particles of the last iteration. `buffer`: drawn from a replay buffer. */
  readonly kind: 'persistent' | 'buffer';
  /** Particles that evolve in one iteration (M). Default: the batch size. */
  readonly particles: number;
  /** Images in the replay buffer. */
  readonly bufferSize: number;
  /** Share of particles restarted from `start` at each iteration; on average, where that is not a whole number of them. */
  readonly fresh: number;
  /** Where new chains begin: zero (the papers), `noise` N(0, σ²), or `uniform` in `range`. */
  readonly start: 'zero' | 'noise' | 'uniform';
  /** Bounds of `uniform`, in units of x. Default [-1, 1]. */
  readonly range: readonly [number, number];
}

/** How finished samples are drawn. */
export interface SamplingOptions {
  /** `chains`: go on from the model's own chains or buffer. `start`: from new particles. */
  readonly from: 'chains' | 'start';
  /** Langevin steps. */
  readonly steps: number;
  /** Temperature of these steps; null takes that of training. Lower gives cleaner and less varied samples. */
  readonly temperature: number | null;
}

/** A network that comes with the library. */
export type BuiltInNet = 'conv' | 'grid' | 'gabor' | 'v0' | 'resnet50' | 'mlp';

/** The potential of a descriptive model. */
export interface DescriptorOptions {
  /**
   * `conv`: strided convolutions learned from data. `grid`: the same with 5×5 kernels for images of more than 16 pixels, and one strided
   * convolution and then 3×3 ones for smaller grids (multi-grid models). `gabor`: a fixed bank of Gabor and difference-of-Gaussian filters. `mlp`: for
   * points. Any other name stands for fixed filters that the caller gives.
   */
  readonly net: BuiltInNet | (string & {});
  /** Channels (or widths, for `mlp`) of the successive layers. */
  readonly channels: readonly number[];
  /** Kernel of each layer of `conv`, in pixels; every layer has stride 2. The last is used for the layers that follow it. */
  readonly kernels: readonly number[];
  /** Units of a dense layer after the convolutions, which sees the whole image; 0 leaves it out. */
  readonly hidden: number;
  /**
   * Φ is this times θ·F. Optimizers such as Adam do not see the scale of a gradient, so it sets how far particles move per
   * step of size h.
   */
  readonly gain: number;
  readonly activation: 'relu' | 'leakyRelu' | 'gelu' | 'silu' | 'softplus' | 'tanh';
  /** θ of fixed filters: one weight per position or one per channel. */
  readonly theta: 'position' | 'channel';
  /** Labels that Φ is conditional on, and the generator if there is one, with a row of θ for each; 0 is unconditional. Default 0. */
  readonly classes: number;
}

/** The grids of a multi-grid model. */
export interface GridOptions {
  /**
   * Heights of the grids in pixels from the coarsest up; the last is that of the data. Particles start at mean colours of the data and are
   * up-scaled from grid to grid, so `chains` only says how many there are. Empty: one grid.
   */
  readonly sizes: readonly number[];
  /** Langevin steps of each grid; the last holds for those after it. Empty: `langevin.steps`. */
  readonly steps: readonly number[];
  /** β of each grid; the last holds for those after it. Empty: `flow.beta`. */
  readonly betas: readonly number[];
  /**
   * Standard deviation of Gaussian noise added to the mean colours at which particles of the coarsest grid start, in units of x. Without it particles
   * of one colour differ by the noise of their Langevin steps alone. Default 0, as Gao et al. 2018 start.
   */
  readonly startNoise: number;
  /** How particles are up-scaled: `blocks` makes each pixel a block, as Gao et al. 2018 do; `linear` interpolates, which leaves less to do. Default `blocks`. */
  readonly upscaling: 'blocks' | 'linear';
}

/** Every option of the descriptive models. */
export interface DescriptorLearnerOptions {
  readonly potential: DescriptorOptions;
  readonly langevin: LangevinOptions;
  readonly flow: FlowOptions;
  readonly optimizer: OptimizerOptions;
  readonly chains: ChainOptions;
  readonly sampling: SamplingOptions;
  readonly grids: GridOptions;
}

/** A network from latents to items that comes with the library. */
export type GeneratorNet = 'dcgan' | 'v0' | 'resnet50' | 'mlp' | 'linear' | 'auto-encoder';

/** The generator of a generalised model, which takes the place of the coarser grids, and how it learns (generalised GCN, section 4.2). */
export interface UpsamplingOptions {
  /**
   * `dcgan`: transposed convolutions from a few pixels, for images that halve evenly. `v0`, `resnet50`: those of the paper, for 32×32 and 64×64 images.
   * `mlp`: two hidden layers, for points or small images. `linear`: one layer without a nonlinearity, to compare with. `auto-encoder`: convolutions down
   * to a few pixels and up again, for images of any size that are `masked` (`hidden.start`).
   */
  readonly net: GeneratorNet;
  /** Channels nearest to the image, of which layers before it have multiples; units of the hidden layers of `mlp`. The paper's nets have 64. */
  readonly width: number;
  /** `reconstruction` of the sampler's particles (Eq. 19), or `amortised`: ascent of Φ at what is generated (Eq. 23). */
  readonly learning: 'reconstruction' | 'amortised';
  /** Iterations for each update of the generator and of hidden rows. The paper's is 4. */
  readonly every: number;
  /** Learning rate; rule, momentum, schedule, clipping of gradients and averaging are those of `optimizer`. */
  readonly learningRate: number;
  /**
   * Weight of ½‖g(ζ) − x‖² beside what `learning` says, x the image that was masked: Eq. 19 with the datum in the place of x̂, which latents that are
   * `masked` data know. 0, the default, for all others.
   */
  readonly originalWeight: number;
  /** Length of the learned vector that stands for a label, with `potential.classes`. */
  readonly embedding: number;
}

/** The hidden space of a generalised model. */
export interface HiddenOptions {
  /** Length of a latent ζ. The paper's is 128 to 256. That of `masked` images is (channels + 1) · height · width, that of `thumbnails` the values of one. */
  readonly dim: number;
  /**
   * Where latents begin: draws of N(0, I), `thumbnails` of data, as the first grid of a multi-grid model, or `masked` data: images of the batch times
   * a random mask, with the mask, which the generator learns to complete. `completing` says what else such models ask for.
   */
  readonly start: 'normal' | 'thumbnails' | 'masked';
  /** Keep a row ζ for every item of the data and learn it (Eq. 20). */
  readonly learned: boolean;
  /** Step ε of the descent of learned rows, whose loss is in squared units of x. The paper's is 1e-3 to 1e-2. */
  readonly learningRate: number;
  /** Weight of ‖ζ‖²/2 in the loss of learned rows, which pulls them to N(0, I). Default 0. */
  readonly prior: number;
  /** Latents of samples: from where latents `start`, or from learned `rows`. */
  readonly sampling: 'start' | 'rows';
}

/**
 * Every option of the generalised models: a descriptive model, the synthesizer, whose chains begin where a generator puts them. With `chains.fresh`
 * of 1 all begin there anew; with less, the others are gone on with from a replay buffer.
 */
export interface GeneralizedLearnerOptions {
  readonly potential: DescriptorOptions;
  readonly langevin: LangevinOptions;
  readonly flow: Omit<FlowOptions, 'implicitSteps'>;
  readonly optimizer: OptimizerOptions;
  readonly upsampling: UpsamplingOptions;
  readonly hidden: HiddenOptions;
  readonly chains: Pick<ChainOptions, 'particles' | 'bufferSize' | 'fresh'>;
  readonly sampling: Pick<SamplingOptions, 'steps' | 'temperature'>;
}
