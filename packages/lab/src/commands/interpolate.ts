import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createStream } from '@brownian/runtime';
import type { LatentPath } from 'brownian';
import { csvFormatRows } from 'd3-dsv';
import { UserError, asked } from '../errors.ts';
import { writeAtomically } from '../runs/atomic.ts';
import { wholeNumber } from '../scoring/request.ts';
import { type TaskImages, openTaskImages, requireImages } from '../tasks/images.ts';
import { SMOOTH, tryInterpolation } from '../tasks/interpolate.ts';
import type { Context, ExitCode } from './context.ts';
import { choiceOf, folderOf, seedOf } from './task.ts';
import { openTrained } from './trained.ts';

/** What `brownian interpolate` was given, as text. */
export interface InterpolateRequest {
  readonly run: string;
  readonly images?: string;
  readonly between?: string;
  readonly rows: string;
  readonly midpoints: string;
  readonly path?: string;
  readonly seed?: string;
  readonly out?: string;
}

const PATHS: readonly LatentPath[] = ['linear', 'spherical'];
const ENDS = ['samples', 'images'] as const;

/** How many rows there are ends for. @throws UserError when there is none */
function rowsBetween({ x }: TaskImages, place: string): number {
  const count = x.shape[0] as number;
  if (count >= 2) return Math.floor(count / 2);
  throw new UserError(
    `A row goes between two images, and ${place} has ${count}; give a folder or file of two or more.`,
  );
}

/**
 * `brownian interpolate`: goes from one latent to another in even steps and draws what the model makes of each.
 *
 * @throws UserError for anything the user can put right
 */
export async function interpolateCommand(context: Context, request: InterpolateRequest): Promise<ExitCode> {
  const rows = wholeNumber('--rows', request.rows, 1, 1000);
  const midpoints = wholeNumber('--midpoints', request.midpoints, 1, 1000);
  const path = choiceOf('--path', request.path, PATHS);
  const ends = choiceOf('--between', request.between, ENDS) ?? (request.images === undefined ? 'samples' : 'images');
  const trained = await openTrained(context, request.run);
  const { run, learner, state, iteration } = trained;
  try {
    const seed = seedOf(run, request.seed);
    requireImages(run, 'interpolate');
    const given = request.images === undefined ? {} : { images: request.images };
    const images =
      ends === 'images' ? await openTaskImages(run, 'interpolate', { ...given, count: 2 * rows, seed }) : undefined;
    const shown = images === undefined ? rows : rowsBetween(images, request.images ?? 'what the run held out');
    if (shown < rows)
      context.print(`A row goes between two images, and there are ${images?.x.shape[0]}: ${shown} of ${rows} rows.`);
    const trial = { learner, state, rows: shown, midpoints, path, between: images?.x };
    const found = await asked(() => tryInterpolation(trial, createStream(seed).split('interpolate')));
    const folder = folderOf(run, request.out, 'interpolate');
    await mkdir(folder, { recursive: true });
    await writeAtomically(join(folder, 'interpolate.png'), [found.picture]);
    const table = found.smoothness.map(({ ratio, steps }, row) => [row + 1, ratio, ...steps].map(String));
    const head = [
      'row',
      'largest over median step',
      ...(found.smoothness[0]?.steps.map((_, i) => `step ${i + 1}`) ?? []),
    ];
    await writeAtomically(join(folder, 'smoothness.csv'), [`${csvFormatRows([head, ...table])}\n`]);
    const settings = {
      run: run.path,
      iteration,
      ends,
      rows: shown,
      midpoints,
      path: path ?? learner.latent?.path,
      seed,
    };
    const result = { settings, smoothness: found.smoothness };
    await writeAtomically(join(folder, 'smoothness.json'), [`${JSON.stringify(result, null, 2)}\n`]);
    const worst = Math.max(...found.smoothness.map(({ ratio }) => ratio));
    const smooth = found.smoothness.filter(({ ratio }) => ratio <= SMOOTH).length;
    context.print(
      `${smooth} of ${shown} rows change smoothly (largest step at most ${SMOOTH} × the median step); the worst ratio is ${worst.toFixed(2)}.`,
    );
    context.print(`Picture (a row each, from end to end) and steps: ${folder}`);
    return 0;
  } finally {
    await trained.close();
  }
}
