import { type NDArray, formatShape, ndarray } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Dataset } from '../interfaces.ts';
import { drawMaskedLatents } from './masked.ts';
import { gridSizes, shrink } from './multi-grid.ts';
import type { HiddenOptions } from './options.ts';

/** Items of the data whose latents are kept to begin samples with, at most, and their values. */
const KEPT = 1000;
const KEPT_VALUES = 2 ** 21;
/** Items that are read at once. */
const CHUNK = 500;

/**
 * Height and width of the thumbnails that are latents of this length: the first grid of a multi-grid model.
 *
 * @throws RangeError when no thumbnail of whole pixels has as many values
 */
export function thumbnailSize(itemShape: readonly number[], dim: number): readonly [number, number] {
  const [channels = 1, height = 0, width = 0] = itemShape;
  const fits = (h: number): boolean =>
    height % h === 0 && (width * h) % height === 0 && channels * h * ((width * h) / height) === dim;
  const found = itemShape.length === 3 ? Array.from({ length: height }, (_, i) => i + 1).find(fits) : undefined;
  if (found !== undefined) return [found, (width * found) / height];
  throw new RangeError(
    `hidden.dim is ${dim}; with hidden.start "thumbnails" it must be the number of values of a smaller copy of an item, and items ` +
      `of shape ${formatShape(itemShape)} have none with that many.`,
  );
}

/** Values of the thumbnails that a multi-grid model of these images begins with: its first grid of whole pixels. */
export function thumbnailLength(itemShape: readonly number[]): number {
  const [channels, height, width] = itemShape as readonly [number, number, number];
  const first = gridSizes(height).find((size) => (width * size) % height === 0) as number;
  return (channels * first * width * first) / height;
}

/** Images `[n, c, h, w]` as latents: thumbnails of `dim` values, `[n, dim]`. */
export function thumbnails(x: NDArray, dim: number): NDArray {
  return { ...shrink(x, thumbnailSize(x.shape.slice(1), dim)), shape: [x.shape[0] as number, dim] };
}

/** Latents of the items at these indices, `[indices.length, dim]`. */
async function latentsAt(
  data: Dataset,
  indices: ArrayLike<number>,
  dim: number,
  latentsOf: (x: NDArray) => NDArray,
): Promise<NDArray> {
  const rows = new Float32Array(indices.length * dim);
  const places = Array.from(indices);
  for (let from = 0; from < places.length; from += CHUNK) {
    const { x } = await data.batch(places.slice(from, from + CHUNK));
    rows.set(latentsOf(x).data as Float32Array, from * dim);
  }
  return ndarray(rows, [places.length, dim]);
}

/**
 * Where latents begin: `normal` draws of N(0, I), `thumbnails` of data, as the first grid of M-GCN, or `masked` data, which the generator learns to
 * complete.
 */
export type HiddenStart = HiddenOptions['start'];

/** Images `[n, c, h, w]` as latents of a kind that data have. */
export function dataLatents(start: Exclude<HiddenStart, 'normal'>, x: NDArray, dim: number, draw: Stream): NDArray {
  return start === 'masked' ? drawMaskedLatents(x, draw) : thumbnails(x, dim);
}

/** A row for every item of the data, `[size, dim]`. */
export async function hiddenRows(start: HiddenStart, dim: number, data: Dataset, key: Stream): Promise<NDArray> {
  if (start === 'normal') return key.normal([data.size, dim]);
  return await latentsAt(
    data,
    Array.from({ length: data.size }, (_, i) => i),
    dim,
    (x) => dataLatents(start, x, dim, key),
  );
}

/** The labels of all items of the data, int32 `[size]`. @throws TypeError when they have none */
export async function itemLabels(data: Dataset): Promise<NDArray> {
  const all = new Int32Array(data.size);
  for (let from = 0; from < data.size; from += CHUNK) {
    const n = Math.min(CHUNK, data.size - from);
    const { labels } = await data.batch(Array.from({ length: n }, (_, i) => from + i));
    if (labels === undefined)
      throw new TypeError(`The model is conditional on labels, and the data set "${data.name}" has none.`);
    all.set(Int32Array.from(labels.data, Number), from);
  }
  return ndarray(all, [data.size]);
}

/** Of items in some order the first `count`, or, where they have labels, as many of each label as there are. */
function firstOfEach(order: Int32Array, count: number, labels: NDArray | undefined): Int32Array {
  if (labels === undefined) return order.slice(0, count);
  const seen = new Map<number, number>();
  const turns = Array.from(order, (item) => {
    const label = Number(labels.data[item]);
    const turn = seen.get(label) ?? 0;
    seen.set(label, turn + 1);
    return { item, turn };
  });
  return Int32Array.from(turns.toSorted((a, b) => a.turn - b.turn).slice(0, count), ({ item }) => item);
}

/** Latents of some items of the data, `[items, dim]`, and the items, int32 `[items]`. */
export interface KeptLatents {
  readonly latents: NDArray;
  readonly items: Int32Array;
}

/**
 * Latents of some items of the data, which stand for the distribution of latents when samples are drawn.
 *
 * @param labels of all items, for conditional models: items are then taken evenly from each label, so that all can be asked for
 */
export async function keptLatents(
  start: Exclude<HiddenStart, 'normal'>,
  dim: number,
  data: Dataset,
  key: Stream,
  labels?: NDArray,
): Promise<KeptLatents> {
  const kept = Math.max(1, Math.min(KEPT, Math.floor(KEPT_VALUES / dim), data.size));
  const items = firstOfEach(key.permutation(data.size).data as Int32Array, kept, labels);
  return { latents: await latentsAt(data, items, dim, (x) => dataLatents(start, x, dim, key)), items };
}

/** `n` of some rows, each drawn by itself: places in these. */
export function drawPlaces(rows: number, n: number, draw: Stream): Int32Array {
  return draw.integers([n], 0, rows).data as Int32Array;
}

/**
 * For each label that is wanted the place of a row that has it, drawn from all of them; rows of labels drawn evenly from those that there are where none
 * are wanted.
 *
 * @param labels of the rows, int32
 * @throws RangeError when a label is wanted that no row has
 */
export function drawPlacesOf(labels: NDArray, n: number, draw: Stream, wanted?: NDArray): Int32Array {
  const places = new Map<number, number[]>();
  Array.from(labels.data, Number).forEach((label, i) => {
    const found = places.get(label);
    if (found === undefined) places.set(label, [i]);
    else found.push(i);
  });
  const there = [...places.keys()].toSorted((a, b) => a - b);
  return Int32Array.from({ length: n }, (_, i) => {
    const label = wanted === undefined ? there[Math.floor(draw.next() * there.length)] : Number(wanted.data[i]);
    const rows = places.get(label as number);
    if (rows === undefined)
      throw new RangeError(`No latent is of an item with the label ${label}; there are some with ${there.join(', ')}.`);
    return rows[Math.floor(draw.next() * rows.length)] as number;
  });
}
