import { Worker } from 'node:worker_threads';
import type { FileMetaData } from 'hyparquet';
import { DataError } from 'brownian';
import type { Block } from './block.ts';
import { createLimiter } from './limiter.ts';

/** A row of the columns that were asked for: the bytes of an image, and NaN where there is no label. */
export interface ParquetRow {
  readonly bytes: Uint8Array | undefined;
  readonly label: number;
}

/** Which rows to read. */
export interface ParquetRows {
  /** The column of images, and perhaps that of labels. */
  readonly columns: readonly string[];
  readonly from: number;
  readonly to: number;
}

type Message =
  | { readonly id: number; readonly from: number; readonly end: number }
  | { readonly result: unknown }
  | { readonly error: string };

const MEMORY_MB = 2048;
const MS_PER_MEGABYTE = 1000;
const oneAtATime = createLimiter(1);
let idle: Worker | undefined;

function startThread(): Worker {
  // Beside src and dist alike, so that the same path leads there from both.
  const thread = new Worker(new URL('../../bin/parquet-thread.js', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
  // A promise of the library may still fail after its answer; then the thread ends, and the next call starts another.
  thread.on('error', () => {
    if (idle === thread) idle = undefined;
  });
  return thread;
}

/** Sends the bytes that the thread asks for. */
async function serve(
  thread: Worker,
  block: Block,
  { id, from, end }: { id: number; from: number; end: number },
): Promise<void> {
  try {
    const bytes = new Uint8Array(await block.read(from, end - from)).buffer;
    thread.postMessage({ id, bytes }, [bytes]);
  } catch (error) {
    thread.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
  }
}

async function call(block: Block, rows: ParquetRows | undefined, patience: number): Promise<unknown> {
  const thread = idle ?? startThread();
  idle = undefined;
  thread.ref();
  const limit = patience + (block.size / 2 ** 20) * MS_PER_MEGABYTE;
  let timer: NodeJS.Timeout | undefined;
  let healthy = false;
  let settle: (error: Error) => void = () => undefined;
  const failed = (error: Error): void => settle(error);
  let heard: (message: Message) => void = () => undefined;
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`nothing came of it in ${Math.round(limit / 1000)} seconds`)), limit);
      settle = reject;
      heard = (message) => {
        if ('id' in message) {
          void serve(thread, block, message);
          return;
        }
        healthy = true;
        if ('error' in message) reject(new Error(message.error));
        else resolve(message.result);
      };
      thread.on('error', failed);
      thread.on('message', heard);
      thread.postMessage({ call: { byteLength: block.size, rows } });
    });
  } finally {
    clearTimeout(timer);
    thread.off('error', failed);
    thread.off('message', heard);
    thread.unref();
    if (healthy) idle = thread;
    else await thread.terminate();
  }
}

async function guarded(block: Block, what: string, work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await oneAtATime(work);
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    throw new DataError(`${block.name}: ${what} cannot be read as Parquet (${reason}).`, { cause: error });
  }
}

/**
 * Reads the metadata of a Parquet file, in a thread of its own.
 *
 * @param patience milliseconds after which a file of no size is taken for damaged; one second is added per megabyte
 * @throws DataError when it is damaged
 */
export async function readParquetMetadata(block: Block, patience: number): Promise<FileMetaData> {
  return (await guarded(block, 'its metadata', () => call(block, undefined, patience))) as FileMetaData;
}

/** Reads rows of a Parquet file, in a thread of its own. @throws as {@link readParquetMetadata} */
export async function readParquetRows(
  block: Block,
  rows: ParquetRows,
  patience: number,
): Promise<readonly ParquetRow[]> {
  const what = `rows ${rows.from} to ${rows.to}`;
  return (await guarded(block, what, () => call(block, rows, patience))) as readonly ParquetRow[];
}
