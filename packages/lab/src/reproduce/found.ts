import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createStream } from '@brownian/runtime';
import type { Batch, Dataset } from 'brownian';
import { type HomeName, fetchedPath } from '../data/homes.ts';
import { UserError } from '../errors.ts';

/** Folders above this one, and it, in which research data may lie: `data/` or `shared/data/` in any of them. */
function places(): string[] {
  const found: string[] = [];
  for (let folder = resolve('.'); ; folder = dirname(folder)) {
    found.push(join(folder, 'data'), join(folder, 'shared', 'data'));
    if (dirname(folder) === folder) return found;
  }
}

/** The first of these paths that lies beside the checkout, or undefined. */
function beside(path: string): string | undefined {
  return places()
    .map((place) => join(place, path))
    .find((file) => existsSync(file));
}

/** The archive in a folder that holds no other; else the folder. */
function archiveIn(folder: string): string {
  const archives = readdirSync(folder).filter((name) => /\.(zip|tar|tgz|tar\.gz)$/i.test(name));
  return archives.length === 1 ? join(folder, archives[0] as string) : folder;
}

/** What to open for a public data set: what was given, what was fetched, or a folder beside the checkout, or the archive in it; else its name, whose error says what to do. */
export function dataPlace(given: string | null, name: HomeName, folder: string): string {
  if (given !== null) return given;
  if (existsSync(fetchedPath(name))) return name;
  const found = beside(folder);
  return found === undefined ? name : archiveIn(found);
}

/** A path beside the checkout for data that are not fetched. @throws UserError when nothing was given and nothing found */
export function folderPlace(given: string | null, folder: string, flag: string): string {
  const found = given ?? beside(folder);
  if (found !== undefined) return found;
  throw new UserError(`There is no data/${folder} here or in a folder above; say where it is with --${flag} <path>.`);
}

/** The filters to use: those given, a file of VGG-16's weights beside the checkout, or `vgg`, which is fetched once. */
export function filtersPlace(given: string | null): string {
  return given ?? beside(join('vgg16', 'vgg16-relu2_2.safetensors')) ?? 'vgg';
}

const CHUNK = 500;

/** Labels of a whole data set. */
async function labelsOf(data: Dataset): Promise<Int32Array> {
  const labels = new Int32Array(data.size);
  for (let from = 0; from < data.size; from += CHUNK) {
    const indices = Array.from({ length: Math.min(CHUNK, data.size - from) }, (_, i) => from + i);
    const batch = await data.batch(indices);
    if (batch.labels === undefined) throw new UserError(`${data.name} has no labels; the experiment chooses classes.`);
    labels.set(batch.labels.data as Int32Array, from);
  }
  return labels;
}

/** The word that stands for every image of a data set, labelled or not. */
const EVERY = 'all';

/** Indices of the images of a class. @throws UserError when there is no such class */
async function membersOf(data: Dataset, name: string): Promise<number[]> {
  const label = data.classes?.indexOf(name) ?? -1;
  if (label < 0)
    throw new UserError(
      `${data.name} has no class "${name}"; its classes are ${data.classes?.join(', ') ?? 'unnamed'}, and "${EVERY}" takes images of any.`,
    );
  const labels = await labelsOf(data);
  return Array.from(labels.keys()).filter((i) => labels[i] === label);
}

/**
 * The items of one class, as a data set; `all` is the data set itself, labelled or not.
 *
 * @throws UserError when there is no such class
 */
export async function classOf(data: Dataset, name: string): Promise<Dataset> {
  if (name === EVERY) return data;
  const members = await membersOf(data, name);
  return {
    name: `${data.name}, ${name}`,
    itemShape: data.itemShape,
    size: members.length,
    batch: (indices, draw) =>
      data.batch(
        Array.from(indices, (i) => members[i] ?? -1),
        draw,
      ),
  };
}

/**
 * Draws `count` images of one class, or of all.
 *
 * @param name a class, or `all`
 * @param seed which images: the same seed draws the same ones
 * @throws UserError when there is no such class, or too few images of it
 */
export async function imagesOfClass(data: Dataset, name: string, count: number, seed: number): Promise<Batch> {
  const members = await classOf(data, name);
  if (members.size < count)
    throw new UserError(`${data.name} has ${members.size} images of "${name}", ${count} are asked for.`);
  const order = Array.from(createStream(seed).split('images').permutation(members.size).data, Number);
  return { x: (await members.batch(order.slice(0, count))).x };
}
