import { extname, join } from 'node:path';
import { ShapeError } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { type Layer, encodeNpy, encodeTensors } from 'brownian';
import type { RunConfig } from '../config/run-config.ts';
import { checkConfig, mergeSettings, settingsFromFlags } from '../config/settings.ts';
import type { Session } from '../engine.ts';
import { UserError } from '../errors.ts';
import { openData } from '../data/open.ts';
import { gridPng } from '../images/grid.ts';
import { pictureFor } from '../images/picture.ts';
import { requireSameRun } from '../loop.ts';
import { writeAtomically } from '../runs/atomic.ts';
import { openRun, runFiles } from '../runs/run.ts';
import { latestCheckpoint } from '../runs/store.ts';
import { wholeNumber } from '../scoring/request.ts';
import { readFilters } from '../weights/filter-file.ts';
import type { Context, ExitCode } from './context.ts';

/** What `brownian sample` was given. */
export interface SampleRequest {
  readonly run: string;
  readonly n: string;
  readonly seed: string | undefined;
  readonly out: string | undefined;
  /** Height and width, such as `128x96`, for models that take images of any size. */
  readonly size: string | undefined;
  /** Text of the flags that stand for options of the run's group `sampling`, by path. */
  readonly sampling: Readonly<Record<string, string | undefined>>;
}

const FORMATS: readonly string[] = ['.png', '.npy', '.safetensors'];

/** The shape of samples of a size such as `128x96`. */
function sizedShape(itemShape: readonly number[], size: string | undefined): readonly number[] {
  if (size === undefined) return itemShape;
  const [, height, width] = /^(\d{1,5})x(\d{1,5})$/.exec(size) ?? [];
  if (Number(height) < 1 || Number(width) < 1 || height === undefined || width === undefined)
    throw new UserError(`--size is ${JSON.stringify(size)}; it must be a height and a width in pixels such as 128x96.`);
  if (itemShape.length !== 3)
    throw new UserError(`--size is for images; the items of this run have shape [${itemShape.join(', ')}].`);
  return [itemShape[0] as number, Number(height), Number(width)];
}

/** The run's configuration with the options that a sample was given for itself. */
function forSamples(config: RunConfig, { sampling }: SampleRequest): RunConfig {
  const own = settingsFromFlags(sampling);
  return checkConfig(mergeSettings({ ...config }, own), { kind: 'flag' });
}

/** A model that does not take the size says so in a sentence. */
function withoutStack(error: unknown): unknown {
  return error instanceof ShapeError || error instanceof RangeError
    ? new UserError(error.message, { cause: error })
    : error;
}

function openSession(
  { engine }: Context,
  config: RunConfig,
  itemShape: readonly number[],
  filters: Layer | undefined,
): Session {
  try {
    return engine.open(config, itemShape, filters);
  } catch (error) {
    throw withoutStack(error);
  }
}

/** `brownian sample`: draws samples from a run's newest checkpoint. @throws UserError for anything the user can put right. */
export async function sampleCommand(context: Context, request: SampleRequest): Promise<ExitCode> {
  const n = wholeNumber('--n', request.n, 1, 1_000_000);
  const { config, record, path } = await openRun(request.run);
  const seed = request.seed === undefined ? config.seed : wholeNumber('--seed', request.seed, 0, 0xffff_ffff);
  const out =
    request.out ??
    join(runFiles(path).samples, `n${n}-seed${seed}${request.size === undefined ? '' : `-${request.size}`}.png`);
  const format = extname(out).toLowerCase();
  if (!FORMATS.includes(format))
    throw new UserError(`--out is ${JSON.stringify(out)}; its name must end in ${FORMATS.join(', ')}.`);
  const latest = await latestCheckpoint(path);
  if (latest === undefined) throw new UserError(`${path} has no checkpoint to sample from; train it first.`);
  requireSameRun(latest.checkpoint, config, latest.file);
  for (const { problem } of latest.damaged)
    context.print(`${problem.replace(/\.$/, '')}; sampling from iteration ${latest.checkpoint.iteration} instead.`);
  const filters = await readFilters(path, config);
  const itemShape = sizedShape(record.data.itemShape, request.size);
  const session = openSession(context, forSamples(config, request), itemShape, filters);
  try {
    const { learner } = session;
    const samples = await learner
      .sample(latest.checkpoint.state, n, createStream(seed).split('samples'))
      .catch((error: unknown) => {
        throw withoutStack(error);
      });
    if (format === '.npy') await writeAtomically(out, encodeNpy(samples));
    else if (format === '.safetensors') {
      const metadata = { run: path, iteration: String(latest.checkpoint.iteration), seed: String(seed) };
      await writeAtomically(out, encodeTensors({ tensors: new Map([['samples', samples]]), metadata }));
    } else if (record.data.itemShape.length === 3) await writeAtomically(out, [await gridPng(samples)]);
    else {
      const data = await openData(config.data, config);
      await writeAtomically(out, [await pictureFor(data).particles(samples)]);
    }
  } finally {
    await session.close();
  }
  context.print(`${n} samples from iteration ${latest.checkpoint.iteration}: ${out}`);
  return 0;
}
