import { stat } from 'node:fs/promises';
import { UserError } from '../errors.ts';
import { type Block, fileBlock } from './block.ts';
import { isGzip, gunzipBlock } from './gzip.ts';
import { hasCifarFiles, readCifarTree } from './read-cifar.ts';
import { hasIdxFiles, isIdx, readIdxFile, readIdxTree } from './read-idx.ts';
import { isImageFile, readImageFiles } from './read-images.ts';
import { isNpy, isNpz, readNpyFile, readNpz } from './read-numpy.ts';
import { hasParquetFiles, isParquet, readParquetTree } from './read-parquet.ts';
import type { ImageSource, ReadRequest } from './source.ts';
import { isTar, tarTree } from './tar.ts';
import { type FileTree, folderTree, singleTree } from './tree.ts';
import { isZip, zipTree } from './zip.ts';

type Read<From> = (from: From, request: ReadRequest) => Promise<ImageSource | null>;

/** A kind of data that is told by the names of its files. */
interface TreeKind {
  readonly holds: (tree: FileTree) => boolean;
  readonly read: Read<FileTree>;
}

const ARRAY_FILE = /\.np[yz](\.gz)?$/i;

/** The first that fits is taken. */
const TREE_KINDS: readonly TreeKind[] = [
  { holds: hasIdxFiles, read: readIdxTree },
  { holds: hasParquetFiles, read: readParquetTree },
  { holds: (tree) => tree.files.some(isImageFile), read: readImageFiles },
  { holds: hasCifarFiles, read: readCifarTree },
  { holds: (tree) => tree.files.filter(({ path }) => ARRAY_FILE.test(path)).length === 1, read: readOnlyArray },
];

/** A kind of data that is told by how a file begins. */
interface FileKind {
  readonly is: (block: Block) => Promise<boolean>;
  readonly read: Read<Block>;
}

const FILE_KINDS: readonly FileKind[] = [
  {
    is: isGzip,
    read: async (block, request) => await readBlock(await gunzipBlock(block, request.memory / 2), request),
  },
  { is: isNpy, read: readNpyFile },
  { is: isParquet, read: (block, request) => readParquetTree(singleTree(block), request) },
  { is: isZip, read: readZip },
  { is: isTar, read: async (block, request) => await readTree(await tarTree(block), request) },
  { is: isIdx, read: readIdxFile },
];

const EXPECTED =
  'expected PNG, JPEG or WebP images, a tar or zip archive of them, IDX, CIFAR .bin, .npy, .npz or Parquet files';

async function readZip(block: Block, request: ReadRequest): Promise<ImageSource | null> {
  const tree = await zipTree(block);
  return isNpz(tree) ? await readNpz(tree, request) : await readTree(tree, request);
}

async function readOnlyArray(tree: FileTree, request: ReadRequest): Promise<ImageSource | null> {
  const file = tree.files.find(({ path }) => ARRAY_FILE.test(path));
  return file === undefined ? null : await readBlock(await file.block(), request);
}

/** Reads what a folder or an archive holds. @throws UserError when it is nothing that can be read. */
export async function readTree(tree: FileTree, request: ReadRequest): Promise<ImageSource | null> {
  const kind = TREE_KINDS.find(({ holds }) => holds(tree));
  if (kind === undefined) throw new UserError(`${tree.path} holds no data that can be read; ${EXPECTED}.`);
  return await kind.read(tree, request);
}

/** Reads a file by how it begins, and where that does not tell, by its name. @throws UserError when it is nothing that can be read. */
export async function readBlock(block: Block, request: ReadRequest): Promise<ImageSource | null> {
  for (const { is, read } of FILE_KINDS) if (await is(block)) return await read(block, request);
  const tree = singleTree(block);
  if (tree.files.some(isImageFile) || hasCifarFiles(tree)) return await readTree(tree, request);
  throw new UserError(`${block.name} is no file of data that can be read; ${EXPECTED}.`);
}

/**
 * Reads the images of a file or folder, whatever kind it is.
 *
 * @returns null when it has no such part; undefined when there is no such file or folder
 * @throws UserError or DataError, in one sentence, when it cannot be read
 */
export async function readPath(path: string, request: ReadRequest): Promise<ImageSource | null | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  return found.isDirectory()
    ? await readTree(await folderTree(path), request)
    : await readBlock(await fileBlock(path), request);
}
