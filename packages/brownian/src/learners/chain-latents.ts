import type { NDArray } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Batch } from '../interfaces.ts';
import { takeRows } from '../samplers/replay-buffer.ts';
import type { GeneralizedModel, GeneralizedState } from './generalized-model.ts';
import { dataLatents } from './hidden.ts';
import { takeIntegers } from './labels.ts';
import type { Chains } from './replay.ts';

/** Hidden rows of these items, int32. */
export function takeLatents(rows: NDArray, items: NDArray): NDArray {
  return takeRows(rows, items.data as Int32Array);
}

/** What new chains begin at. */
export interface BegunLatents {
  readonly latents: Omit<Chains, 'images'>;
  /** Images that the latents were masked from, `[particles, ...item]`, where they were. */
  readonly originals?: NDArray;
}

/**
 * Latents of new chains: the rows of the batch's items, latents made of these (thumbnails, masked images), or draws of N(0, I). Labels are those of the
 * items.
 */
export function latentsFor(
  { hidden, generator, chains }: GeneralizedModel,
  state: Pick<GeneralizedState, 'hidden'>,
  { x, labels, indices }: Batch,
  draw: Stream,
): BegunLatents {
  // Particles in excess of the batch begin at its items once more.
  const places = Array.from({ length: chains.particles }, (_, i) => i % (x.shape[0] as number));
  const told = generator.net.classes > 0 && labels ? { labels: takeIntegers(labels, places) } : {};
  if (state.hidden && indices) return { latents: { items: takeIntegers(indices, places), ...told } };
  if (hidden.start === 'normal') return { latents: { hidden: draw.normal([chains.particles, hidden.dim]), ...told } };
  const items = takeRows(x, places);
  const latents = { hidden: dataLatents(hidden.start, items, hidden.dim, draw), ...told };
  return { latents, ...(hidden.start === 'masked' && { originals: items }) };
}
