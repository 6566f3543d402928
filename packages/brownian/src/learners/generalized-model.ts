import type { NDArray } from '@brownian/graph';
import type { Learner, Params } from '../interfaces.ts';
import type { Generator } from '../nets/labelled.ts';
import type { Transform, TransformState } from '../optim/transform.ts';
import type { DescriptiveModel } from './descriptive-model.ts';
import type { GeneratorLearning } from './generator-update.ts';
import type { GeneralizedLearnerOptions } from './options.ts';
import type { Chains } from './replay.ts';

/** What a generalised model is made of: a descriptive model, the synthesizer, whose chains begin where a generator puts them. */
export interface GeneralizedModel extends Omit<DescriptiveModel, 'chains' | 'sampling'> {
  readonly generator: {
    readonly net: Generator;
    readonly optimizer: Transform;
    readonly learning: GeneratorLearning;
    /** Weight of the distance to the originals of masked images. */
    readonly originalWeight: number;
    /** Iterations of the synthesizer for each update of the generator and of hidden rows. */
    readonly every: number;
  };
  readonly hidden: GeneralizedLearnerOptions['hidden'];
  readonly chains: GeneralizedLearnerOptions['chains'];
  /** Langevin steps of a sample, after the generator, and their temperature. */
  readonly sampling: GeneralizedLearnerOptions['sampling'];
}

/** A generalised learner, whose state has a type of its own. */
export type GeneralizedLearner = Learner<GeneralizedState>;

/** State of a generalised learner. */
export type GeneralizedState = {
  /** The synthesizer's. */
  readonly params: Params;
  readonly optimizer: TransformState;
  readonly average?: Params;
  readonly generator: Params;
  readonly generatorOptimizer: TransformState;
  readonly generatorAverage?: Params;
  /** Particles of the last iteration, which the JKO flow looks back at, `[particles, ...item]`; and their labels. */
  readonly particles: NDArray;
  readonly labels?: NDArray;
  /** Learned hidden rows, one per item of the data, `[size, dim]`. */
  readonly hidden?: NDArray;
  /** Latents that samples begin at, where latents come from data (thumbnails, masked images), `[items, dim]`. */
  readonly latents?: NDArray;
  /** Labels of the items that `hidden` and `latents` belong to, int32, for conditional models; states saved by earlier versions have none. */
  readonly hiddenLabels?: NDArray;
  readonly latentLabels?: NDArray;
  /** Replay buffer, if there is one. */
  readonly replay?: Chains;
  /** Iterations made, a scalar. */
  readonly iteration: NDArray;
};

/** The latents of a state that belong to items of the data, and the labels of these. */
export type ItemLatents = Pick<GeneralizedState, 'hidden' | 'hiddenLabels' | 'latents' | 'latentLabels'>;
