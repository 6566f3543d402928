import { mkdtempSync, rmSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from 'brownian';
import { UserError, fileProblem } from '../errors.ts';

/** Bytes that can be read in any order: a file, a part of one, or memory. */
export interface Block {
  /** What to call it in errors, such as its path. */
  readonly name: string;
  readonly size: number;
  /** @throws DataError when the block has no such bytes; UserError when the file cannot be read. */
  read(from: number, length: number): Promise<Uint8Array>;
}

function checkRange({ name, size }: Pick<Block, 'name' | 'size'>, from: number, length: number): void {
  if (Number.isSafeInteger(from) && from >= 0 && Number.isSafeInteger(length) && length >= 0 && from + length <= size)
    return;
  throw new DataError(`${name}: bytes ${from} to ${from + length} were called for, the file ends at byte ${size}.`);
}

/** Bytes in memory; what is read is a view of them. */
export function memoryBlock(name: string, bytes: Uint8Array): Block {
  const facts = { name, size: bytes.length };
  return {
    ...facts,
    read(from, length) {
      checkRange(facts, from, length);
      return Promise.resolve(bytes.subarray(from, from + length));
    },
  };
}

async function readRange(file: FileHandle, name: string, from: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await file.read(bytes, done, length - done, from + done);
    if (bytesRead === 0) throw new DataError(`${name}: the file ended at byte ${from + done} while it was read.`);
    done += bytesRead;
  }
  return bytes;
}

/**
 * A file. It is opened for every read and closed after it, so there is nothing to close and no limit on how many blocks exist.
 *
 * @throws UserError when there is no such file.
 */
export async function fileBlock(path: string, name: string = path): Promise<Block> {
  const cannot = (error: unknown): UserError =>
    error instanceof UserError ? error : new UserError(`Cannot read ${name}: ${fileProblem(error)}.`, { cause: error });
  const found = await stat(path).catch((error: unknown) => {
    throw cannot(error);
  });
  if (found.isDirectory()) throw new UserError(`Cannot read ${name}: it is a folder.`);
  const facts = { name, size: found.size };
  return {
    ...facts,
    async read(from, length) {
      checkRange(facts, from, length);
      try {
        const file = await open(path, 'r');
        try {
          return await readRange(file, name, from, length);
        } finally {
          await file.close();
        }
      } catch (error) {
        throw error instanceof DataError ? error : cannot(error);
      }
    },
  };
}

/** A part of a block under a name of its own. */
export function partOf(block: Block, name: string, start: number, size: number): Block {
  checkRange(block, start, size);
  const facts = { name, size };
  return {
    ...facts,
    read(from, length) {
      checkRange(facts, from, length);
      return block.read(start + from, length);
    },
  };
}

/**
 * A whole block in memory.
 *
 * @param most bytes it may have
 * @throws UserError when it has more
 */
export async function readWhole(block: Block, most: number): Promise<Uint8Array> {
  if (block.size > most) {
    const sizes = `${block.name} has ${Math.ceil(block.size / 2 ** 20)} MB, more than the ${Math.floor(most / 2 ** 20)} MB`;
    throw new UserError(
      `${sizes} that --images.memory allows for what must be in memory whole; raise it, or store the images as .npy or as files.`,
    );
  }
  return await block.read(0, block.size);
}

const CHUNK = 1 << 20;

/** The bytes of a block from beginning to end. */
export async function* chunksOf(block: Block): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < block.size; from += CHUNK) yield await block.read(from, Math.min(CHUNK, block.size - from));
}

/** Bytes written one after the other, to be read in any order: in memory while they are few, then in a temporary file. */
export interface Spool {
  /** @returns where the bytes begin */
  append(bytes: Uint8Array): Promise<number>;
  /** What was written; nothing can be added after. */
  finish(): Promise<Block>;
}

/**
 * @param name what to call the bytes in errors
 * @param most bytes to hold in memory
 */
export function createSpool(name: string, most: number): Spool {
  let parts: Uint8Array[] = [];
  let size = 0;
  let overflow: { readonly path: string; readonly file: FileHandle } | undefined;
  const spill = async (): Promise<FileHandle> => {
    const folder = mkdtempSync(join(tmpdir(), 'brownian-data-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'unpacked');
    const file = await open(path, 'w');
    for (const part of parts) await file.writeFile(part);
    [parts, overflow] = [[], { path, file }];
    return file;
  };
  return {
    async append(bytes) {
      const at = size;
      size += bytes.length;
      try {
        if (overflow === undefined && size <= most) parts.push(bytes);
        else await (overflow?.file ?? (await spill())).writeFile(bytes);
      } catch (error) {
        throw new UserError(`Cannot unpack ${name} into ${tmpdir()}: ${fileProblem(error)}.`, { cause: error });
      }
      return at;
    },
    async finish() {
      if (overflow === undefined) return memoryBlock(name, Buffer.concat(parts));
      await overflow.file.close();
      return await fileBlock(overflow.path, name);
    },
  };
}
