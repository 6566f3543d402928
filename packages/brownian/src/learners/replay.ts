import type { NDArray } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import { takeIntegers } from './labels.ts';
import { chooseRows, freshCount, putRows, takeRows } from '../samplers/replay-buffer.ts';

/** Chains that are gone on with: `[size, …]` each. */
export type Replay = {
  readonly images: NDArray;
  /** Latents that the chains began at, where latents are drawn. */
  readonly hidden?: NDArray;
  /** Items whose hidden rows the chains began at, int32, where rows are learned. */
  readonly items?: NDArray;
  /** int32, for conditional models. */
  readonly labels?: NDArray;
};

/** Chains of one iteration and where they come from: `[n, …]` each. */
export type Chains = Omit<Replay, 'images'> & {
  /** Particles, before or after the sampler. */
  readonly images: NDArray;
};

function putIntegers(array: NDArray, places: ArrayLike<number>, values: NDArray): NDArray {
  const data = Int32Array.from(array.data as Int32Array);
  for (let i = 0; i < places.length; i++) data[places[i] as number] = Number(values.data[i]);
  return { ...array, data };
}

function mapChains(
  chains: Chains,
  rows: (array: NDArray, name: 'images' | 'hidden') => NDArray,
  integers: (array: NDArray, name: 'items' | 'labels') => NDArray,
): Chains {
  const { images, hidden, items, labels } = chains;
  return {
    images: rows(images, 'images'),
    ...(hidden && { hidden: rows(hidden, 'hidden') }),
    ...(items && { items: integers(items, 'items') }),
    ...(labels && { labels: integers(labels, 'labels') }),
  };
}

/** Chains at these places. */
export function takeChains(chains: Chains, places: ArrayLike<number>): Chains {
  return mapChains(
    chains,
    (array) => takeRows(array, places),
    (array) => takeIntegers(array, places),
  );
}

/** A copy with the chains at these places replaced. */
export function putChains(chains: Chains, places: ArrayLike<number>, by: Chains): Chains {
  return mapChains(
    chains,
    (array, name) => putRows(array, places, by[name] as NDArray),
    (array, name) => putIntegers(array, places, by[name] as NDArray),
  );
}

/** How a batch of chains is put together from the buffer and from new ones. */
export interface Mixture {
  /** Rows of the buffer that are gone on with, and overwritten afterwards. */
  readonly rows: Int32Array;
  /** Chains of the batch that begin anew. */
  readonly fresh: Int32Array;
}

/** Draws which rows of a buffer are gone on with and which of `n` chains begin anew, `share` of them on average. */
export function drawMixture(size: number, n: number, share: number, draw: Stream): Mixture {
  return { rows: chooseRows(size, n, draw), fresh: chooseRows(n, freshCount(n, share, draw), draw) };
}
