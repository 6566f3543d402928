// Runs hyparquet in a thread of its own for src/data/parquet-thread.ts: given a damaged file it may loop, take all memory, or
// let a promise fail unseen, none of which can be stopped from within.
import { parentPort } from 'node:worker_threads';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
/** @type {Map<number, { resolve: (bytes: ArrayBuffer) => void; reject: (error: Error) => void }>} */
const waiting = new Map();
let asked = 0;

/**
 * A file whose bytes the main thread has.
 *
 * @param {number} byteLength
 */
function remoteFile(byteLength) {
  return {
    byteLength,
    /** @param {number} from @param {number} [end] */
    slice(from, end = byteLength) {
      asked += 1;
      const id = asked;
      port.postMessage({ id, from, end });
      return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    },
  };
}

/** @param {unknown} value @returns {Uint8Array | undefined} */
function bytesIn(value) {
  if (value instanceof Uint8Array) return value;
  return typeof value === 'object' && value !== null && 'bytes' in value ? bytesIn(value.bytes) : undefined;
}

/** @param {{ byteLength: number; rows?: { columns: string[]; from: number; to: number } }} call */
async function answer({ byteLength, rows }) {
  const file = remoteFile(byteLength);
  const metadata = await parquetMetadataAsync(file);
  if (rows === undefined) return metadata;
  const { columns, from, to } = rows;
  const options = { file, metadata, columns, rowStart: from, rowEnd: to, utf8: false };
  const found = await parquetReadObjects(options);
  return found.map((row) => ({ bytes: bytesIn(row[columns[0] ?? '']), label: Number(row[columns[1] ?? '']) }));
}

port.on('message', (message) => {
  if ('id' in message) {
    const { resolve, reject } = waiting.get(message.id) ?? {};
    waiting.delete(message.id);
    if (message.bytes === undefined) reject?.(new Error(message.error));
    else resolve?.(message.bytes);
    return;
  }
  answer(message.call).then(
    (result) => port.postMessage({ result }),
    (error) => port.postMessage({ error: String(error.message ?? error) }),
  );
});
