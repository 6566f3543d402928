import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import type * as promises from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { describe, expect, it, vi } from 'vitest';
import { lockHolder, lockRun } from '../src/runs/lock.ts';
import { readEvents, readMetrics } from '../src/runs/database.ts';
import { openRun, runFiles } from '../src/runs/run.ts';
import { openToWrite } from '../src/runs/sqlite.ts';
import { latestCheckpoint } from '../src/runs/store.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { fakeEngine } from './support/fake-engine.ts';
import { temporaryFolder } from './support/files.ts';
import { commandArguments, finished, start } from './support/process.ts';

/** What the next write of a file whose path has this in it meets; null when nothing. */
let fault: { readonly path: string; readonly code: string } | null = null;

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof promises>();
  return {
    ...real,
    async open(path: string, flags: string) {
      const file = await real.open(path, flags);
      const { code, path: part } = fault ?? {};
      if (code === undefined || part === undefined || flags !== 'w' || !path.includes(part)) return file;
      let parts = 0;
      const write = file.writeFile.bind(file);
      // The first part goes through: a full disk leaves a file half written.
      file.writeFile = async (...args) => {
        parts += 1;
        if (parts > 1) throw Object.assign(new Error(`${code}: write`), { code });
        await write(...args);
      };
      return file;
    },
  };
});

const argv = (out: string): string[] =>
  `train 8-gaussians --iterations 20 --batch-size 5 --limit 60 --checkpoint-every 4 --grid-every 20 --samples 9 --out ${out}`.split(
    ' ',
  );

const resultOf = async (out: string): Promise<unknown> => ({
  state: (await latestCheckpoint(out))?.checkpoint.state,
  metrics: readMetrics(runFiles(out).database).map(({ iteration, metrics }) => ({ iteration, metrics })),
});

/** A run that went through, and its result. */
async function reference(folder: string): Promise<unknown> {
  const out = join(folder, 'whole');
  expect(await brownian(argv(out))).toMatchObject({ code: 0, err: '' });
  return await resultOf(out);
}

describe('a damaged checkpoint', () => {
  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 5), 'is not a valid safetensors file'],
    [
      'one bit of an array',
      (bytes: Buffer) => flip(bytes, bytes.length - 3),
      'its bytes are not those that were written',
    ],
    ['one bit of its metadata', (bytes: Buffer) => flip(bytes, bytes.indexOf('seconds') + 20), 'corrupt checkpoint'],
    ['empty', (bytes: Buffer) => bytes.subarray(0, 0), 'is not a valid safetensors file'],
  ])('%s falls back to the one before it, says so, and nothing is lost', async (_name, damage, problem) => {
    const folder = temporaryFolder();
    const whole = await reference(folder);
    const out = join(folder, 'run');
    await brownian(argv(out), fakeEngine({ onStep: (i) => i === 14 && process.emit('SIGINT') }));
    const newest = runFiles(out).checkpoint(15);
    writeFileSync(newest, damage(readFileSync(newest)));
    const sampled = await brownian(['sample', out, '--n', '4']);
    expect(sampled).toMatchObject({ code: 0, err: '' });
    expect(sampled.out).toMatch(/iteration-000015\.safetensors .*; using iteration 12 instead\.\n/);
    const resumed = await brownian(['resume', out]);
    expect(resumed).toMatchObject({ code: 0, err: '' });
    const sentence = resumed.out.split('\n').find((line) => line.includes('iteration-000015')) ?? '';
    expect(sentence).toContain(problem);
    expect(sentence).toMatch(/; going on from iteration 12 instead, and keeping it as .*\.damaged\.$/);
    expect(existsSync(`${newest}.damaged`)).toBe(true);
    expect(readEvents(runFiles(out).database).map(({ kind }) => kind)).toContain('checkpoint damaged');
    expect(await resultOf(out)).toEqual(whole);
  });

  function flip(bytes: Buffer, at: number): Buffer {
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    return bytes;
  }
});

