import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { UserError, fileProblem } from '../errors.ts';
import { makeFolderOf, writeAtomically } from '../runs/atomic.ts';
import { readMetrics } from '../runs/database.ts';
import { numberedFiles, openRun, runFiles } from '../runs/run.ts';
import type { Exported } from './csv.ts';
import { type EventImage, type TensorboardEvent, encodeEventFile } from './event-file.ts';

async function readImage(file: string): Promise<EventImage> {
  let png: Uint8Array;
  try {
    png = await readFile(file);
  } catch (error) {
    throw new UserError(`Cannot read ${file}: ${fileProblem(error)}.`, { cause: error });
  }
  const { height, width } = await sharp(png).metadata();
  return { height, width, png };
}

/**
 * Writes a run for TensorBoard: metrics as scalars, pictures of the particles as images, by iteration.
 *
 * @param out the folder, to be given to `tensorboard --logdir`; made when there is none.
 * @throws UserError when the run has no metrics, or the folder cannot be written.
 */
export async function writeTensorboard(path: string, out: string): Promise<Exported> {
  const { record } = await openRun(path);
  const files = runFiles(path);
  const records = readMetrics(files.database);
  if (records.length === 0) throw new UserError(`${path} has no metrics yet; train it first.`);
  const began = Date.parse(record.created) / 1000;
  const grids = await numberedFiles(files.samples, 'png');
  const seconds = new Map(records.map((each) => [each.iteration, each.seconds]));
  const images: TensorboardEvent[] = [];
  for (const iteration of grids) {
    const wallTime = began + (seconds.get(iteration) ?? 0);
    images.push({ wallTime, step: iteration, images: { particles: await readImage(files.grid(iteration)) } });
  }
  const scalars = records.map((each) => ({
    wallTime: began + each.seconds,
    step: each.iteration,
    scalars: each.metrics,
  }));
  const events = [...scalars, ...images].toSorted((a, b) => a.step - b.step);
  // TensorBoard finds its files by "tfevents" in their names.
  const file = join(out, `events.out.tfevents.${Math.floor(began)}.${hostname()}`);
  await makeFolderOf(file);
  await writeAtomically(file, encodeEventFile(began, events));
  return { what: `${records.length} iterations and ${images.length} pictures`, file };
}
