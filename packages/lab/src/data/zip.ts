import { callbackify, promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { DataError } from 'brownian';
import { type Entry, RandomAccessReader, type ZipFile, fromRandomAccessReaderPromise } from 'yauzl';
import { UserError } from '../errors.ts';
import { type Block, memoryBlock } from './block.ts';
import { type FileTree, type TreeFile, isHidden } from './tree.ts';

const inflate = promisify(inflateRaw);
const STORED = 0;
const DEFLATED = 8;
/** A deflated byte stands for at most this many: two bits per match of 258. */
const MOST_PER_BYTE = 1032;

/** Whether a block begins as a zip archive with files in it does. */
export async function isZip(block: Block): Promise<boolean> {
  return block.size >= 4 && Buffer.from(await block.read(0, 4)).toString('latin1') === 'PK\x03\x04';
}

const WINDOW = 1 << 18;

/** A block as yauzl reads files: a few bytes after the other, so a window of them is kept. */
class BlockReader extends RandomAccessReader {
  readonly #block: Block;
  #window: { readonly from: number; readonly bytes: Uint8Array } = { from: 0, bytes: new Uint8Array(0) };

  constructor(block: Block) {
    super();
    this.#block = block;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    from: number,
    done: (error: Error | null) => void,
  ): void {
    const copy = async (): Promise<void> => buffer.set(await this.#bytes(from, length), offset);
    callbackify(copy)(done);
  }

  async #bytes(from: number, length: number): Promise<Uint8Array> {
    const inside = from >= this.#window.from && from + length <= this.#window.from + this.#window.bytes.length;
    if (!inside) {
      const wanted = Math.max(length, Math.min(WINDOW, this.#block.size - from));
      this.#window = { from, bytes: await this.#block.read(from, wanted) };
    }
    return this.#window.bytes.subarray(from - this.#window.from, from - this.#window.from + length);
  }
}

function damaged(name: string, error: unknown): Error {
  if (error instanceof DataError || error instanceof UserError) return error;
  return new DataError(`${name}: not a whole zip archive (${error instanceof Error ? error.message : String(error)}).`);
}

/** Decompresses one file of an archive. @throws DataError when it is damaged or not as long as the archive says. */
async function inflateEntry(name: string, packed: Uint8Array, size: number): Promise<Uint8Array> {
  if (size > packed.length * MOST_PER_BYTE) {
    throw new DataError(`${name}: ${packed.length} packed bytes cannot hold the ${size} that the archive claims.`);
  }
  try {
    const bytes = await inflate(packed, { maxOutputLength: Math.max(size, 1) });
    if (bytes.length === size) return bytes;
    throw new DataError(`${name}: unpacked to ${bytes.length} bytes, the archive claims ${size}.`);
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(
      `${name}: its packed bytes are damaged (${error instanceof Error ? error.message : String(error)}).`,
    );
  }
}

function fileOf(zip: ZipFile, block: Block, entry: Entry): TreeFile {
  const name = `${block.name}: ${entry.fileName}`;
  const read = async (): Promise<Uint8Array> => {
    if (entry.isEncrypted())
      throw new DataError(`${name}: it is encrypted, which is not read; unpack the archive first.`);
    if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
      throw new DataError(
        `${name}: packed by method ${entry.compressionMethod}, which is not read; unpack the archive first.`,
      );
    }
    try {
      const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
      const packed = await block.read(fileDataStart, entry.compressedSize);
      return entry.compressionMethod === STORED ? packed : await inflateEntry(name, packed, entry.uncompressedSize);
    } catch (error) {
      throw damaged(block.name, error);
    }
  };
  return { path: entry.fileName, read, block: async () => memoryBlock(name, await read()) };
}

/**
 * The files of a zip archive; a file's bytes are read and unpacked when they are needed.
 *
 * @throws DataError when the archive is damaged
 */
export async function zipTree(block: Block): Promise<FileTree> {
  const files: TreeFile[] = [];
  try {
    const zip = await fromRandomAccessReaderPromise(new BlockReader(block), block.size, { autoClose: false });
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith('/') && !isHidden(entry.fileName)) files.push(fileOf(zip, block, entry));
    }
  } catch (error) {
    throw damaged(block.name, error);
  }
  return { path: block.name, files, place: (path) => `${block.name}: ${path}` };
}
