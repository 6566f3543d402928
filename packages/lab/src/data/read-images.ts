import { DataError } from 'brownian';
import { UserError } from '../errors.ts';
import { fileBlock } from './block.ts';
import { LABEL_FILES, type FileLabels, parseLabels } from './labels-file.ts';
import { type Arrangement, arrange } from './layout.ts';
import type { EncodedSource, ReadRequest } from './source.ts';
import type { FileTree, TreeFile } from './tree.ts';

const IMAGE_NAME = /\.(png|jpe?g|webp)$/i;

/** Whether a file is an image by its name. */
export function isImageFile({ path }: TreeFile): boolean {
  return IMAGE_NAME.test(path);
}

const MOST_LABEL_BYTES = 1 << 28;

async function labelText(read: () => Promise<Uint8Array>, source: string): Promise<string> {
  const bytes = await read();
  if (bytes.length > MOST_LABEL_BYTES)
    throw new UserError(`${source} has ${bytes.length} bytes, too many for a file of labels.`);
  return new TextDecoder().decode(bytes);
}

/** The file of labels that lies at the root of a part, if there is one. */
function labelFileAt(tree: FileTree, root: string): TreeFile | undefined {
  // The images may all be in a folder beside the labels.
  const above = root.slice(0, root.lastIndexOf('/', root.length - 2) + 1);
  return tree.files.find(({ path }) => LABEL_FILES.some((name) => path === root + name || path === above + name));
}

async function labelsOf(
  tree: FileTree,
  request: ReadRequest,
  part: Arrangement,
  paths: readonly string[],
  known: readonly string[] | undefined,
): Promise<FileLabels | undefined> {
  const inside = paths.map((path) => path.slice(part.root.length));
  if (request.labels !== null) {
    const block = await fileBlock(request.labels);
    return parseLabels(await labelText(() => block.read(0, block.size), block.name), inside, block.name, known);
  }
  if (part.labels !== undefined && part.classes !== undefined) return { labels: part.labels, classes: part.classes };
  const file = labelFileAt(tree, part.root);
  if (file === undefined) return undefined;
  const place = tree.place(file.path);
  return parseLabels(await labelText(() => file.read(), place), inside, place, known);
}

/**
 * The image files of a folder or an archive: parts and classes by folders or by a file of labels.
 *
 * @returns null when the part asked for is not there
 */
export async function readImageFiles(tree: FileTree, request: ReadRequest): Promise<EncodedSource | null> {
  const images = tree.files.filter(isImageFile);
  if (images.length === 0) throw new DataError(`${tree.path}: there is no PNG, JPEG or WebP file.`);
  const paths = images.map(({ path }) => path);
  const labelled = (root: string): boolean => labelFileAt(tree, root) !== undefined;
  const part = arrange(paths, request.split, labelled);
  if (part === null) return null;
  const files = part.indices.map((i) => images[i] as TreeFile);
  const known = request.split === 'test' ? arrange(paths, 'train')?.classes : undefined;
  const found = await labelsOf(
    tree,
    request,
    part,
    files.map(({ path }) => path),
    known,
  );
  return {
    kind: 'items',
    name: request.name,
    size: files.length,
    pixels: null,
    grouped: true,
    ...found,
    where: (i) => tree.place(files[i]?.path ?? ''),
    read: (i) => (files[i] as TreeFile).read(),
  };
}
