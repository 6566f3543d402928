import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { DataError } from 'brownian';
import { UserError } from '../errors.ts';
import { type Block, chunksOf, partOf } from './block.ts';
import { type FileTree, type TreeFile, isHidden } from './tree.ts';

const MAGIC_AT = 257;
const HEADER_BYTES = 512;

/** Whether a block is a tar archive: it has "ustar" where the header of the first file has it. */
export async function isTar(block: Block): Promise<boolean> {
  if (block.size < HEADER_BYTES) return false;
  return Buffer.from(await block.read(MAGIC_AT, 5)).toString('latin1') === 'ustar';
}

/** Where the bytes of a file are in its archive; tar-stream gives it, its types do not say so. */
function startOf(header: object): number {
  return 'byteOffset' in header && typeof header.byteOffset === 'number' ? header.byteOffset : Number.NaN;
}

/**
 * The files of a tar archive. Only the headers are kept: a file's bytes are read from the archive when they are needed.
 *
 * @throws DataError when the archive is damaged or ends too early
 */
export async function tarTree(block: Block): Promise<FileTree> {
  const files: TreeFile[] = [];
  const unpack = extract();
  // A broken file may claim more bytes than the archive has; partOf refuses that, and the error ends the pipeline.
  const collect = async (): Promise<void> => {
    for await (const entry of unpack) {
      const { name, type, size } = entry.header;
      entry.resume();
      if (type !== 'file' && type !== 'contiguous-file') continue;
      const path = name.replace(/^(\.\/)+/, '');
      if (isHidden(path)) continue;
      const part = partOf(block, `${block.name}: ${path}`, startOf(entry.header), size ?? 0);
      files.push({ path, read: () => part.read(0, part.size), block: () => Promise.resolve(part) });
    }
  };
  try {
    await Promise.all([pipeline(chunksOf(block), unpack), collect()]);
  } catch (error) {
    if (error instanceof DataError || error instanceof UserError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError(`${block.name}: not a whole tar archive (${reason}).`);
  }
  return { path: block.name, files, place: (path) => `${block.name}: ${path}` };
}
