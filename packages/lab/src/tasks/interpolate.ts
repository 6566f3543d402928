import type { NDArray, Tree } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import {
  type LatentPath,
  type Learner,
  type Smoothness,
  clipLatents,
  interpolate,
  reconstruct,
  smoothness,
} from 'brownian';
import { gridPng } from '../images/grid.ts';
import { itemsFrom } from './batches.ts';

/** What rows are between. */
export interface InterpolationTrial {
  readonly learner: Learner;
  readonly state: Tree<NDArray>;
  readonly rows: number;
  readonly midpoints: number;
  /** Default: that of the model. */
  readonly path?: LatentPath | undefined;
  /** Images whose latents are the ends, two per row; without them the ends are drawn. */
  readonly between?: NDArray | undefined;
}

/** Rows of items and how evenly they change. */
export interface Interpolated {
  readonly items: NDArray;
  readonly smoothness: readonly Smoothness[];
  readonly picture: Uint8Array;
}

/** The largest ratio of steps that counts as a smooth change. */
export const SMOOTH = 3;

async function endsOf({ learner, state, between, rows, path }: InterpolationTrial, draw: Stream): Promise<NDArray> {
  const { latent } = learner;
  if (latent === undefined) throw new RangeError(`${learner.name} cannot interpolate: its samples have no latents.`);
  if (between !== undefined) return (await reconstruct(learner, state, between, draw)).z;
  const drawn = latent.draw(2 * rows, draw);
  // The paper clips ends that are drawn; those on an arc keep their length, and encoded ones are where they are.
  return (path ?? latent.path) === 'linear' ? clipLatents(drawn) : drawn;
}

/** Items on the way between pairs of latents. @throws RangeError when the model has no latents, or cannot encode the images */
export async function tryInterpolation(trial: InterpolationTrial, draw: Stream): Promise<Interpolated> {
  const { learner, state, rows, midpoints, path } = trial;
  const ends = await endsOf(trial, draw);
  const items = await interpolate(learner, state, {
    from: itemsFrom(ends, 0, rows),
    to: itemsFrom(ends, rows, 2 * rows),
    midpoints,
    ...(path && { path }),
  });
  const points = midpoints + 2;
  return { items, smoothness: smoothness(items, points), picture: await gridPng(items, { columns: points }) };
}
