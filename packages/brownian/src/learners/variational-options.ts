import type { SolverName } from '../solvers/tableaux.ts';
import type { DescriptorOptions, FlowOptions, OptimizerOptions } from './options.ts';

/** A network of a variational potential. */
export type VariationalNet = 'mlp' | 'conv' | 'wide-resnet';

/** The potential of a variational model: a network with one output. */
export interface VariationalPotentialOptions extends Pick<
  DescriptorOptions,
  'channels' | 'kernels' | 'hidden' | 'activation' | 'gain'
> {
  /**
   * `mlp`: for points. `conv`: strided convolutions, the quickest for small images. `wide-resnet`: residual blocks with GELU and
   * weight normalisation, as in the paper; `channels` are its widths, each further one halving the image.
   */
  readonly net: VariationalNet | (string & {});
  /** Residual blocks of each resolution of `wide-resnet`. */
  readonly blocks: number;
  /**
   * Give Φ the clock s of the flow too. Without it, as in the paper, one potential has to move particles of every time; in few
   * dimensions, where a point does not tell its time, only a potential with a clock moves the prior exactly to the data.
   */
  readonly clock: boolean;
}

/** The path from noise to data (VAPO, Eq. 6-9). */
export interface PathOptions {
  /** ω: standard deviation of the prior N(0, ω²I), in units of x. Default 1 (the paper's). */
  readonly priorStd: number;
  /** s: standard deviation of the noise around a datum at the end of the path, in units of x. The paper's is .01. */
  readonly dataStd: number;
  /** ε: log-uniform times begin at about this; a tenth of s² or less leaves time for the noise to take its direction. */
  readonly epsilon: number;
}

/** How the potential learns. */
export interface VariationalFlowOptions extends Pick<FlowOptions, 'penalty'> {
  /**
   * `covariance`: the paper's estimator of the loss, mean w Φ(γ − γ̄), centred per datum. `stein`: the same mean by Stein's lemma,
   * with less noise; it needs no values of Φ. Default stein.
   */
  readonly estimator: 'covariance' | 'stein';
  /** η: weight of mean Φ² over the path (the spectral gap of VAPO, Eq. 18). */
  readonly poincare: number;
}

/** How the equation ẋ = ∇Φ is solved when samples are drawn. */
export interface OdeOptions {
  readonly solver: SolverName;
  /** Largest error of a step relative to x, for each sample. */
  readonly rtol: number;
  /** Largest error of a step, in units of x. */
  readonly atol: number;
  /** Where the clock ends: 1 is where the data are; more refines samples further (the paper's appendix). */
  readonly tEnd: number;
  /** Steps of this size in the clock, without an estimate of errors; null chooses steps by rtol and atol. */
  readonly stepSize: number | null;
  /** Steps, rejected ones too, after which a choice of steps by rtol and atol gives up; steps of a fixed size are as many as they are. */
  readonly maxSteps: number;
}

/** Particles that flow along while a model learns, to look at: one Euler step in each iteration. They teach the model nothing. */
export interface PreviewOptions {
  readonly particles: number;
  /** Iterations, and steps, from noise to the end of the clock; then they are shown and others begin. */
  readonly steps: number;
}

/** Every option of the variational models. */
export interface VariationalLearnerOptions {
  readonly potential: VariationalPotentialOptions;
  readonly path: PathOptions;
  readonly flow: VariationalFlowOptions;
  readonly optimizer: OptimizerOptions;
  readonly sampling: OdeOptions;
  readonly preview: PreviewOptions;
}
