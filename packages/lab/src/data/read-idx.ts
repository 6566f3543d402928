import { DataError, imageDataset, parseIdx } from 'brownian';
import { UserError } from '../errors.ts';
import { labelsOfArray } from './array-labels.ts';
import { type Block, readWhole } from './block.ts';
import { unwrapGzip } from './gzip.ts';
import type { ArraySource, ReadRequest, Split } from './source.ts';
import type { FileTree } from './tree.ts';

const PREFIX: Readonly<Record<Split, string>> = { train: 'train', test: 't10k' };
const namesOf = (split: Split, what: 'images' | 'labels'): string[] => {
  const rank = what === 'images' ? 3 : 1;
  const stems = [`${PREFIX[split]}-${what}-idx${rank}-ubyte`, `${PREFIX[split]}-${what}.idx${rank}-ubyte`];
  return stems.flatMap((name) => [name, `${name}.gz`]);
};

/** Whether a block begins as an IDX file of bytes does. */
export async function isIdx(block: Block): Promise<boolean> {
  if (block.size < 4) return false;
  const [zero, zero2, type, rank] = await block.read(0, 4);
  return zero === 0 && zero2 === 0 && type === 8 && rank !== 0;
}

/** Whether a folder or archive holds IDX files under the names that MNIST's have. */
export function hasIdxFiles(tree: FileTree): boolean {
  const names = new Set(namesOf('train', 'images'));
  return tree.files.some(({ path }) => names.has(path));
}

async function readIdx(block: Block, memory: number): Promise<ReturnType<typeof parseIdx>> {
  return parseIdx(await readWhole(await unwrapGzip(block, memory), memory), block.name);
}

/** An array of images as `[n, channels, height, width]`. */
function withChannels({ shape, data }: ReturnType<typeof parseIdx>): ArraySource['images'] {
  return { shape: shape.length === 3 ? [shape[0] as number, 1, ...shape.slice(1)] : shape, data };
}

/** One IDX file of images, with the labels of another when the request names one. */
export async function readIdxFile(block: Block, request: ReadRequest): Promise<ArraySource | null> {
  if (request.split === 'test') return null;
  const images = await readIdx(block, request.memory);
  const found = await labelsOfArray(request, images.shape[0] ?? 0);
  return { ...check(images, undefined, request), ...found };
}

function check(
  images: ReturnType<typeof parseIdx>,
  labels: Uint8Array | undefined,
  { name }: ReadRequest,
): ArraySource {
  // The checks of shape and labels are those of the data set that is made in the end; here they name the files at once.
  imageDataset({ name, images, ...(labels === undefined ? {} : { labels }) });
  return {
    kind: 'array',
    name,
    images: withChannels(images),
    grouped: false,
    ...(labels === undefined ? {} : { labels }),
  };
}

/**
 * IDX files under the names that MNIST's have, with labels when there are any.
 *
 * @returns null when the part asked for is not there
 */
export async function readIdxTree(tree: FileTree, request: ReadRequest): Promise<ArraySource | null> {
  if (request.labels !== null) {
    throw new UserError(`${tree.path} holds IDX files, which bring their labels with them; leave out --images.labels.`);
  }
  const open = async (what: 'images' | 'labels'): Promise<ReturnType<typeof parseIdx> | undefined> => {
    const names = namesOf(request.split, what);
    const file = names.map((name) => tree.files.find(({ path }) => path === name)).find((found) => found !== undefined);
    if (file === undefined) return undefined;
    return await readIdx(await file.block(), request.memory);
  };
  const images = await open('images');
  if (images === undefined) return null;
  const labels = await open('labels');
  if (labels !== undefined && labels.shape.length !== 1) {
    throw new DataError(`${tree.path}: the labels have ${labels.shape.length} dimensions, expected 1.`);
  }
  return check(images, labels?.data, request);
}
