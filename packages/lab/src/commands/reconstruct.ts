import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createStream } from '@brownian/runtime';
import { reconstruct } from 'brownian';
import { asked } from '../errors.ts';
import { writeAtomically } from '../runs/atomic.ts';
import { wholeNumber } from '../scoring/request.ts';
import { inBatches, itemsFrom } from '../tasks/batches.ts';
import { openTaskImages } from '../tasks/images.ts';
import { rowsPng } from '../tasks/picture.ts';
import { compareImages, scoreTable, writeScoreFiles } from '../tasks/scores.ts';
import type { Context, ExitCode } from './context.ts';
import { type TaskRequest, folderOf, seedOf, withComparison } from './task.ts';
import { openTrained } from './trained.ts';

/**
 * `brownian reconstruct`: encodes images and decodes them again, and scores what comes back.
 *
 * @throws UserError for anything the user can put right
 */
export async function reconstructCommand(context: Context, request: TaskRequest): Promise<ExitCode> {
  const count = wholeNumber('--n', request.n, 1, 1_000_000);
  const trained = await openTrained(context, request.run);
  const { run, learner, state, iteration } = trained;
  try {
    const seed = seedOf(run, request.seed);
    const given = request.images === undefined ? {} : { images: request.images };
    const images = await openTaskImages(run, 'reconstruct', { ...given, count, seed });
    const draw = createStream(seed).split('reconstruct');
    const n = images.x.shape[0] as number;
    const [again, scores] = await withComparison(context, run, images, request, async (comparison) => {
      const work = (from: number, to: number): ReturnType<typeof inBatches> =>
        asked(async () => (await reconstruct(learner, state, itemsFrom(images.x, from, to), draw)).x);
      const made = await inBatches(n, 'reconstructing', comparison.start, work);
      return [made, await compareImages(made, images, 'reconstructions', comparison)] as const;
    });
    const folder = folderOf(run, request.out, 'reconstruct');
    const settings = { run: run.path, iteration, images: images.name, split: images.split, count: n, seed };
    const scored = [{ way: { images: 'reconstructed' }, scores }];
    await mkdir(folder, { recursive: true });
    await writeAtomically(join(folder, 'reconstruct.png'), [await rowsPng([images.x, again])]);
    await writeScoreFiles(folder, settings, scored);
    if (request.json === true) context.print(JSON.stringify({ settings, scores: scored }, null, 2));
    else {
      for (const line of scoreTable(scored)) context.print(line);
      context.print(`Picture (rows: originals, reconstructions) and scores: ${folder}`);
    }
    return 0;
  } finally {
    await trained.close();
  }
}
