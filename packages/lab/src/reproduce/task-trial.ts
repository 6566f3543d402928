import type { Dataset, FeatureNetwork, ModelName } from 'brownian';
import { resolveConfig } from '../config/settings.ts';
import { arrayItems } from '../scoring/items.ts';
import { openData } from '../data/open.ts';
import { openNetwork } from '../scoring/networks.ts';
import { openReference } from '../scoring/reference.ts';
import { type TaskImages, chooseImages } from '../tasks/images.ts';
import type { Bench } from './experiment.ts';
import { type Clock, type TrainedFor, trainFor } from './timed-trial.ts';

/** What trained models are tried on. */
export interface TaskBench {
  /** What the data are called on a command line. */
  readonly name: string;
  readonly data: Dataset;
  /** Images that were held out from training; the same for every model and seed. */
  readonly images: TaskImages;
  /** Gives the features of FID. */
  readonly network: FeatureNetwork;
}

/** A model and how long it is trained. */
export interface TaskTrial {
  readonly model: ModelName;
  readonly seconds: number;
  readonly clock: Clock;
  readonly seed: number;
}

/** Opens labelled data, some of their test images, and a classifier of them. @throws UserError when they cannot be opened or have no labels */
export async function openTaskBench(name: string, count: number, bench: Bench): Promise<TaskBench> {
  const data = await openData(name, { limit: null, seed: 1 });
  const reference = await openReference({ what: name, against: name, split: 'test' }, undefined, false);
  const images = await chooseImages(reference.data, 'test', count, 1);
  const items = arrayItems(images.name, images.x);
  const network = await openNetwork(bench.runtime, reference, items, { network: 'classifier' }, () => bench.task);
  return { name, data, images, network };
}

/** Trains a model at its defaults for a time; null when the user stopped it. */
export async function trainedModel(
  { model, seconds, clock, seed }: TaskTrial,
  { name, data }: TaskBench,
  bench: Bench,
): Promise<TrainedFor | null> {
  const config = (iterations: number): ReturnType<typeof resolveConfig> =>
    resolveConfig({ data: name, model, iterations, seed }, data);
  return await trainFor({ label: `${model}, seed ${seed}`, config, data, seconds, clock, seed }, bench);
}
