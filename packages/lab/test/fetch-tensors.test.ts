import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ndarray } from '@brownian/graph';
import { encodeTensors } from 'brownian';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { UserError } from '../src/errors.ts';
import { fetchTensors } from '../src/weights/fetch-tensors.ts';
import { temporaryFolder } from './support/files.ts';

const ARRAYS = new Map([
  ['a.weight', ndarray(Float32Array.from({ length: 1000 }, (_, i) => i))],
  ['b.weight', ndarray(Float32Array.from({ length: 1000 }, (_, i) => -i))],
  ['c.weight', ndarray(Float32Array.of(1, 2, 3))],
  ['huge', ndarray(new Float32Array(100_000))],
]);
const FILE = Buffer.concat(encodeTensors({ tensors: ARRAYS, metadata: { made: 'here' } }));
const HEADER_BYTES = 8 + Number(FILE.readBigUInt64LE(0));

interface Asked {
  readonly url: string;
  /** Body bytes the server sent. */
  sent(): number;
  readonly ranges: string[];
}

type Answer = (range: readonly [number, number], response: ServerResponse) => Buffer | undefined;

function partial([from, to]: readonly [number, number], response: ServerResponse, file: Buffer = FILE): Buffer {
  const body = file.subarray(from, to + 1);
  response.writeHead(206, {
    'content-range': `bytes ${from}-${from + body.length - 1}/${file.length}`,
    'content-length': body.length,
  });
  return body;
}

