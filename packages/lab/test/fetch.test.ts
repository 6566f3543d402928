import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { fetchFile } from '../src/data/fetch.ts';
import { HOMES, type RemoteFile, fetchedPath } from '../src/data/homes.ts';
import { openData } from '../src/data/open.ts';
import { UserError } from '../src/errors.ts';
import type { TaskProgress } from '../src/task-progress.ts';
import { cifarBytes, tarBytes } from './support/archives.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { temporaryFolder } from './support/files.ts';
import { gzipSync } from 'node:zlib';

afterEach(() => vi.unstubAllEnvs());

const CONTENT = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) % 256);
const SILENT: TaskProgress = { start: () => undefined, update: () => undefined, stop: () => undefined };

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** A server on this machine, gone when the test has ended; returns its address. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.bin`;
}

function fileAt(url: string, sum = md5(CONTENT)): RemoteFile {
  return { name: 'file.bin', url, md5: sum };
}

/** Sends the content from where a Range header asks, and notes the ranges. */
function withRanges(seen: (string | undefined)[]) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const { range } = request.headers;
    seen.push(range);
    const from = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
    if (from >= CONTENT.length) response.writeHead(416).end();
    else {
      const head = {
        'content-length': CONTENT.length - from,
        'content-range': `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}`,
      };
      response.writeHead(range === undefined ? 200 : 206, head).end(CONTENT.subarray(from));
    }
  };
}

async function failure(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  return (error as Error).message;
}

describe('fetching a file', () => {
  it('gets it whole, once, and says how far it is', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serve(withRanges(seen));
    const folder = join(temporaryFolder(), 'deep', 'folder');
    const told: number[] = [];
    const progress = { ...SILENT, update: (done: number): void => void told.push(done) };
    expect(await fetchFile(folder, fileAt(url), progress)).toBe(true);
    expect(readFileSync(join(folder, 'file.bin')).equals(CONTENT)).toBe(true);
    expect(readdirSync(folder)).toEqual(['file.bin']);
    expect(told.at(-1)).toBeCloseTo(CONTENT.length / 2 ** 20);
    expect(await fetchFile(folder, fileAt(url), SILENT)).toBe(false);
    expect(seen).toEqual([undefined]);
  });

  it('goes on after a connection that broke off', async () => {
    const folder = temporaryFolder();
    const seen: (string | undefined)[] = [];
    const whole = withRanges(seen);
    let broken = false;
    const url = await serve((request, response) => {
      if (broken) return whole(request, response);
      broken = true;
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
    });
    const message = await failure(fetchFile(folder, fileAt(url), SILENT));
    expect(message).toMatch(
      /^Fetching file\.bin from 127\.0\.0\.1:\d+ stopped: the connection broke off; run the command again/,
    );
    expect(readdirSync(folder)).toEqual(['file.bin.part']);
    const have = readFileSync(join(folder, 'file.bin.part')).length;
    expect(have).toBeGreaterThan(0);
    await fetchFile(folder, fileAt(url), SILENT);
    expect(seen).toEqual([`bytes=${have}-`]);
    expect(readFileSync(join(folder, 'file.bin')).equals(CONTENT)).toBe(true);
    expect(readdirSync(folder)).toEqual(['file.bin']);
  });

  it.each([
    ['a server that knows no ranges', 200],
    ['a part that was whole already', 416],
  ])('copes with %s', async (_name, status) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file.bin.part'), status === 416 ? CONTENT : CONTENT.subarray(0, 1000));
    const url = await serve(
      status === 416
        ? withRanges([])
        : (_request, response) => response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT),
    );
    await fetchFile(folder, fileAt(url), SILENT);
    expect(readFileSync(join(folder, 'file.bin')).equals(CONTENT)).toBe(true);
  });

  it('removes what has the wrong checksum', async () => {
    const folder = temporaryFolder();
    const url = await serve(withRanges([]));
    const message = await failure(fetchFile(folder, fileAt(url, '0'.repeat(32)), SILENT));
    expect(message).toMatch(
      /^file\.bin from 127\.0\.0\.1:\d+ has the MD5 sum [\da-f]{32}, expected 0{32}; it was removed/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    [404, 'Not Found'],
    [503, 'Service Unavailable'],
  ])('says that the server answered %i', async (status, text) => {
    const folder = temporaryFolder();
    const url = await serve((_request, response) => response.writeHead(status, text).end('<html>'));
    expect(await failure(fetchFile(folder, fileAt(url), SILENT))).toBe(
      `Cannot fetch file.bin: ${url} answered ${status} ${text}.`,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['http://127.0.0.1:9/file.bin', 'from 127.0.0.1:9: it cannot be reached: is there a network?'],
    [
      'http://no-such-host.invalid/file.bin',
      'from no-such-host.invalid: its address is not known here: is there a network?',
    ],
  ])('says that there is no way to %s', async (url, message) => {
    const folder = temporaryFolder();
    // Port 9 is one that fetch itself refuses; another closed one stands for it.
    const closed = url.includes(':9/') ? (await closedPort()).replace(/$/, '/file.bin') : url;
    const found = await failure(fetchFile(folder, fileAt(closed), SILENT));
    expect(found.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:9')).toBe(`Cannot fetch file.bin ${message}`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('cannot write where a file is in the way', async () => {
    const folder = join(temporaryFolder(), 'file');
    writeFileSync(folder, '');
    expect(await failure(fetchFile(folder, fileAt('http://127.0.0.1:1/'), SILENT))).toMatch(
      /^Cannot make the folder .*: it exists already\.$/,
    );
  });
});

/** The address of a port on which nobody listens. */
async function closedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

describe('data sets by name', () => {
  it('have a checksum and a secure or known home for every file', () => {
    for (const { files } of Object.values(HOMES))
      for (const { md5: sum, url, name } of files) {
        expect(sum).toMatch(/^[\da-f]{32}$/);
        expect(new URL(url).protocol).toMatch(/^https?:$/);
        expect(name).toMatch(/^[\w.-]+$/);
      }
  });

  it('are opened from the cache once they are there', async () => {
    vi.stubEnv('BROWNIAN_CACHE', temporaryFolder());
    await expect(openData('cifar-10', { limit: null, seed: 1 })).rejects.toThrow(
      'The data set cifar-10 is not on this machine; get it with: brownian data fetch cifar-10',
    );
    const path = fetchedPath('cifar-10');
    mkdirSync(join(path, '..'), { recursive: true });
    const archive = {
      'cifar-10-batches-bin/data_batch_1.bin': cifarBytes([[1], [2]]),
      'cifar-10-batches-bin/test_batch.bin': cifarBytes([[3]]),
    };
    writeFileSync(path, gzipSync(await tarBytes(archive)));
    expect(await openData('cifar-10', { limit: null, seed: 1 })).toMatchObject({ name: 'cifar-10', size: 2 });
    expect((await openData('cifar-10', { limit: null, seed: 1, split: 'test' })).size).toBe(1);
    const again = await brownian(['data', 'fetch', 'cifar-10']);
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(again.out).toContain('cifar-10-binary.tar.gz: is there already');
  });

  it('are listed, and misspelt ones are guessed', async () => {
    expect((await brownian(['data', 'fetch'])).out).toMatch(/mnist .*\n.*fashion-mnist .*\n.*cifar-10 /);
    const { err, code } = await brownian(['data', 'fetch', 'cifar10']);
    expect(code).toBe(1);
    expect(isOneSentence(err)).toBe(true);
    expect(err).toContain('did you mean "cifar-10"?');
  });
});

describe('brownian data inspect', () => {
  it('replaces no file that is not a picture', async () => {
    const out = join(temporaryFolder(), 'd.json');
    writeFileSync(out, '{}');
    expect(await brownian(['data', 'inspect', '8-gaussians', '--out', out])).toMatchObject({
      code: 1,
      out: '',
      err: `brownian: --out is ${JSON.stringify(out)}; its name must end in .png.\n`,
    });
    expect(readFileSync(out, 'utf8')).toBe('{}');
  });

  it('says what a set holds and draws it', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'test.bin');
    writeFileSync(file, cifarBytes([[1], [1], [4]]));
    const out = join(folder, 'sheet.png');
    const ended = await brownian(['data', 'inspect', file, '--out', out]);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out).toContain('test.bin: 3 items of shape [3, 32, 32]');
    expect(ended.out).toMatch(/class 1 +2\n/);
    expect(ended.out).toMatch(/class 4 +1\n/);
    // Channel 0 of image i holds (50 i + p) mod 256 for p in 0..1023: every level four times.
    expect(ended.out).toMatch(/red +-1\.0000 +1\.0000 +0\.0000 +0\.5796\n/);
    expect(existsSync(out)).toBe(true);
  });

  it('refuses what it does not know in one sentence', async () => {
    for (const argv of [['rings', '--images.size', '4'], ['nowhere'], ['rings', '--split', 'both']]) {
      const { code, err } = await brownian(['data', 'inspect', ...argv]);
      expect(code).toBe(1);
      expect(isOneSentence(err)).toBe(true);
    }
  });
});
