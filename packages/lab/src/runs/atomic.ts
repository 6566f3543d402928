import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError, fileProblem } from '../errors.ts';

const TEMPORARY = /^\..+\.tmp-\d+$/;

/** Makes a rename last through a power cut. Not every platform can sync a folder; there the rename alone has to do. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Writes a file so that it is there whole or not at all: to a temporary file beside it, flushed to disk, then renamed.
 *
 * @param parts written one after the other.
 * @throws UserError when the disk is full or the folder cannot be written; an older file of that name is then kept.
 */
export async function writeAtomically(path: string, parts: readonly (Uint8Array | string)[]): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.tmp-${process.pid}`);
  try {
    const file = await open(temporary, 'w');
    try {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new UserError(`Cannot write ${path}: ${fileProblem(error)}.`, { cause: error });
  }
}

/** Makes the folder of a file that a user asked for, before the work that it is to hold. @throws UserError when it cannot be made */
export async function makeFolderOf(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw new UserError(`Cannot make the folder ${dirname(path)}: ${fileProblem(error)}.`, { cause: error });
  }
}

/** Removes what a killed process left half-written in a folder. */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder);
  const leftovers = names.filter((name) => TEMPORARY.test(name));
  await Promise.all(leftovers.map((name) => rm(join(folder, name), { force: true })));
}
