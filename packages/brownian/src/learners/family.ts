import type { Runtime } from '@brownian/runtime';
import type { Learner } from '../interfaces.ts';
import type { Layer } from '../nets/net.ts';

/** A model of the table: what it is called, and its settings for data of a shape. */
export interface ModelPreset<Options> {
  readonly title: string;
  /** What sets it apart from its relatives, in a few words. */
  readonly description: string;
  /** Default options for items of this shape: images `[channels, height, width]` or points `[2]`. */
  defaults(itemShape: readonly number[]): Options;
  /** Iterations that these defaults were tuned for, where a run should have more or fewer than others. */
  iterations?(itemShape: readonly number[]): number | undefined;
}

/** Models that have the same options and differ in their values. */
export interface ModelFamily<Name extends string, Options> {
  readonly models: Readonly<Record<Name, ModelPreset<Options>>>;
  /**
   * @param itemShape shape of one datum
   * @param filters fixed filters in the place of those that the options name, for families that take some
   * @throws RangeError when the options do not fit each other or data of this shape
   */
  create(runtime: Runtime, model: Name, options: Options, itemShape: readonly number[], filters?: Layer): Learner;
}
