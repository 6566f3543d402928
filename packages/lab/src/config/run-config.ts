import { type Family, type FamilyOptions, type ModelName, familyOf } from 'brownian';

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

/** The full configuration of a run of a model of these families: everything that decides what it computes. */
export type RunConfigOf<F extends Family> = {
  [K in F]: RunOptions & { readonly model: ModelName<K> } & FamilyOptions[K];
}[F];

/** The full configuration of a run. */
export type RunConfig = RunConfigOf<Family>;

/** Whether a run's model is of a family, and has its options. */
export function inFamily<F extends Family>(config: RunConfig, family: F): config is RunConfig & RunConfigOf<F> {
  return familyOf(config.model) === family;
}

/** @throws TypeError when a run's model is of another family */
export function requireFamily<F extends Family>(
  config: RunConfig,
  family: F,
): asserts config is RunConfig & RunConfigOf<F> {
  if (!inFamily(config, family)) throw new TypeError(`${config.model} is not of the ${family} family.`);
}
