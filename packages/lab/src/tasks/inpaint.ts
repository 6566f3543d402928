import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type NDArray, type Tree, zeros } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { FILLS, type FillName, type InpaintMethod, type Learner, inpaint, inpaintMethods, merge } from 'brownian';
import { gridPng } from '../images/grid.ts';
import { writeAtomically } from '../runs/atomic.ts';
import { inBatches, itemsFrom } from './batches.ts';
import type { TaskImages } from './images.ts';
import type { Mask } from './mask.ts';
import { rowsPng } from './picture.ts';
import { type Comparison, type ScoredWay, compareImages } from './scores.ts';

/** A trained model and images to try it on. */
export interface InpaintTrial {
  readonly learner: Learner;
  readonly state: Tree<NDArray>;
  readonly images: TaskImages;
  readonly masks: readonly Mask[];
  /** Default: the first of what the model can do. */
  readonly methods?: readonly InpaintMethod[] | undefined;
}

/** What came of a mask. */
export interface Inpainted {
  readonly mask: string;
  /** The images as the model completed them, by the first of the methods. */
  readonly filled: NDArray;
  /** Scores of the model's and of the trivial fillings. */
  readonly scored: readonly ScoredWay[];
  /** Rows: originals, masked, the model's, trivial ones. */
  readonly picture: Uint8Array;
}

/** Trivial fillings, to compare a model with. */
export const TRIVIAL = Object.keys(FILLS) as FillName[];

async function fillAll(
  { learner, state, images: { x } }: InpaintTrial,
  { name, known }: Mask,
  method: InpaintMethod | undefined,
  { start, seed }: Comparison,
): Promise<NDArray> {
  const draw = createStream(seed).split(`inpaint ${name}`);
  return await inBatches(x.shape[0] as number, `mask ${name}`, start, (from, to) => {
    const part = { x: itemsFrom(x, from, to), known: itemsFrom(known, from, to) };
    return inpaint(learner, state, part, draw, method);
  });
}

async function tryMask(trial: InpaintTrial, mask: Mask, comparison: Comparison): Promise<Inpainted> {
  const { learner, images, methods = inpaintMethods(learner).slice(0, 1) } = trial;
  const { x } = images;
  const ways: [fill: string, result: NDArray][] = [];
  // A model without any method says so when it is asked.
  for (const method of methods.length === 0 ? [undefined] : methods)
    ways.push([`model (${method})`, await fillAll(trial, mask, method, comparison)]);
  const [, filled] = ways[0] as (typeof ways)[number];
  for (const name of TRIVIAL) ways.push([name, FILLS[name]({ x, known: mask.known })]);
  const scored: ScoredWay[] = [];
  for (const [fill, result] of ways) {
    const scores = await compareImages(result, images, `${fill}, ${mask.name}`, comparison);
    scored.push({ way: { mask: mask.name, fill }, scores });
  }
  const masked = merge(x, mask.known, zeros(x.shape));
  const picture = await rowsPng([x, masked, ...ways.map(([, result]) => result)]);
  return { mask: mask.name, filled, scored, picture };
}

/** Fills what each mask leaves out of the images, by the model and trivially, and scores all of it. @throws RangeError when the model cannot */
export async function tryInpainting(trial: InpaintTrial, comparison: Comparison): Promise<Inpainted[]> {
  const results: Inpainted[] = [];
  for (const mask of trial.masks) results.push(await tryMask(trial, mask, comparison));
  return results;
}

/** Writes a picture for each mask, and the completed images one by one if they are asked for. */
export async function writeInpainted(folder: string, results: readonly Inpainted[], singly: boolean): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { mask, filled, picture } of results) {
    await writeAtomically(join(folder, `${mask}.png`), [picture]);
    if (!singly) continue;
    const images = join(folder, mask);
    await mkdir(images, { recursive: true });
    const count = filled.shape[0] as number;
    const digits = String(count).length;
    for (let i = 0; i < count; i++) {
      const png = await gridPng(itemsFrom(filled, i, i + 1), { scale: 1, gap: 0 });
      await writeAtomically(join(images, `${String(i + 1).padStart(digits, '0')}.png`), [png]);
    }
  }
}
