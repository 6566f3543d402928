import { type NDArray, formatShape } from '@brownian/graph';
import type { Dataset } from 'brownian';
import { spreadIndices } from '../data/spread.ts';
import type { PageScale } from './film.ts';
import { defaultScale, gridPng } from './grid.ts';
import { scatterPng, windowOf } from './scatter.ts';

/** Draws items of one data set as PNG: images on a grid, points as a scatter plot. */
export interface Picture {
  /** Draws particles or samples `[n, ...item]`; images are cut to the first {@link GRID_IMAGES}. */
  particles(items: NDArray): Promise<Uint8Array>;
  /** Draws real data in the same way. */
  data(): Promise<Uint8Array>;
}

/** How pictures of items of this shape are scaled down for a film: images to their own pixels, scatter plots to half. */
export function filmScale(itemShape: readonly number[]): PageScale {
  if (itemShape.length !== 3) return { divisor: 2, pixels: false };
  return { divisor: defaultScale(itemShape[2] as number), pixels: true };
}

/** Images on a grid: eight rows of eight. */
export const GRID_IMAGES = 64;
const SCATTER_POINTS = 1000;

function firstItems(array: NDArray, count: number): NDArray {
  const n = array.shape[0] ?? 0;
  if (n <= count) return array;
  const size = array.data.length / n;
  return { dtype: array.dtype, shape: [count, ...array.shape.slice(1)], data: array.data.slice(0, count * size) };
}

/**
 * The way to draw the items of a data set.
 *
 * @throws RangeError when they are neither images `[1 or 3, height, width]` nor points `[2]`.
 */
export function pictureFor(data: Dataset): Picture {
  const { itemShape } = data;
  if (itemShape.length === 3) {
    return {
      particles: (items) => gridPng(firstItems(items, GRID_IMAGES)),
      data: async () => gridPng((await data.batch(spreadIndices(data.size, GRID_IMAGES))).x),
    };
  }
  if (itemShape.length === 1 && itemShape[0] === 2) {
    const draw = async (items: NDArray | null): Promise<Uint8Array> => {
      const { x } = await data.batch(spreadIndices(data.size, SCATTER_POINTS));
      return scatterPng(items, x, windowOf(x));
    };
    return {
      particles: (items) => draw(firstItems(items, SCATTER_POINTS)),
      data: () => draw(null),
    };
  }
  throw new RangeError(
    `Items of shape ${formatShape(itemShape)} cannot be drawn; images [1 or 3, height, width] and points [2] can.`,
  );
}
