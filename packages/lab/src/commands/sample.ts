import { extname, join } from 'node:path';
import { type NDArray, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { type Learner, type Metrics, encodeNpy, encodeTensors } from 'brownian';
import { UserError, asked } from '../errors.ts';
import { openData } from '../data/open.ts';
import { drawSamples } from '../drawing.ts';
import { gridPng } from '../images/grid.ts';
import { pictureFor } from '../images/picture.ts';
import { makeFolderOf, writeAtomically } from '../runs/atomic.ts';
import { openRun, runFiles } from '../runs/run.ts';
import { wholeNumber } from '../scoring/request.ts';
import type { Context, ExitCode } from './context.ts';
import { forSamples, givenSampling, openTrained } from './trained.ts';

/** What `brownian sample` was given. */
export interface SampleRequest {
  readonly run: string;
  readonly n: string;
  readonly seed: string | undefined;
  readonly out: string | undefined;
  /** Height and width, such as `128x96`, for models that take images of any size. */
  readonly size: string | undefined;
  /** Labels such as `3` or `0,1,2`, taken in turn, for models that are conditional on labels. */
  readonly label: string | undefined;
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

/** The labels of `n` samples, those asked for in turn; undefined when none were. @throws UserError for what the model does not have */
function labelsFor({ classes }: Learner, text: string | undefined, n: number): NDArray | undefined {
  if (text === undefined) return undefined;
  if (classes === undefined)
    throw new UserError(
      '--label is for models that are conditional on labels; train one with --classes, the number of classes of the data.',
    );
  const labels = text.split(',').map((part) => wholeNumber('--label', part.trim(), 0, classes - 1));
  return ndarray(
    Int32Array.from({ length: n }, (_, i) => labels[i % labels.length] as number),
    [n],
  );
}

/** The name of a picture of samples, by what they were drawn with: pictures of other settings are kept beside it. */
function pictureName(n: number, seed: number, { size, label, sampling }: SampleRequest): string {
  const drawn = givenSampling(sampling).map(([name, value]) => `${name}${value.replaceAll(/[^\w.+-]+/g, '-')}`);
  const parts = [
    `n${n}-seed${seed}`,
    size,
    label === undefined ? undefined : `label${label.replaceAll(/[^\d]+/g, '-')}`,
    ...drawn,
  ];
  return `${parts.filter((part) => part !== undefined).join('-')}.png`;
}

/** What drawing samples took, as a clause. */
function tookText(facts: Metrics): string {
  const { evaluations = 0, accepted = 0, rejected = 0 } = facts;
  return `, by ${evaluations} evaluations of ∇Φ in ${accepted} steps (${rejected} more were rejected)`;
}

/** `brownian sample`: draws samples from a run's newest checkpoint. @throws UserError for anything the user can put right. */
export async function sampleCommand(context: Context, request: SampleRequest): Promise<ExitCode> {
  const n = wholeNumber('--n', request.n, 1, 1_000_000);
  const { config, path } = await openRun(request.run);
  const seed = request.seed === undefined ? config.seed : wholeNumber('--seed', request.seed, 0, 0xffff_ffff);
  const out = request.out ?? join(runFiles(path).samples, pictureName(n, seed, request));
  const format = extname(out).toLowerCase();
  if (!FORMATS.includes(format))
    throw new UserError(`--out is ${JSON.stringify(out)}; its name must end in ${FORMATS.join(', ')}.`);
  await makeFolderOf(out);
  const trained = await openTrained(context, path, {
    itemShape: ({ record }) => sizedShape(record.data.itemShape, request.size),
    config: (whole) => forSamples(whole, request.sampling),
  });
  const { itemShape } = trained.run.record.data;
  const took: string[] = [];
  try {
    const labels = labelsFor(trained.learner, request.label, n);
    const stream = createStream(seed).split('samples');
    const { learner, state } = trained;
    const onDone = (facts: Metrics): void => void took.push(tookText(facts));
    const samples = await asked(() => drawSamples({ learner, state, n, stream, labels, onDone }, context.task()));
    if (format === '.npy') await writeAtomically(out, encodeNpy(samples));
    else if (format === '.safetensors') {
      const metadata = { run: path, iteration: String(trained.iteration), seed: String(seed) };
      await writeAtomically(out, encodeTensors({ tensors: new Map([['samples', samples]]), metadata }));
    } else if (itemShape.length === 3) await writeAtomically(out, [await gridPng(samples)]);
    else {
      const data = await openData(config.data, config);
      await writeAtomically(out, [await pictureFor(data).particles(samples)]);
    }
  } finally {
    await trained.close();
  }
  context.print(`${n} samples from iteration ${trained.iteration}${took.join('')}: ${out}`);
  return 0;
}
