import { UserError } from '../errors.ts';

/** A file on a web server that is read in parts. */
export interface RemoteFile {
  readonly url: string;
  /** Bytes `from` to `to` (exclusive). @throws UserError in one sentence when the server does not give exactly these. */
  read(from: number, to: number): Promise<Uint8Array>;
  /** Bytes of the whole file, known after the first read. */
  size(): number;
}

/** Without a byte for this long a transfer has stalled, in milliseconds. */
const STALLED_AFTER = 30_000;

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'the server stopped answering';
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}

/** Size of the whole file, from a header such as `bytes 0-7/1041576`. */
function totalSize(response: Response, from: number, to: number, url: string): number {
  const text = response.headers.get('content-range') ?? '';
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(text) ?? [];
  if (Number(first) === from && Number(last) === to - 1) return Number(total);
  throw new UserError(
    `${url} was asked for bytes ${from} to ${to} and answered with the range ${JSON.stringify(text)}; download the file and give its path instead.`,
  );
}

/** The body of a response, which must have exactly `length` bytes; a longer one is not read to its end. */
async function readBody(response: Response, length: number, url: string, alive: () => void): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const part of response.body ?? []) {
    alive();
    const chunk = part as Uint8Array;
    if (at + chunk.length > length)
      throw new UserError(
        `${url} sent more than the ${length} bytes it was asked for; download the file and give its path instead.`,
      );
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at < length)
    throw new UserError(
      `${url} sent ${at} of ${length} bytes and ended; try again, or download the file and give its path.`,
    );
  return bytes;
}

async function request(
  url: string,
  from: number,
  to: number,
  stalledAfter: number,
): Promise<{ bytes: Uint8Array; total: number }> {
  const controller = new AbortController();
  let timer = setTimeout(() => controller.abort(), stalledAfter);
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(), stalledAfter);
  };
  try {
    const headers = { Range: `bytes=${from}-${to - 1}`, 'Accept-Encoding': 'identity' };
    const response = await fetch(url, { headers, signal: controller.signal });
    if (response.status === 200)
      throw new UserError(
        `${url} is on a server that sends files only whole (it ignores byte ranges); download the file and give its path instead.`,
      );
    if (response.status !== 206)
      throw new UserError(`${url} cannot be read: the server answered ${response.status} ${response.statusText}.`);
    const total = totalSize(response, from, to, url);
    return { bytes: await readBody(response, to - from, url, alive), total };
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${url} cannot be read: ${reason(error)}.`, { cause: error });
  } finally {
    clearTimeout(timer);
    // Ends a transfer that is not read to its end.
    controller.abort();
  }
}

/**
 * A file on a web server, read by HTTP range requests: only the bytes asked for are transferred.
 *
 * @param stalledAfter milliseconds without a byte after which a transfer is given up. Default 30 s.
 */
export function remoteFile(url: string, stalledAfter: number = STALLED_AFTER): RemoteFile {
  let size: number | undefined;
  return {
    url,
    async read(from, to) {
      if (from === to) return new Uint8Array(0);
      const { bytes, total } = await request(url, from, to, stalledAfter);
      if (size !== undefined && size !== total)
        throw new UserError(`${url} changed while it was read: it had ${size} bytes and has ${total} now; try again.`);
      size = total;
      return bytes;
    },
    size() {
      if (size === undefined) throw new TypeError('The size of a remote file is known after its first read.');
      return size;
    },
  };
}
