import type { NDArray } from '@brownian/graph';
import { gridPng } from '../images/grid.ts';
import { itemsFrom, joinItems } from './batches.ts';

/** Images side by side in a picture of several rows. */
const COLUMNS = 12;

/** A picture of several versions of the same images: a row for each version, a column for each image. */
export async function rowsPng(versions: readonly NDArray[], columns: number = COLUMNS): Promise<Uint8Array> {
  const shown = Math.min(columns, ...versions.map(({ shape }) => shape[0] as number));
  return await gridPng(joinItems(versions.map((version) => itemsFrom(version, 0, shown))), { columns: shown });
}
