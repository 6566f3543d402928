import { join } from 'node:path';
import type { Runtime } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import type { FeatureNetwork } from 'brownian';
import { UserError } from '../errors.ts';
import type { Run } from '../runs/run.ts';
import { type StartTask, silently } from '../scoring/collect.ts';
import { arrayItems } from '../scoring/items.ts';
import { isClassified } from '../scoring/classifier.ts';
import { openNetwork } from '../scoring/networks.ts';
import { openReference } from '../scoring/reference.ts';
import type { TaskImages } from '../tasks/images.ts';
import type { Comparison } from '../tasks/scores.ts';
import { wholeNumber } from '../scoring/request.ts';
import type { Context } from './context.ts';

/** Flags that tasks on images share, as text. */
export interface TaskRequest {
  readonly run: string;
  readonly images?: string;
  readonly n: string;
  readonly seed?: string;
  readonly network?: string;
  readonly networkSpec?: string;
  readonly out?: string;
  readonly json?: boolean;
  /** Text of the flags that stand for options of the run's group `sampling`, by path. */
  readonly sampling: Readonly<Record<string, string | undefined>>;
}

const LARGEST_SEED = 0xffff_ffff;

/** The seed of a task: that given, or the run's. */
export function seedOf({ config }: Run, seed: string | undefined): number {
  return seed === undefined ? config.seed : wholeNumber('--seed', seed, 0, LARGEST_SEED);
}

/** Where a task leaves its results: a folder of the run. */
export function folderOf({ path }: Run, out: string | undefined, task: string): string {
  return out ?? join(path, task);
}

/** Lines of progress would spoil JSON on the same output. */
export function progressOf(context: Context, json: boolean | undefined): StartTask {
  return json === true ? silently : () => context.task();
}

/**
 * The feature network of FID: that named, or a classifier of the run's data. Data without labels have none, which is said.
 *
 * @throws UserError when the one named cannot be opened
 */
async function networkFor(
  runtime: Runtime,
  run: Run,
  images: TaskImages,
  { network, networkSpec }: Pick<TaskRequest, 'network' | 'networkSpec'>,
  start: StartTask,
  note: (text: string) => void,
): Promise<FeatureNetwork | undefined> {
  const reference = await openReference({ what: run.path }, run, false);
  if (network === undefined && !isClassified(reference.data)) {
    note(`No FID: "${reference.name}" has no labels to train a classifier on; name a feature network with --network.`);
    return undefined;
  }
  const given = { ...(network && { network }), ...(networkSpec && { networkSpec }) };
  return await openNetwork(runtime, reference, arrayItems(images.name, images.x), given, start);
}

/** Runs a task with what its images are compared by, and releases that. */
export async function withComparison<T>(
  context: Context,
  run: Run,
  images: TaskImages,
  request: TaskRequest,
  work: (comparison: Comparison) => Promise<T>,
): Promise<T> {
  const { threads } = run.config;
  const runtime = nodeRuntime(threads === null ? {} : { threads });
  const start = progressOf(context, request.json);
  const note = (text: string): void => (request.json === true ? undefined : context.print(text));
  try {
    const network = await networkFor(runtime, run, images, request, start, note);
    return await work({ runtime, seed: seedOf(run, request.seed), start, ...(network && { network }) });
  } finally {
    await runtime.dispose();
  }
}

/** A word of a flag that has a few choices. @throws UserError that names them */
export function choiceOf<T extends string>(
  flag: string,
  text: string | undefined,
  choices: readonly T[],
): T | undefined {
  const found = choices.find((choice) => choice === text);
  if (text === undefined || found !== undefined) return found;
  throw new UserError(`${flag} is ${JSON.stringify(text)}; it must be ${choices.join(', ')}.`, { exitCode: 2 });
}
