import type { Dataset, FeatureNetwork } from 'brownian';
import { mergeSettings, resolveConfig } from '../config/settings.ts';
import { arrayItems } from '../scoring/items.ts';
import { IMAGE_DEFAULTS } from '../config/schema.ts';
import { openData } from '../data/open.ts';
import { UserError } from '../errors.ts';
import { openNetwork } from '../scoring/networks.ts';
import type { Reference } from '../scoring/reference.ts';
import { type TaskImages, chooseImages } from '../tasks/images.ts';
import type { Budget } from './budget.ts';
import type { Bench } from './experiment.ts';
import { type Trained, train } from './training.ts';
import { parseVariant } from './variants.ts';

/** What trained models are tried on. */
export interface TaskBench {
  /** What the data are called on a command line. */
  readonly name: string;
  readonly data: Dataset;
  /** Images that were held out from training; the same for every model and seed. */
  readonly images: TaskImages;
  /** The part of the data that these are of. */
  readonly reference: Reference;
}

/** A model and how long it is trained. */
export interface TaskTrial {
  /** Such as `ggcn-star`, or `ggcn-star/masked`. */
  readonly model: string;
  readonly budget: Budget;
  readonly seed: number;
}

/** Which data, and how they are prepared. */
export interface TaskData {
  readonly name: string;
  /** Side in pixels that images are scaled to; null leaves them. */
  readonly size: number | null;
  /** Held-out images that are taken. */
  readonly count: number;
}

/** Share of data without a test part that is held out from training. */
const HELD_OUT = 0.1;

/** The part to learn from and the one that is held out: as the data come, or drawn. */
async function openParts({ name, size }: TaskData, bench: Bench): Promise<{ data: Dataset; reference: Reference }> {
  const open = async (testShare: number | null): Promise<{ data: Dataset; reference: Reference }> => {
    const options = { limit: null, seed: 1, images: { ...IMAGE_DEFAULTS, size, testShare } };
    const held = await openData(name, { ...options, split: 'test' });
    const reference = { name, data: held, split: 'test' as const, modes: undefined, options };
    return { data: await openData(name, options), reference };
  };
  try {
    return await open(null);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    // Without a test part; whatever else is wrong is wrong again.
    const parts = await open(HELD_OUT);
    bench.note(`${name} has no test part; ${100 * HELD_OUT} % of it are held out from training.`);
    return parts;
  }
}

/** Opens data and some of their test images. @throws UserError when they cannot be opened */
export async function openTaskBench(task: TaskData, bench: Bench): Promise<TaskBench> {
  const { data, reference } = await openParts(task, bench);
  const images = await chooseImages(reference.data, 'test', task.count, 1);
  return { name: task.name, data, images, reference };
}

/**
 * Opens what gives the features of FID, for experiments that measure it.
 *
 * @param network as `brownian evaluate` takes it
 * @throws UserError when it cannot be opened, or does not fit the images
 */
export async function openTaskNetwork(
  { images, reference }: TaskBench,
  network: string,
  bench: Bench,
): Promise<FeatureNetwork> {
  return await openNetwork(bench.runtime, reference, arrayItems(images.name, images.x), { network }, () => bench.task);
}

/** Trains a model at its defaults for a time; null when the user stopped it. */
export async function trainedModel(
  { model, budget, seed }: TaskTrial,
  { name, data }: TaskBench,
  bench: Bench,
): Promise<Trained | null> {
  const variant = parseVariant(model);
  const config = (iterations: number): ReturnType<typeof resolveConfig> =>
    resolveConfig(mergeSettings({ data: name, model: variant.model, iterations, seed }, variant.changes), data);
  return await train({ label: `${model}, seed ${seed}`, config, data, budget, seed }, bench);
}