/** A server on this machine that counts what it sends; `answer` writes the head and gives the body, or ends the response itself. */
async function serve(answer: Answer): Promise<Asked> {
  let sent = 0;
  const ranges: string[] = [];
  const server: Server = createServer((request, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    ranges.push(`${from}-${to}`);
    const body = answer([Number(from), Number(to)], response);
    if (body === undefined) return;
    sent += body.length;
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/w.safetensors`, sent: () => sent, ranges };
}

const wanted = { choose: (): string[] => ['a.weight', 'b.weight'], as: 'test' };

/** The one sentence with which fetching fails. */
async function failure(answer: Answer, stalledAfter = 5000): Promise<string> {
  const { url } = await serve(answer);
  const error: unknown = await fetchTensors({ url, ...wanted, stalledAfter }).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(UserError);
  const { message } = error as UserError;
  expect(message).toMatch(/^http:[^\n]+\.$/);
  return message;
}

beforeEach(() => {
  vi.stubEnv('BROWNIAN_CACHE', temporaryFolder());
  onTestFinished(() => void vi.unstubAllEnvs());
});

describe('fetching arrays of a remote file', () => {
  it('transfers the length, the header and the chosen arrays, neighbours at once, and nothing else', async () => {
    const server = await serve(partial);
    const { tensors, metadata } = await fetchTensors({ url: server.url, ...wanted });
    expect([...tensors.keys()]).toEqual(['a.weight', 'b.weight']);
    expect(tensors.get('b.weight')).toEqual(ARRAYS.get('b.weight'));
    expect(metadata).toMatchObject({ made: 'here', fetchedFrom: server.url });
    expect(server.sent()).toBe(HEADER_BYTES + 8000);
    expect(server.ranges).toHaveLength(3);
  });

  it('reads arrays that are apart by a request each', async () => {
    const server = await serve(partial);
    const { tensors } = await fetchTensors({ url: server.url, as: 'apart', choose: () => ['c.weight', 'a.weight'] });
    expect(tensors.get('c.weight')?.data).toEqual(Float32Array.of(1, 2, 3));
    expect(server.sent()).toBe(HEADER_BYTES + 4000 + 12);
    expect(server.ranges).toHaveLength(4);
  });

  it('asks the network once: the cache has it after that, and one choice is not taken for another', async () => {
    const server = await serve(partial);
    const first = await fetchTensors({ url: server.url, ...wanted });
    const before = server.sent();
    const again = await fetchTensors({ url: server.url, ...wanted });
    expect(again.tensors.get('a.weight')).toEqual(first.tensors.get('a.weight'));
    expect(server.sent()).toBe(before);
    const other = await fetchTensors({ url: server.url, as: 'other', choose: () => ['c.weight'] });
    expect([...other.tensors.keys()]).toEqual(['c.weight']);
  });

  it('gives up on a server that ignores ranges without reading the whole file', async () => {
    const big = Buffer.alloc(50_000_000);
    let written = 0;
    const message = await failure((_, response) => {
      response.writeHead(200, { 'content-length': big.length });
      response.on('close', () => (written = response.socket?.bytesWritten ?? 0));
      return big;
    });
    expect(message).toContain('sends files only whole');
    expect(written).toBeLessThan(big.length);
  });

  it.each<[string, Answer, string]>([
    ['404', (_, response) => void response.writeHead(404).end(), 'the server answered 404 Not Found'],
    [
      'a file that ends early',
      (range, response) => {
        const body = partial(range, response);
        response.removeAllListeners('drain');
        response.write(body.subarray(0, body.length - 1));
        setTimeout(() => response.destroy(), 20);
        return undefined;
      },
      'cannot be read',
    ],
    [
      'fewer bytes than asked for, in good order',
      ([from, to], response) => {
        response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${FILE.length}` });
        return FILE.subarray(from, to);
      },
      'sent 7 of 8 bytes and ended',
    ],
    [
      'more bytes than asked for',
      ([from, to], response) => {
        response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${FILE.length}` });
        return FILE;
      },
      'sent more than the 8 bytes it was asked for',
    ],
    [
      'another range',
      ([, to], response) => {
        response.writeHead(206, { 'content-range': `bytes 1-${to}/${FILE.length}` });
        return FILE.subarray(1, to + 1);
      },
      'answered with the range "bytes 1-7/',
    ],
    ['no range', (_, response) => (response.writeHead(206), FILE.subarray(0, 8)), 'answered with the range ""'],
    [
      'a header length that is a lie',
      (range, response) => {
        const lying = Buffer.from(FILE);
        lying.writeBigUInt64LE(2n ** 60n);
        return partial(range, response, lying);
      },
      'its header should be 1152921504606846976 bytes long',
    ],
    [
      'a header that promises arrays beyond the end',
      (range, response) => partial(range, response, FILE.subarray(0, FILE.length - 4)),
      'but only',
    ],
  ])('says what is wrong with %s', async (_, answer, words) => {
    expect(await failure(answer)).toContain(words);
  });

  it('does not take a header of a hundred megabytes from a file that claims to be larger still', async () => {
    const message = await failure(([from, to], response) => {
      response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${2 ** 40}` });
      const lying = Buffer.alloc(8);
      lying.writeBigUInt64LE(2n ** 35n);
      return lying;
    });
    expect(message).toContain('the format allows 100000000');
  });

  it('does not wait for ever on a server that says nothing, or stops half-way', async () => {
    expect(await failure(() => undefined, 100)).toContain('the server stopped answering');
    const half: Answer = (range, response) => void response.write(partial(range, response).subarray(0, 4));
    expect(await failure(half, 100)).toContain('the server stopped answering');
  });

  it('says that nobody listens', async () => {
    const { url } = await serve(partial);
    const dead = url.replace(/:\d+/, ':9');
    await expect(fetchTensors({ url: dead, ...wanted })).rejects.toThrow(`${dead} cannot be read: `);
  });

  it('keeps nothing of a failed transfer', async () => {
    let fail = true;
    const server = await serve((range, response) =>
      fail && range[0] > 8 ? void response.writeHead(500).end() : partial(range, response),
    );
    await expect(fetchTensors({ url: server.url, ...wanted })).rejects.toThrow('500');
    fail = false;
    expect((await fetchTensors({ url: server.url, ...wanted })).tensors.size).toBe(2);
  });
});
