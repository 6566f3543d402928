import type { Family, FamilyOptions } from 'brownian';
import type { Fields } from './groups.ts';
import type { RunConfigOf } from './run-config.ts';

/** What the rules and defaults have to know of the data. */
export interface DataFacts {
  /** Shape of one item: images `[channels, height, width]` or points `[2]`. */
  readonly itemShape: readonly number[];
  readonly size: number;
  /** Names of the labels, where there are some. */
  readonly classes?: readonly string[];
}

/** What is wrong with a configuration, as a sentence; false when nothing is. */
export type Rule<Config> = (config: Config, data: DataFacts) => string | false;

/** Options that nothing reads, as other options are. */
export interface Unread {
  /** Whether it is so. */
  readonly when: boolean;
  /** Their paths, such as `hidden.prior`. */
  readonly options: readonly string[];
  /** Why, and what to do: the end of a sentence that begins "--hidden.prior is given, and ". */
  readonly because: string;
}

/** How the options of a family are read from files and flags. A path such as `optimizer.ema` means the same in every family. */
export interface FamilyConfig<F extends Family> {
  /** What its models are called in a sentence: "descriptive models". */
  readonly title: string;
  readonly groups: { readonly [G in keyof FamilyOptions[F]]-?: Fields<FamilyOptions[F][G]> };
  /** Items per iteration of a model with these options, unless the user says; those of data of fewer items are cut to `size`. */
  readonly batchSize: (options: FamilyOptions[F], size: number) => number;
  /** The defaults that depend on the run's own options. */
  readonly follow: (
    defaults: FamilyOptions[F],
    run: {
      readonly iterations: number;
      readonly batchSize: number | undefined;
      readonly itemShape: readonly number[];
      /** What the user says, by group. */
      readonly given: Readonly<Record<string, unknown>>;
    },
  ) => FamilyOptions[F];
  /** Options that exclude each other or the data. */
  readonly rules: readonly Rule<RunConfigOf<F>>[];
  /** Options that would be accepted and ignored: refused where they are given, and are not what they would be without. Runs of before are resumed with them. */
  readonly unread: (config: RunConfigOf<F>) => readonly Unread[];
}
