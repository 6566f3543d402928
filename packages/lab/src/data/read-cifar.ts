import { type CifarRecords, type CifarVariant, DataError, cifarVariant, parseCifar } from 'brownian';
import { UserError } from '../errors.ts';
import { readWhole } from './block.ts';
import { unwrapGzip } from './gzip.ts';
import type { ArraySource, ReadRequest } from './source.ts';
import type { FileTree, TreeFile } from './tree.ts';

const BINARY = /\.bin(\.gz)?$/i;
/** Files of class names, one per line, as the archives of the two sets have them. */
const CLASS_FILES: Readonly<Record<CifarVariant, string>> = {
  'cifar-10': 'batches.meta.txt',
  'cifar-100': 'fine_label_names.txt',
};
const CLASS_COUNTS: Readonly<Record<CifarVariant, number>> = { 'cifar-10': 10, 'cifar-100': 100 };

/** Whether a folder or archive, or a file by itself, holds CIFAR records, by its names. */
export function hasCifarFiles(tree: FileTree): boolean {
  return tree.files.some(({ path }) => BINARY.test(path));
}

async function classNames(tree: FileTree, variant: CifarVariant): Promise<readonly string[] | undefined> {
  const file = tree.files.find(({ path }) => path.endsWith(CLASS_FILES[variant]));
  if (file === undefined) return undefined;
  const lines = new TextDecoder().decode(await file.read()).split('\n');
  const names = lines.map((line) => line.trim()).filter((line) => line !== '');
  if (names.length === CLASS_COUNTS[variant]) return names;
  throw new DataError(`${tree.place(file.path)}: has ${names.length} class names, expected ${CLASS_COUNTS[variant]}.`);
}

/** All records one after the other, under a name for errors. */
function join(parts: readonly CifarRecords[]): { images: Uint8Array; labels: Uint8Array } {
  const bytes = (pick: (part: CifarRecords) => Uint8Array): Uint8Array =>
    new Uint8Array(Buffer.concat(parts.map(pick)));
  return { images: bytes((part) => part.images.data), labels: bytes((part) => part.labels) };
}

/**
 * CIFAR-10 or CIFAR-100 in its binary form, plain or gzip: files whose names have "test" in them are the test part, the others
 * the training part. A file by itself is a training part.
 *
 * @returns null when the part asked for is not there
 */
export async function readCifarTree(tree: FileTree, request: ReadRequest): Promise<ArraySource | null> {
  if (request.labels !== null)
    throw new UserError(
      `${tree.path} holds CIFAR records, which have their labels in them; leave out --images.labels.`,
    );
  const all = tree.files.filter(({ path }) => BINARY.test(path)).toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const isTest = ({ path }: TreeFile): boolean => path.slice(path.lastIndexOf('/') + 1).includes('test');
  const chosen = all.filter((file) =>
    all.length === 1 ? request.split === 'train' : isTest(file) === (request.split === 'test'),
  );
  if (chosen.length === 0) return null;
  let variant: CifarVariant | undefined;
  const parts: CifarRecords[] = [];
  let left = request.memory;
  for (const file of chosen) {
    const bytes = await readWhole(await unwrapGzip(await file.block(), left), left);
    left -= bytes.length;
    variant ??= cifarVariant(bytes, tree.place(file.path));
    parts.push(parseCifar(bytes, variant, tree.place(file.path)));
  }
  const { images, labels } = join(parts);
  const classes = await classNames(tree, variant as CifarVariant);
  return {
    kind: 'array',
    name: request.name,
    images: { shape: [labels.length, 3, 32, 32], data: images },
    labels,
    grouped: false,
    ...(classes === undefined ? {} : { classes }),
  };
}