describe('a disk that', () => {
  it.each([
    ['is full', 'ENOSPC', 'the disk is full'],
    ['has no quota left', 'EDQUOT', 'the disk quota is used up'],
    ['fails', 'EIO', 'the disk reports an error'],
  ])(
    '%s at the third checkpoint: one sentence, the second is kept, and resuming gives the same run',
    async (_n, code, why) => {
      const folder = temporaryFolder();
      const whole = await reference(folder);
      const out = join(folder, 'run');
      fault = { path: 'iteration-000012.safetensors', code };
      const ended = await brownian(argv(out)).finally(() => (fault = null));
      expect(ended.code).toBe(1);
      expect(ended.err).toBe(
        `brownian: Cannot write ${runFiles(out).checkpoint(12)}: ${why}; once that is put right, go on with: brownian resume ${out}\n`,
      );
      expect(readdirSync(runFiles(out).checkpoints)).toEqual([4, 8].map((i) => `iteration-00000${i}.safetensors`));
      expect((await openRun(out)).record).toMatchObject({ status: 'failed' });
      expect(await brownian(['resume', out])).toMatchObject({ code: 0, err: '' });
      expect(await resultOf(out)).toEqual(whole);
    },
  );

  it('lets no file grow further: one sentence, and resuming gives the same run', async () => {
    const folder = temporaryFolder();
    const [out, whole] = [join(folder, 'run'), join(folder, 'whole')];
    // Checkpoints of 480 kB, where the system lets a process write 300 kB to a file.
    const flags =
      '--iterations 6 --checkpoint-every 3 --batch-size 8 --steps 2 --samples 4 --potential.channels 8 --chains.kind buffer --chains.buffer-size 60000';
    const train = (path: string): string[] => ['train', '8-gaussians', ...flags.split(' '), '--out', path];
    expect(await finished(start(train(whole)))).toMatchObject({ code: 0 });
    const limited = spawn('sh', [
      '-c',
      'ulimit -f 600; exec "$@"',
      'sh',
      process.execPath,
      ...commandArguments(train(out)),
    ]);
    const ended = await finished(limited);
    expect(ended).toMatchObject({ code: 1, signal: null });
    expect(ended.err).toContain(
      'iteration-000003.safetensors: the file would be larger than this process may write; once',
    );
    expect(isOneSentence(ended.err)).toBe(true);
    expect(readdirSync(runFiles(out).checkpoints)).toEqual([]);
    expect(await finished(start(['resume', out]))).toMatchObject({ code: 0, err: '' });
    expect(await resultOf(out)).toEqual(await resultOf(whole));
  });
});

describe('a folder that cannot be written', () => {
  it('is refused in a sentence, and left as it was', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    await brownian(argv(out), fakeEngine({ onStep: (i) => i === 9 && process.emit('SIGINT') }));
    const before = await resultOf(out);
    const [closed, inside] = [join(folder, 'closed'), join(folder, 'closed', 'new')];
    mkdirSync(closed);
    for (const path of [out, closed]) chmodSync(path, 0o555);
    chmodSync(folder, 0o755);
    // No permission stops root, so the command then runs as nobody.
    const as = process.getuid?.() === 0 ? { uid: 65_534 } : {};
    const resumed = await finished(start(['resume', out], as));
    const trained = await finished(start(argv(inside), as));
    for (const path of [out, closed]) chmodSync(path, 0o755);
    expect(resumed).toMatchObject({ code: 1, err: `brownian: Cannot write ${out}: permission is denied.\n` });
    expect(trained).toMatchObject({
      code: 1,
      err: `brownian: Cannot make the folder ${inside}: permission is denied.\n`,
    });
    expect(await resultOf(out)).toEqual(before);
    expect(readdirSync(closed)).toEqual([]);
  });
});

describe('two processes on one run', () => {
  it('the second is refused in a sentence that names the first, whose run goes on', async () => {
    const folder = temporaryFolder();
    const whole = await reference(folder);
    const out = join(folder, 'run');
    const second: { ended?: Awaited<ReturnType<typeof brownian>> } = {};
    const engine = fakeEngine({
      onStep: (i) => {
        if (i === 9) void brownian(['resume', out]).then((ended) => (second.ended = ended));
      },
    });
    expect(await brownian(argv(out), engine)).toMatchObject({ code: 0, err: '' });
    await vi.waitFor(() => expect(second.ended).toBeDefined());
    expect(second.ended?.code).toBe(1);
    expect(second.ended?.err).toMatch(
      new RegExp(
        `^brownian: ${out} is in use by process ${process.pid} on ${hostname()} since 20.*Z; wait until it has ended, or stop it\\.\\n$`,
      ),
    );
    expect(await resultOf(out)).toEqual(whole);
  });

  it('a lock ends with its process, however that ends', async () => {
    const out = join(temporaryFolder(), 'run');
    const flags = '--iterations 100000 --batch-size 5 --limit 60 --samples 4 --steps 1 --potential.channels 4'.split(
      ' ',
    );
    const child = start(['train', '8-gaussians', ...flags, '--out', out]);
    const ended = finished(child);
    await vi.waitFor(() => expect(lockHolder(out)?.pid).toBe(child.pid), { timeout: 15_000, interval: 50 });
    await expect(lockRun(out)).rejects.toThrow(`is in use by process ${child.pid} on ${hostname()}`);
    child.kill('SIGKILL');
    expect(await ended).toMatchObject({ signal: 'SIGKILL' });
    expect(lockHolder(out)).toBeUndefined();
    (await lockRun(out)).release();
  });

  it('a name left behind by another machine has to be judged by a person', async () => {
    const out = join(temporaryFolder(), 'run');
    await brownian(argv(out), fakeEngine({ onStep: (i) => i === 9 && process.emit('SIGINT') }));
    const { lock } = runFiles(out);
    openToWrite(lock).exec("INSERT INTO holder VALUES (7, 'elsewhere', '2026-01-01T00:00:00.000Z')");
    const ended = await brownian(['resume', out]);
    expect(ended).toMatchObject({
      code: 1,
      err: `brownian: ${out} is in use by process 7 on elsewhere since 2026-01-01T00:00:00Z; if that process has ended, delete ${lock} and try again.\n`,
    });
  });
});
