import type { NDArray, Tensor, Tree } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';

/** Parameters as they are stored: a tree of concrete arrays. */
export type Params = Tree<NDArray>;
/** The same parameters inside a traced function. */
export type SymbolicParams = Tree<Tensor>;

/**
 * Φ(x; θ): a scalar per particle, higher where particles look more like data. The density is P(x) ∝ exp(Φ(x)) N(x; 0, σ²I).
 */
export interface Potential {
  /** Fresh parameters. */
  init(key: Stream): Params;
  /**
   * Φ of each particle: x `[particles, ...dims]` → `[particles]`.
   *
   * @param condition for potentials that take one: the clock of a flow, or labels (int32), `[particles]`
   */
  apply(params: SymbolicParams, x: Tensor, condition?: Tensor): Tensor;
  /**
   * The same for potentials that are conditional on labels, with a weight for every label, `[particles, classes]`: 1 for the one that is meant makes it
   * `apply`, others lie between labels. All others leave it out.
   */
  blend?(params: SymbolicParams, x: Tensor, weights: Tensor): Tensor;
  /** Responses of the filters, `[particles, channels, ...positions]`; potentials without filters leave it out. */
  features?(params: SymbolicParams, x: Tensor): Tensor;
  /** Mean response of each filter, `[filters]`, for the response distance R; potentials without filters leave it out. */
  responses?(params: SymbolicParams, x: Tensor): Tensor;
}

/** Scalars that describe a step, by name: what learning curves are drawn from. */
export type Metrics = Readonly<Record<string, number>>;

/** A batch of data: images `[batch, channels, height, width]` in [-1, 1] or points `[batch, 2]`, and labels if there are any. */
export interface Batch {
  readonly x: NDArray;
  readonly labels?: NDArray;
  /** Which items of the data set these are, int32 `[batch]`: for learners that keep something of every item. */
  readonly indices?: NDArray;
}

/** A data set: in memory, or read and decoded as batches ask for it. */
export interface Dataset {
  readonly name: string;
  /** Shape of one item, such as `[1, 28, 28]` or `[2]`. */
  readonly itemShape: readonly number[];
  readonly size: number;
  readonly classes?: readonly string[];
  /**
   * The items at these indices: a function of its arguments alone, whatever was asked for before.
   *
   * @param draw where random changes (mirroring, dequantisation) come from; without it items are as they are stored
   * @throws RangeError on an index outside the set; DataError when an item cannot be read
   */
  batch(indices: ArrayLike<number>, draw?: Stream): Promise<Batch>;
}

/** What a model's samples are made from: a latent per item, drawn from a simple law. */
export interface LatentView<S extends Tree<NDArray> = Tree<NDArray>> {
  /** Shape of one latent. */
  readonly shape: readonly number[];
  /** How latents between two others are found: along the chord, or the great circle for Gaussian noise of many dimensions. */
  readonly path: 'linear' | 'spherical';
  /** How many of the last values of a latent are weights of labels, which sum to 1; absent where there are none. Between two latents they are blended evenly. */
  readonly labelWeights?: number;
  /** `n` latents `[n, ...shape]` of that law. */
  draw(n: number, stream: Stream): NDArray;
  /** The items of latents: `[n, ...shape]` → `[n, ...item]`. The same latents give the same items. */
  decode(state: S, z: NDArray): Promise<NDArray>;
  /** Latents whose items are near these: `[n, ...item]` → `[n, ...shape]`; models that cannot go back leave it out. */
  encode?(state: S, x: NDArray, draw: Stream): Promise<NDArray>;
  /**
   * Latents whose items are near these as far as they are known, for inpainting; models whose way back needs whole items leave it out.
   *
   * @param known 1 where x is known, 0 where it is missing (and 0 itself), shaped like x
   */
  encodeKnown?(state: S, x: NDArray, known: NDArray, draw: Stream): Promise<NDArray>;
}

/** An input or output of an {@link ExportedFunction}. */
export interface ExportedValue {
  /** What it is called in the file, such as `x`. */
  readonly name: string;
  /** Sizes of its axes; `batch` for the one that counts items. */
  readonly shape: readonly (number | 'batch')[];
  /** What it is, for the model card: meaning, range of values, units. */
  readonly description: string;
}

