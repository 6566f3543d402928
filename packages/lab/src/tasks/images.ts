import type { NDArray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import type { Dataset } from 'brownian';
import { type TracedData, openTraced } from '../data/open.ts';
import { UserError } from '../errors.ts';
import type { RecordedData, Run } from '../runs/run.ts';
import { openPart } from '../scoring/reference.ts';

/** Images that a task works on. */
export interface TaskImages {
  /** What they are called in scores. */
  readonly name: string;
  /** Part of the data that they are. */
  readonly split: 'train' | 'test';
  /** `[n, channels, height, width]` */
  readonly x: NDArray;
}

/** Which images a task is to work on. */
export interface ImageRequest {
  /** A file or folder of images, or a data set by name; default: those of the run's data that it did not learn from. */
  readonly images?: string;
  /** How many; a random choice where there are more. */
  readonly count: number;
  readonly seed: number;
}

/** At most `count` images of a data set, by chance; the same for a seed. */
export async function chooseImages(
  data: Dataset,
  split: TaskImages['split'],
  count: number,
  seed: number,
): Promise<TaskImages> {
  const order = createStream(seed).split('task images').permutation(data.size).data.slice(0, count) as Int32Array;
  const { x } = await data.batch(order.toSorted());
  return { name: data.name, split, x };
}

/** @throws UserError unless the run's items are images */
export function requireImages({ path, record }: Run, task: string): void {
  const { itemShape } = record.data;
  if (itemShape.length !== 3)
    throw new UserError(`${task} is of images; the items of ${path} have the shape [${itemShape.join(', ')}].`);
}

/**
 * The part of its data that a model did not learn from.
 *
 * @param path what to call the model
 * @param advice what to do when there is none
 * @throws UserError when there is none
 */
export async function openHeldOut(
  { config, path, paths }: Pick<Run, 'config' | 'path'> & Pick<RecordedData, 'paths'>,
  advice: string,
): Promise<TracedData> {
  try {
    return await openTraced(config.data, { ...config, paths, limit: null, split: 'test' });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const why = error.message.replace(/\.$/, '');
    throw new UserError(`There are no images that ${path} did not learn from (${why}); ${advice}.`, { cause: error });
  }
}

/** What the user gave: the test part of data that come in parts, otherwise all. Prepared as the run's own images are. */
async function openGiven({ config }: Run, name: string): Promise<[Dataset, 'train' | 'test']> {
  const images = { ...config.images, testShare: null, flip: false, dequantise: false };
  const [{ data }, split] = await openPart(name, { limit: null, seed: config.seed, images }, undefined);
  return [data, split];
}

/**
 * Images to try a trained run on.
 *
 * @param task name of the command, for messages
 * @throws UserError when there are none, or they are of another size than those the run learned from
 */
export async function openTaskImages(run: Run, task: string, request: ImageRequest): Promise<TaskImages> {
  requireImages(run, task);
  const { images, count, seed } = request;
  const [data, split] =
    images === undefined
      ? [
          (
            await openHeldOut(
              { ...run, paths: run.record.data.paths },
              `give some: brownian ${task} ${run.path} <images>`,
            )
          ).data,
          'test' as const,
        ]
      : await openGiven(run, images);
  const [ours, theirs] = [run.record.data.itemShape, data.itemShape].map((shape) => shape.join('×'));
  if (ours !== theirs)
    throw new UserError(
      `${images ?? run.config.data} has images of ${theirs} (channels×height×width), ${run.path} learned from ${ours}; ` +
        'train with --images.size, or give images of that size and colour.',
    );
  return await chooseImages(data, split, count, seed);
}
