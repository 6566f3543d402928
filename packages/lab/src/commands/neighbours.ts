import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { type Neighbour, nearestNeighbours } from 'brownian';
import { csvFormatRows } from 'd3-dsv';
import { openData } from '../data/open.ts';
import { drawSamples } from '../drawing.ts';
import { asked } from '../errors.ts';
import { gridPng } from '../images/grid.ts';
import { writeAtomically } from '../runs/atomic.ts';
import { datasetItems } from '../scoring/items.ts';
import { wholeNumber } from '../scoring/request.ts';
import { requireImages } from '../tasks/images.ts';
import type { Context, ExitCode } from './context.ts';
import { folderOf, seedOf } from './task.ts';
import { openTrained } from './trained.ts';

/** What `brownian neighbours` was given, as text. */
export interface NeighboursRequest {
  readonly run: string;
  readonly n: string;
  readonly k: string;
  readonly seed?: string;
  readonly out?: string;
}

/** Each sample followed by its neighbours, row by row. */
async function picture(
  samples: NDArray,
  neighbours: readonly (readonly Neighbour[])[],
  imageAt: (index: number) => Promise<NDArray>,
): Promise<Uint8Array> {
  const size = samples.data.length / (samples.shape[0] as number);
  const columns = 1 + (neighbours[0]?.length ?? 0);
  const data = new Float32Array(neighbours.length * columns * size);
  for (const [row, list] of neighbours.entries()) {
    data.set(float32Data(samples).subarray(row * size, (row + 1) * size), row * columns * size);
    for (const [k, { index }] of list.entries())
      data.set(float32Data(await imageAt(index)), (row * columns + 1 + k) * size);
  }
  return await gridPng(ndarray(data, [neighbours.length * columns, ...samples.shape.slice(1)]), { columns });
}

/** `brownian neighbours`: samples beside the training images nearest to them. @throws UserError for anything the user can put right */
export async function neighboursCommand(context: Context, request: NeighboursRequest): Promise<ExitCode> {
  const n = wholeNumber('--n', request.n, 1, 1000);
  const k = wholeNumber('--k', request.k, 1, 100);
  const trained = await openTrained(context, request.run);
  const { run, learner, state } = trained;
  try {
    requireImages(run, 'neighbours');
    const seed = seedOf(run, request.seed);
    const samples = await asked(() =>
      drawSamples({ learner, state, n, stream: createStream(seed).split('samples') }, context.task()),
    );
    const data = await openData(run.config.data, {
      ...run.config,
      paths: run.record.data.paths,
      images: { ...run.config.images, flip: false, dequantise: false },
    });
    const found = await nearestNeighbours(samples, datasetItems(data, data.size).batches(), k);
    const folder = folderOf(run, request.out, 'neighbours');
    await mkdir(folder, { recursive: true });
    const png = await picture(samples, found, async (index) => (await data.batch([index])).x);
    await writeAtomically(join(folder, 'neighbours.png'), [png]);
    const rows = found.flatMap((list, sample) =>
      list.map(({ index, distance }, rank) => [sample, rank + 1, index, distance].map(String)),
    );
    await writeAtomically(join(folder, 'neighbours.csv'), [
      `${csvFormatRows([['sample', 'rank', 'item', 'distance'], ...rows])}\n`,
    ]);
    const nearest = found.map((list) => list[0]?.distance ?? NaN).toSorted((a, b) => a - b);
    context.print(
      `Root mean square difference to the nearest of ${data.size} training images: least ${nearest[0]?.toFixed(3)}, ` +
        `median ${nearest[nearest.length >> 1]?.toFixed(3)}; values lie in [-1, 1].`,
    );
    context.print(`Samples beside their neighbours: ${join(folder, 'neighbours.png')}`);
    return 0;
  } finally {
    await trained.close();
  }
}