/** A function of a trained model that can do without this library: `brownian export` writes it as an ONNX file. */
export interface ExportedFunction {
  /** Names the file, such as `generator`. */
  readonly name: string;
  /** What it computes, in a sentence for the model card. */
  readonly description: string;
  readonly inputs: readonly ExportedValue[];
  /** Their shapes follow from the function. */
  readonly outputs: readonly Omit<ExportedValue, 'shape'>[];
  /**
   * Items that it is meant to take at a time, where results depend on the others of a batch, as with batch normalisation: as many as in
   * training. Functions whose results do not depend on them take any number.
   */
  readonly batch?: number;
  /** The function to trace: float32 inputs and outputs in the order of the lists, parameters as constants (`builtIn`). */
  apply(...inputs: Tensor[]): readonly Tensor[];
}

/** Particles on their way from where samples begin to where they end. */
export interface Moment {
  /** Langevin steps made so far. */
  readonly steps: number;
  /** `[n, ...item]`; those of a coarser grid are up-scaled to the size of the data. */
  readonly particles: NDArray;
  /** Mean Φ, mean energy and mean ‖∇ₓΦ‖ of these particles: `potentialParticles`, `energy`, `gradientNorm`. */
  readonly metrics: Metrics;
}

/** Who is told of a draw of samples. */
export interface SampleWatch {
  /** Told on the way which share is done, from 0 to 1. */
  readonly onProgress?: (share: number) => void;
  /** Given what it took: `evaluations` of a flow, `accepted` and `rejected` steps of its solver. */
  readonly onDone?: (facts: Metrics) => void;
}

/** A model that learns: parameters, optimizer, chains and whatever else its next step needs are its state, a tree of arrays. */
export interface Learner<S extends Tree<NDArray> = Tree<NDArray>> {
  readonly name: string;
  init(key: Stream, data: Dataset): Promise<S>;
  /** One outer iteration. The state given is not changed. */
  step(state: S, batch: Batch, draw: Stream): Promise<[S, Metrics]>;
  /**
   * `n` samples `[n, ...item]`.
   *
   * @param labels of the samples, int32 `[n]`, for models that have `classes`; they draw them evenly otherwise
   * @param watch told how far it has come and what it took, by models that know it
   */
  sample(state: S, n: number, draw: Stream, labels?: NDArray, watch?: SampleWatch): Promise<NDArray>;
  /**
   * The way to `n` samples, for learners whose samples move there: at most `moments` looks but two at least, the first before any
   * step, the last at the samples that {@link sample} draws from the same stream.
   */
  trajectory?(state: S, n: number, draw: Stream, moments: number): Promise<readonly Moment[]>;
  /** How many labels samples can be asked for; models that are not conditional on labels leave it out. */
  readonly classes?: number;
  /** The state's current particles, `[particles, ...item]`, to look at while it trains. */
  particles(state: S): NDArray;
  /**
   * Φ of items, `[n, ...item]` → `[n]`: higher where they look more like data. Models that are conditional on labels give that of the marginal,
   * log (1/C) Σ_c exp Φ(x, c). Models without a potential leave it out.
   */
  potential?(state: S, x: NDArray): Promise<NDArray>;
  /** The latents behind samples; models whose samples have none, such as particles, leave it out. */
  readonly latent?: LatentView<S>;
  /**
   * Completes items of which a part is missing by a network that has learned to, in one pass; other models leave it out.
   *
   * @param x `[n, ...item]`; its unknown values are not looked at
   * @param known 1 where x is known, 0 where not, shaped like x
   */
  complete?(state: S, x: NDArray, known: NDArray): Promise<NDArray>;
  /**
   * Finds the values where `known` is 0 anew by the model's own dynamics, the others held: samples of the model given what is known.
   * Models whose particles do not move leave it out.
   *
   * @param x `[n, ...item]`; its unknown values are not looked at
   * @param known 1 where x is known, 0 where not, shaped like x
   * @param from where unknown values begin, shaped like x; default: where samples do
   */
  inpaint?(state: S, x: NDArray, known: NDArray, draw: Stream, from?: NDArray): Promise<NDArray>;
  /** Functions that a trained model consists of, to be used without this library; see docs/export.md. */
  exports?(state: S): readonly ExportedFunction[];
  /** Frees compiled functions. */
  dispose(): Promise<void>;
}
