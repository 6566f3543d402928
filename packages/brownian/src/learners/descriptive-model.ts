import type { NDArray } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Flow } from '../flows/flow.ts';
import type { Batch, Learner, Metrics, Moment, Params, Potential } from '../interfaces.ts';
import type { Transform, TransformState } from '../optim/transform.ts';
import type { ChainOptions, LangevinOptions, SamplingOptions } from './options.ts';

/** What a descriptive model is made of. */
export interface DescriptiveModel {
  readonly name: string;
  /** Shape of one particle, such as `[1, 28, 28]`. */
  readonly itemShape: readonly number[];
  readonly potential: Potential;
  readonly flow: Flow;
  readonly optimizer: Transform;
  readonly langevin: LangevinOptions;
  readonly chains: ChainOptions;
  readonly sampling: SamplingOptions;
  /** Standard deviation of noise added to data; 0 adds none. */
  readonly dataNoise: number;
  /** Labels that Φ is conditional on; 0 or absent for none. */
  readonly classes?: number;
  /** Decay of the moving average of parameters that `sample` uses; 0 uses the parameters themselves. */
  readonly ema: number;
  /** Largest absolute value of a parameter after an update; null or absent leaves them free. */
  readonly weightClip?: number | null;
}

/** State of a descriptive learner. */
export type DescriptiveState = {
  readonly params: Params;
  readonly optimizer: TransformState;
  /** Moving average of the parameters, with `ema` above 0. */
  readonly average?: Params;
  /** Particles of the last iteration, which the JKO flow looks back at. `[particles, ...item]` */
  readonly particles: NDArray;
  /** Replay buffer, `[bufferSize, ...item]`, when chains are drawn from one. */
  readonly buffer?: NDArray;
  /** Labels of the particles and of the chains in the buffer, int32, for conditional models: a chain keeps its label. */
  readonly labels?: NDArray;
  readonly bufferLabels?: NDArray;
};

/** A learner whose particles may also be started from outside, as those of a grid are from the grid before. */
export interface DescriptiveLearner extends Learner<DescriptiveState> {
  /** One outer iteration that moves these particles, `[particles, ...item]`. */
  stepFrom(state: DescriptiveState, x: NDArray, batch: Batch, draw: Stream): Promise<[DescriptiveState, Metrics]>;
  /** Samples that begin at these particles. */
  sampleFrom(state: DescriptiveState, x: NDArray, draw: Stream): Promise<NDArray>;
  /** The way of these particles to samples, in at most so many looks. */
  trajectoryFrom(state: DescriptiveState, x: NDArray, draw: Stream, moments: number): Promise<Moment[]>;
}
