import { resolve } from 'node:path';
import { float32Data, ndarray } from '@brownian/graph';
import { type Stream, createStream } from '@brownian/runtime';
import type { ImageOptions, RunConfig } from '../config/run-config.ts';
import { type DataPaths, type TracedData, openTraced } from '../data/open.ts';
import { UserError } from '../errors.ts';
import { openPart } from '../scoring/reference.ts';
import type { DetectionSet, Role, TracedItems } from './detect.ts';
import { openHeldOut } from './images.ts';

/** A model, and what it learned from. */
export interface LearnedFrom {
  /** The folder of its run, or what else to call it. */
  readonly path: string;
  readonly config: RunConfig;
  readonly itemShape: readonly number[];
  /** Where its data lay when it began to learn. */
  readonly paths?: DataPaths | undefined;
}

/** Which sets are to be told apart. */
export interface SetsRequest {
  /** New data like those learned from; default: those of the model's data that it did not learn from. */
  readonly in?: string;
  /** Names, files or folders, and {@link INTERPOLATED}. */
  readonly out: readonly string[];
  /** Items of each set, at most; null takes {@link OWN_ITEMS} to compare with, and all of the others. */
  readonly count: number | null;
  /** Seed of the choice of items. */
  readonly seed: number;
  /** Whether images of other data are cropped, and their range taken, as the model's own were. */
  readonly asRun: boolean;
}

/** Sets to be told apart, with what the user should know of them. */
export interface OpenedSets {
  readonly sets: readonly DetectionSet[];
  readonly notes: readonly string[];
}

/** The name of half-and-half mixtures of the items that others are compared with. */
export const INTERPOLATED = 'interpolated';
/** Items to compare with when the user does not say how many: AUROC of so many has a standard error below 0.01. */
export const OWN_ITEMS = 2000;
/** Items whose Φ is asked for at once. */
const BATCH = 2000;

/** What an item is called in a table. */
type Named = ReturnType<TracedItems['origin']>;

function tracedItems(
  facts: Pick<TracedItems, 'name' | 'itemShape' | 'count' | 'total' | 'origin' | 'pick'>,
): TracedItems {
  return {
    ...facts,
    async *batches() {
      for (let from = 0; from < facts.count; from += BATCH)
        yield await facts.pick(Array.from({ length: Math.min(BATCH, facts.count - from) }, (_, i) => from + i));
    },
  };
}

/** At most `count` items of a data set, by chance, in the order of the data; null takes all. */
function chosenItems(traced: TracedData, name: string, count: number | null, choose: Stream): TracedItems {
  const { data } = traced;
  const all = choose.permutation(data.size).data as Int32Array;
  const chosen = all.slice(0, count ?? data.size).toSorted();
  return tracedItems({
    name,
    itemShape: data.itemShape,
    count: chosen.length,
    total: data.size,
    origin: (place) => {
      const { index, where } = traced.origin(chosen[place] as number);
      return { index: String(index), where };
    },
    pick: async (places) => (await data.batch(places.map((place) => chosen[place] as number))).x,
  });
}

/** Half-and-half mixtures of random pairs of items: images that are none of the data, and near to it (VAPO, Table 3). */
export function interpolatedItems(items: TracedItems, stream: Stream): TracedItems {
  const { count, itemShape } = items;
  const [left, right] = [0, 1].map(() => stream.permutation(count).data as Int32Array) as [Int32Array, Int32Array];
  const of = (places: readonly number[], side: Int32Array): number[] => places.map((place) => side[place] as number);
  return tracedItems({
    name: INTERPOLATED,
    itemShape,
    count,
    total: count,
    origin: (place): Named => {
      const [a, b] = [left, right].map((side) => items.origin(side[place] as number)) as [Named, Named];
      return { index: `${a.index}+${b.index}`, where: `${a.where} + ${b.where}` };
    },
    pick: async (places) => {
      const [a, b] = [await items.pick(of(places, left)), await items.pick(of(places, right))];
      const other = float32Data(b);
      return ndarray(
        float32Data(a).map((value, i) => (value + (other[i] as number)) / 2),
        a.shape,
      );
    },
  });
}

