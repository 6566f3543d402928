import { DataError } from 'brownian';
import type { Split } from './source.ts';

/** The files of one part of a data set and their classes. */
export interface Arrangement {
  /** Which of the paths, in order of path. */
  readonly indices: readonly number[];
  /** The folder that holds all of the part, with a slash at its end; '' for the root. */
  readonly root: string;
  readonly labels?: readonly number[];
  readonly classes?: readonly string[];
}

/** The parts a top folder's name may stand for; of those for tests the first that is there is taken. */
const PART_NAMES: Readonly<Record<Split, readonly string[]>> = {
  train: ['train', 'training'],
  test: ['test', 'testing', 'val', 'valid', 'validation'],
};

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The longest folder that all paths are in, with a slash at its end, or ''. */
function commonFolder(paths: readonly string[]): string {
  const [first = '', ...others] = paths;
  let folder = first.slice(0, first.lastIndexOf('/') + 1);
  for (const path of others) {
    while (!path.startsWith(folder)) folder = folder.slice(0, folder.lastIndexOf('/', folder.length - 2) + 1);
  }
  return folder;
}

/** The first folder below `root` in a path, or undefined for a file that is in it directly. */
function folderBelow(path: string, root: string): string | undefined {
  const end = path.indexOf('/', root.length);
  return end < 0 ? undefined : path.slice(root.length, end);
}

/** One class per sub-folder, when every file is in one and there are several. */
function classesBelow(paths: readonly string[], root: string): string[] | undefined {
  const folders = new Set(paths.map((path) => folderBelow(path, root)));
  if (folders.has(undefined) || folders.size < 2) return undefined;
  return ([...folders] as string[]).toSorted(byText);
}

function partRoots(paths: readonly string[], root: string): Partial<Record<Split, string[]>> {
  const folders = new Set(paths.map((path) => folderBelow(path, root)?.toLowerCase()));
  const present = (split: Split): string[] => PART_NAMES[split].filter((name) => folders.has(name));
  const parts = { train: present('train'), test: present('test') };
  return parts.train.length > 0 && parts.test.length > 0 ? parts : {};
}

/**
 * Finds parts and classes in the paths of image files. Folders that hold everything are passed over. Folders `train` and `test`
 * (or `val`) are the parts; the sub-folders of a part are the classes, in order of name.
 *
 * @param labelled whether the folder has a file of labels: preferred as the test part over one without any
 * @returns null when the part that was asked for is not there
 * @throws DataError when the test part has a class that the training part does not have
 */
export function arrange(
  paths: readonly string[],
  split: Split,
  labelled: (root: string) => boolean = () => false,
): Arrangement | null {
  const root = commonFolder(paths);
  const parts = partRoots(paths, root);
  const order = paths.map((_, i) => i).toSorted((a, b) => byText(paths[a] as string, paths[b] as string));
  const within = (folder: string): number[] =>
    order.filter((i) => folderBelow(paths[i] as string, root)?.toLowerCase() === folder);
  const select = (indices: readonly number[]): { indices: readonly number[]; root: string; paths: string[] } => {
    const chosen = indices.map((i) => paths[i] as string);
    return { indices, root: commonFolder(chosen), paths: chosen };
  };
  const train = select(parts.train === undefined ? order : parts.train.flatMap(within));
  const classes = classesBelow(train.paths, train.root);
  if (split === 'train') return labelPart(train, classes);
  const candidates = (parts.test ?? []).map((folder) => select(within(folder)));
  const best =
    candidates.find((part) => classesBelow(part.paths, part.root) !== undefined || labelled(part.root)) ??
    candidates[0];
  return best === undefined ? null : labelPart(best, classes);
}

function labelPart(
  { indices, root, paths }: { indices: readonly number[]; root: string; paths: readonly string[] },
  classes: readonly string[] | undefined,
): Arrangement {
  if (classes === undefined || classesBelow(paths, root) === undefined) return { indices, root };
  const numbers = new Map(classes.map((name, i) => [name, i]));
  const labels = paths.map((path) => {
    const name = folderBelow(path, root) as string;
    const number = numbers.get(name);
    if (number === undefined)
      throw new DataError(`${path}: the class "${name}" is not among those of the training part.`);
    return number;
  });
  return { indices, root, labels, classes };
}
