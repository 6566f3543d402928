import { extname, join } from 'node:path';
import { createStream } from '@brownian/runtime';
import { encodeTensors } from 'brownian';
import { UserError } from '../errors.ts';
import { openData } from '../data/open.ts';
import { gridPng } from '../images/grid.ts';
import { encodeNpy } from '../images/npy.ts';
import { pictureFor } from '../images/picture.ts';
import { requireSameRun } from '../loop.ts';
import { writeAtomically } from '../runs/atomic.ts';
import { openRun, runFiles } from '../runs/run.ts';
import { latestCheckpoint } from '../runs/store.ts';
import { readFilters } from '../weights/filter-file.ts';
import type { Context, ExitCode } from './context.ts';

/** What `brownian sample` was given. */
export interface SampleRequest {
  readonly run: string;
  readonly n: string;
  readonly seed: string | undefined;
  readonly out: string | undefined;
}

const FORMATS: readonly string[] = ['.png', '.npy', '.safetensors'];

function wholeNumber(flag: string, text: string, low: number, high: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= low && value <= high) return value;
  throw new UserError(`${flag} is ${JSON.stringify(text)}; it must be a whole number from ${low} to ${high}.`);
}

/** `brownian sample`: draws samples from a run's newest checkpoint. @throws UserError for anything the user can put right. */
export async function sampleCommand(context: Context, request: SampleRequest): Promise<ExitCode> {
  const n = wholeNumber('--n', request.n, 1, 1_000_000);
  const { config, record, path } = await openRun(request.run);
  const seed = request.seed === undefined ? config.seed : wholeNumber('--seed', request.seed, 0, 0xffff_ffff);
  const out = request.out ?? join(runFiles(path).samples, `n${n}-seed${seed}.png`);
  const format = extname(out).toLowerCase();
  if (!FORMATS.includes(format))
    throw new UserError(`--out is ${JSON.stringify(out)}; its name must end in ${FORMATS.join(', ')}.`);
  const latest = await latestCheckpoint(path);
  if (latest === undefined) throw new UserError(`${path} has no checkpoint to sample from; train it first.`);
  requireSameRun(latest.checkpoint, config, latest.file);
  const filters = await readFilters(path, config);
  const session = context.engine.open(config, record.data.itemShape, filters);
  try {
    const samples = await session.learner.sample(latest.checkpoint.state, n, createStream(seed).split('samples'));
    if (format === '.npy') await writeAtomically(out, encodeNpy(samples));
    else if (format === '.safetensors') {
      const metadata = { run: path, iteration: String(latest.checkpoint.iteration), seed: String(seed) };
      await writeAtomically(out, encodeTensors({ tensors: new Map([['samples', samples]]), metadata }));
    } else if (record.data.itemShape.length === 3) await writeAtomically(out, [await gridPng(samples)]);
    else {
      const data = await openData(config.data, { limit: config.limit, seed: config.seed });
      await writeAtomically(out, [await pictureFor(data).particles(samples)]);
    }
  } finally {
    await session.close();
  }
  context.print(`${n} samples from iteration ${latest.checkpoint.iteration}: ${out}`);
  return 0;
}