/** How images of other data are brought into the form of a model's items: scaled and coloured to fit. */
function fitting({ config, itemShape }: LearnedFrom, asRun: boolean): ImageOptions {
  const [channels, height, width] = itemShape;
  const { crop, range, memory } = config.images;
  return {
    ...config.images,
    crop: asRun ? crop : null,
    range: asRun ? range : null,
    memory,
    labels: null,
    testShare: null,
    flip: false,
    dequantise: false,
    ...(itemShape.length === 3 && { color: channels === 1 ? ('grey' as const) : ('rgb' as const) }),
    ...(itemShape.length === 3 && { size: height === width ? (height as number) : null }),
  };
}

class SetOpener {
  readonly #from: LearnedFrom;
  readonly #request: SetsRequest;
  readonly #choose: Stream;
  readonly notes: string[] = [];

  constructor(from: LearnedFrom, request: SetsRequest) {
    this.#from = from;
    this.#request = request;
    this.#choose = createStream(request.seed).split('detect');
  }

  isOwn(name: string): boolean {
    const { config, paths } = this.#from;
    return [resolve(config.data), paths?.data].includes(resolve(name));
  }

  choose(role: Role, data: TracedData, name: string): DetectionSet {
    const count = this.#request.count ?? (role === 'out' ? null : OWN_ITEMS);
    return { role, items: chosenItems(data, name, count, this.#choose.split(role).split(name)) };
  }

  mixtures({ items }: DetectionSet): DetectionSet {
    return { role: 'out', items: interpolatedItems(items, this.#choose.split('pairs')) };
  }

  /** Data that the model did not learn from, in the shape of its items. */
  async #other(name: string): Promise<TracedData> {
    const { config, itemShape, path } = this.#from;
    if (this.isOwn(name))
      return await openHeldOut(this.#from, 'give others, or train with --images.test-share, such as 0.1');
    const images = fitting(this.#from, this.#request.asRun);
    const [found] = await openPart(name, { limit: null, seed: config.seed, images }, undefined);
    if (found.data.itemShape.join() !== itemShape.join())
      throw new UserError(
        `The items of ${name} have the shape [${found.data.itemShape.join(', ')}], those of ${path} [${itemShape.join(', ')}]; give data of that shape.`,
      );
    if (config.images.crop !== null && !this.#request.asRun)
      this.notes.push(
        `Images of ${name} are scaled whole, and ${path} learned from centred squares of ${config.images.crop} pixels; give --as-run if they are of the same make.`,
      );
    return found;
  }

  async out(name: string): Promise<DetectionSet> {
    return this.choose('out', await this.#other(name), name);
  }

  /** New data like those learned from; undefined, with a note, where the model's own have no part that it did not learn from. */
  async inside(): Promise<DetectionSet | undefined> {
    const { config, path } = this.#from;
    const name = this.#request.in ?? config.data;
    if (!this.isOwn(name)) return this.choose('in', await this.#other(name), name);
    try {
      return this.choose('in', await this.#other(name), `${name} (new)`);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.notes.push(
        `${name} has no part that ${path} did not learn from, so AUROC and p-values compare with items that it knows: new normal items come out less normal than they are, and their p-values too low. Give new normal ones with --in, or train with --images.test-share, such as 0.1.`,
      );
      return undefined;
    }
  }
}

/**
 * Opens data that a model learned from, new data like them, and others to tell apart. Each set is chosen by draws of its own.
 *
 * @throws UserError when one cannot be read, or is of another shape
 */
export async function openDetectionSets(from: LearnedFrom, request: SetsRequest): Promise<OpenedSets> {
  const opener = new SetOpener(from, request);
  const { config, path } = from;
  if (request.asRun && config.images.crop === null && config.images.range === null)
    throw new UserError(
      `${path} learned from images without a crop or a range, so --as-run changes nothing; leave it out.`,
    );
  const train = opener.choose('train', await openTraced(config.data, { ...config, paths: from.paths }), config.data);
  const inside = await opener.inside();
  const sets: DetectionSet[] = inside === undefined ? [train] : [train, inside];
  for (const name of request.out)
    sets.push(name === INTERPOLATED ? opener.mixtures(inside ?? train) : await opener.out(name));
  const cut = sets.filter(({ items }) => items.count < items.total);
  const text = (value: number): string => value.toLocaleString('en-US');
  const notes = cut.map(
    ({ role, items: { name, count, total } }) =>
      `Of ${role === 'train' ? `${name}, learned from,` : name} ${text(count)} of ${text(total)} items are scored, chosen by seed ${request.seed}.`,
  );
  return { sets, notes: [...opener.notes, ...notes] };
}
