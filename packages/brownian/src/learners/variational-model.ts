import type { NDArray } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { PoissonOptions } from '../flows/poisson.ts';
import type { LatentView, Learner, Moment, Params, Potential } from '../interfaces.ts';
import type { Transform, TransformState } from '../optim/transform.ts';
import type { OdeOptions, PreviewOptions } from './variational-options.ts';

/** What a variational model is made of. */
export interface VariationalModel {
  readonly name: string;
  /** Shape of one item, such as `[1, 28, 28]`. */
  readonly itemShape: readonly number[];
  /** Φ; it takes the clock as its condition if and only if `poisson.clock`. */
  readonly potential: Potential;
  readonly poisson: PoissonOptions;
  readonly optimizer: Transform;
  /** Decay of the moving average of parameters that samples use; 0 uses the parameters themselves. */
  readonly ema: number;
  readonly sampling: OdeOptions;
  readonly preview: PreviewOptions;
}

/** State of a variational learner. */
export type VariationalState = {
  readonly params: Params;
  readonly optimizer: TransformState;
  /** Moving average of the parameters, with `ema` above 0. */
  readonly average?: Params;
  /** Where previews begin, always the same, so that a film shows the same particles end better. `[particles, ...item]` */
  readonly noise: NDArray;
  /** Particles on their way, `[particles, ...item]`, and how many steps they have taken, `[]`. */
  readonly moving: NDArray;
  readonly taken: NDArray;
  /** Particles that arrived last, `[particles, ...item]`; noise before any has. */
  readonly particles: NDArray;
};

/** Particles that a flow moved, and what it took. */
export interface Flowed {
  /** `[n, ...item]`, float32. */
  readonly x: NDArray;
  /** Evaluations of ∇Φ for one particle: the most that any block of particles took. */
  readonly evaluations: number;
  readonly accepted: number;
  readonly rejected: number;
}

/** A learner whose flow can also be run from given particles, and backwards. */
export interface VariationalLearner extends Learner<VariationalState> {
  /**
   * Moves particles along the learned flow.
   *
   * @param from `[n, ...item]`
   * @param edit solver, tolerances, ends of the clock, in the place of the model's. Default from 0 to `sampling.tEnd`
   * @throws SolverError when the end is not reached: where and why
   */
  flow(state: VariationalState, from: NDArray, edit?: FlowEdit): Promise<Flowed>;
  /** Φ of each item, `[n]`: higher is more like the data. `clock`: for a potential that has one; default 1, the end of the path. */
  potential(state: VariationalState, x: NDArray, clock?: number): Promise<NDArray>;
  /** At most {@link MOMENTS} looks after the first; `steps` are hundredths of the clock. */
  trajectory(state: VariationalState, n: number, draw: Stream, moments: number): Promise<readonly Moment[]>;
  /** The noise that the flow carries to samples, and back from items to noise. */
  readonly latent: LatentView<VariationalState>;
}

/** What a single run of the flow does otherwise than the model's options say. */
export interface FlowEdit extends Partial<OdeOptions> {
  /** Clock at the start. Default 0. */
  readonly tStart?: number;
  /** Told after each step which share of the particles' way is done, from 0 to 1. */
  readonly onProgress?: (share: number) => void;
  /** Clocks at which to keep the particles, in the direction of the flow. */
  readonly saveAt?: readonly number[];
  /** Given the particles of each of these clocks, `[n, ...item]`, when all have arrived. */
  readonly onSaved?: (x: NDArray) => void;
}
