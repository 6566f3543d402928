import { readFile, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { UserError, fileProblem } from '../errors.ts';
import { type Block, fileBlock } from './block.ts';

/** A file of a folder or of an archive. */
export interface TreeFile {
  /** Its path inside the tree, with slashes. */
  readonly path: string;
  /** All of its bytes. */
  read(): Promise<Uint8Array>;
  /** The same, to be read in parts. */
  block(): Promise<Block>;
}

/** Files with their paths: a folder, an archive, or a file by itself. */
export interface FileTree {
  /** What to call it in errors: its path. */
  readonly path: string;
  readonly files: readonly TreeFile[];
  /** What to call one of the files in errors. */
  place(path: string): string;
}

/** Whether a path is none that a person put there: hidden files, and what some systems add to archives. */
export function isHidden(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX');
}

/** The files of a folder and of the folders in it. @throws UserError when it cannot be read. */
export async function folderTree(folder: string): Promise<FileTree> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new UserError(`Cannot read the folder ${folder}: ${fileProblem(error)}.`, { cause: error });
  });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry): TreeFile => {
      const full = join(entry.parentPath, entry.name);
      return {
        path: relative(folder, full).split(sep).join('/'),
        block: () => fileBlock(full),
        read: () =>
          readFile(full).catch((error: unknown) => {
            throw new UserError(`Cannot read ${full}: ${fileProblem(error)}.`, { cause: error });
          }),
      };
    });
  return { path: folder, files: files.filter(({ path }) => !isHidden(path)), place: (path) => join(folder, path) };
}

/** A file by itself, as a tree of one. */
export function singleTree(block: Block): FileTree {
  const path = block.name.slice(Math.max(block.name.lastIndexOf('/'), block.name.lastIndexOf(sep)) + 1);
  return {
    path: block.name,
    place: () => block.name,
    files: [{ path, read: () => block.read(0, block.size), block: () => Promise.resolve(block) }],
  };
}
