import { type Stream, createStream } from '@brownian/runtime';
import type { Split } from './source.ts';
import { spreadIndices } from './spread.ts';

/** Which items of a source make a data set. */
export interface Selection {
  readonly seed: number;
  readonly split: Split;
  /** Share of the items that make the test part; null when the source comes in parts, or is one. */
  readonly testShare: number | null;
  /** At most so many; null takes all. */
  readonly limit: number | null;
  /** Whether neighbours are alike, so that a limit takes items from everywhere. */
  readonly grouped: boolean;
}

/** Every item of one part of a split by seed, in order. A part has at least one item where there are two. */
function partOf(size: number, share: number, split: Split, stream: Stream): number[] {
  const held = Math.min(Math.max(Math.round(size * share), share > 0 ? 1 : 0), Math.max(size - 1, 0));
  const order = Array.from(stream.permutation(size).data, Number);
  return (split === 'test' ? order.slice(0, held) : order.slice(held)).toSorted((a, b) => a - b);
}

/**
 * The indices of a selection, in ascending order; null stands for all of them. The split depends on the seed, the size and the
 * share alone.
 */
export function selectItems(size: number, { seed, split, testShare, limit, grouped }: Selection): number[] | null {
  const stream = createStream(seed).split('test part');
  const part = testShare === null ? null : partOf(size, testShare, split, stream);
  const count = part?.length ?? size;
  if (limit === null || limit >= count) return part;
  const places = grouped ? spreadIndices(count, limit) : Array.from({ length: limit }, (_, i) => i);
  return part === null ? places : places.map((place) => part[place] as number);
}
