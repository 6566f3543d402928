import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UserError, fileProblem, systemCode } from '../errors.ts';
import type { TaskProgress } from '../task-progress.ts';
import type { RemoteFile } from './homes.ts';

const MEGABYTE = 2 ** 20;
/** A connection on which nothing comes for so long is given up. */
const SILENCE_MS = 60_000;

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash('md5');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function host(url: string): string {
  return new URL(url).host;
}

/** Why the network did not give a file, in a few words. */
function networkProblem(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = systemCode(cause) ?? systemCode(error) ?? '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its address is not known here: is there a network?';
  if (/^(ECONNREFUSED|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/.test(code))
    return 'it cannot be reached: is there a network?';
  if (error instanceof Error && error.name === 'AbortError') return `nothing came for ${SILENCE_MS / 1000} seconds`;
  return 'the connection broke off';
}

/** Asks for a file from byte `from` on. @throws UserError when the server does not give it. */
async function request({ url, name }: RemoteFile, from: number, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal, headers: from > 0 ? { range: `bytes=${from}-` } : {} });
  } catch (error) {
    throw new UserError(`Cannot fetch ${name} from ${host(url)}: ${networkProblem(error)}`.replace(/[^?]$/, '$&.'), {
      cause: error,
    });
  }
  if (response.ok || response.status === 416) return response;
  await response.body?.cancel();
  throw new UserError(
    `Cannot fetch ${name}: ${url} answered ${response.status} ${response.statusText}.`.replace(' .', '.'),
  );
}

/** Whether an answer goes on at the byte that was asked for; a server that cannot do so sends the file from its beginning. */
function continues(response: Response, from: number): boolean {
  return response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${from}-`) === true;
}

/** Writes what the server sends to the part file; returns when all came. */
async function receive(file: RemoteFile, part: string, progress: TaskProgress): Promise<void> {
  const stop = new AbortController();
  let timer = setTimeout(() => stop.abort(), SILENCE_MS);
  try {
    const have = await sizeOf(part);
    const response = await request(file, have, stop.signal);
    // 416: there is no byte after those that are here, so all are; the checksum tells.
    if (response.status === 416) return await response.body?.cancel();
    const from = continues(response, have) ? have : 0;
    const length = Number(response.headers.get('content-length') ?? 0);
    let done = from;
    progress.start(file.name, Math.ceil((from + length) / MEGABYTE), 'MB');
    const count = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunks) {
        clearTimeout(timer);
        timer = setTimeout(() => stop.abort(), SILENCE_MS);
        done += chunk.length;
        progress.update(done / MEGABYTE);
        yield chunk;
      }
    };
    const body = response.body === null ? Readable.from([]) : Readable.fromWeb(response.body as never);
    await pipeline(body, count, createWriteStream(part, { flags: from > 0 ? 'a' : 'w' }));
    if (length > 0 && done !== from + length) throw new Error('the body is short');
  } catch (error) {
    if (error instanceof UserError) throw error;
    const local = systemCode(error);
    if (local === 'ENOSPC' || local === 'EACCES' || local === 'EROFS')
      throw new UserError(`Cannot write ${part}: ${fileProblem(error)}.`, { cause: error });
    const sentence = `Fetching ${file.name} from ${host(file.url)} stopped: ${networkProblem(error).replace(/\?$/, '')}`;
    throw new UserError(
      `${sentence}; run the command again to go on from ${Math.floor((await sizeOf(part)) / MEGABYTE)} MB.`,
      {
        cause: error,
      },
    );
  } finally {
    clearTimeout(timer);
    progress.stop();
  }
}

/** Makes what was written last through a power cut, then gives it its name. */
async function settle(part: string, path: string): Promise<void> {
  const file = await open(part, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(part, path);
}

/**
 * Fetches one file into a folder, whole and checked or not at all: it comes as `<name>.part`, which a later call goes on with,
 * and gets its name when its MD5 sum is right.
 *
 * @returns false when it was there already
 * @throws UserError, in one sentence, when the network, the server, the checksum or the disk do not allow it
 */
export async function fetchFile(folder: string, file: RemoteFile, progress: TaskProgress): Promise<boolean> {
  const path = join(folder, file.name);
  if ((await sizeOf(path)) > 0) return false;
  const part = `${path}.part`;
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new UserError(`Cannot make the folder ${folder}: ${fileProblem(error)}.`, { cause: error });
  }
  await receive(file, part, progress);
  const sum = await md5Of(part);
  if (sum !== file.md5) {
    await rm(part, { force: true });
    throw new UserError(
      `${file.name} from ${host(file.url)} has the MD5 sum ${sum}, expected ${file.md5}; it was removed, so try again, or fetch it by hand into ${folder}.`,
    );
  }
  await settle(part, path);
  return true;
}
