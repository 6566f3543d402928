import { mkdirSync, realpathSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DataError, TOY_DISTRIBUTIONS } from 'brownian';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openData } from '../src/data/open.ts';
import { UserError } from '../src/errors.ts';
import { openRun, writeRecord } from '../src/runs/run.ts';
import { pictureBytes } from './support/archives.ts';
import { brownian } from './support/command.ts';
import { idxBytes, temporaryFolder, tinyImages } from './support/files.ts';

const ALL = { limit: null, seed: 1 };
const IMAGES = idxBytes([10, 4, 4], (i) => i % 256);

describe('opening data', () => {
  it('finds MNIST in its package, both parts', async () => {
    const train = await openData('mnist', { limit: 100, seed: 1 });
    expect(train).toMatchObject({ name: 'mnist', itemShape: [1, 28, 28], size: 100 });
    expect(train.classes).toHaveLength(10);
    expect([...((await train.batch([0, 1, 2])).labels?.data ?? [])]).toEqual([5, 0, 4]);
    expect((await openData('mnist', { ...ALL, split: 'test' })).size).toBe(10_000);
  });

  it.each(Object.keys(TOY_DISTRIBUTIONS))('draws %s from the seed', async (name) => {
    const [a, b, c] = [
      await openData(name, { limit: 20, seed: 1 }),
      await openData(name, { limit: 20, seed: 1 }),
      await openData(name, { limit: 20, seed: 2 }),
    ];
    expect(a).toMatchObject({ itemShape: [2], size: 20 });
    expect(await b.batch([3])).toEqual(await a.batch([3]));
    expect(await c.batch([3])).not.toEqual(await a.batch([3]));
  });

  it('reads a folder of IDX files, with labels when there are any', async () => {
    const folder = tinyImages(temporaryFolder());
    const data = await openData(folder, { limit: 7, seed: 1 });
    expect(data).toMatchObject({ itemShape: [1, 6, 6], size: 7 });
    expect([...((await data.batch([4, 5])).labels?.data ?? [])]).toEqual([1, 2]);
  });

  it.each([
    ['train-images-idx3-ubyte.gz', gzipSync(IMAGES)],
    ['train-images.idx3-ubyte', IMAGES],
    ['train-images.idx3-ubyte.gz', gzipSync(IMAGES)],
  ])('knows the file name %s', async (name, bytes) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, name), bytes);
    const data = await openData(folder, ALL);
    expect(data.size).toBe(10);
    expect((await data.batch([0])).labels).toBeUndefined();
    expect((await data.batch([0])).x.data[15]).toBeCloseTo(15 / 127.5 - 1);
  });

  it('reads one IDX file', async () => {
    const file = join(temporaryFolder(), 'my-images');
    writeFileSync(file, IMAGES);
    expect(await openData(file, ALL)).toMatchObject({ name: 'my-images', size: 10 });
  });
});

describe('data that cannot be opened', () => {
  it.each([
    ['mnits', 'There is no data called "mnits"; did you mean "mnist"?'],
    ['8-gausians', 'There is no data called "8-gausians"; did you mean "8-gaussians"?'],
    ['./no/such/folder', 'There is no data called "./no/such/folder"; give mnist, fashion-mnist, '],
  ])('%s has a name that does not exist', async (name, message) => {
    await expect(openData(name, ALL)).rejects.toBeInstanceOf(UserError);
    await expect(openData(name, ALL)).rejects.toThrow(message);
  });

  it('is a folder without images', async () => {
    const folder = temporaryFolder();
    await expect(openData(folder, ALL)).rejects.toThrow(
      `${folder} holds no data that can be read; expected PNG, JPEG or WebP images`,
    );
  });

  it.each([
    ['truncated', IMAGES.subarray(0, 100), 'truncated'],
    ['of a wrong magic number', Uint8Array.of(1, 2, 3, 4, 5), 'magic number'],
    ['empty', new Uint8Array(0), 'magic number'],
    ['of labels', idxBytes([10], () => 1), 'shape [10]'],
  ])('is a file that is %s', async (_name, bytes, message) => {
    const folder = temporaryFolder();
    const file = join(folder, 'train-images-idx3-ubyte');
    writeFileSync(file, bytes);
    await expect(openData(folder, ALL)).rejects.toBeInstanceOf(DataError);
    await expect(openData(folder, ALL)).rejects.toThrow(message);
  });

  it('is a broken gzip file', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'train-images-idx3-ubyte.gz');
    writeFileSync(file, gzipSync(IMAGES).subarray(0, 40));
    await expect(openData(folder, ALL)).rejects.toThrow(`${file} is not a whole gzip file`);
  });

  it('has as many labels as there are not images', async () => {
    const folder = tinyImages(temporaryFolder());
    writeFileSync(
      join(folder, 'train-labels-idx1-ubyte'),
      idxBytes([39], () => 0),
    );
    await expect(openData(folder, ALL)).rejects.toThrow('there are 40 items and 39 labels');
  });

  it('is a file that cannot be read', async () => {
    const folder = temporaryFolder();
    symlinkSync(join(folder, 'nowhere'), join(folder, 'train-images-idx3-ubyte'));
    await expect(openData(folder, ALL)).rejects.toThrow('train-images-idx3-ubyte: it does not exist.');
  });
});

describe('a run on data of a relative path', () => {
  it('finds them from any folder, and says where it looked when they are gone', async () => {
    const [home, elsewhere] = [temporaryFolder(), temporaryFolder()].map((folder) => realpathSync(folder));
    const back = process.cwd();
    onTestFinished(() => process.chdir(back));
    process.chdir(home as string);
    mkdirSync('my cls');
    for (let i = 0; i < 16; i++) writeFileSync(`my cls/${i}.png`, await pictureBytes(i));
    writeFileSync('labels.txt', Array.from({ length: 16 }, (_, i) => `c${i % 2}`).join('\n'));
    const flags = ['--iterations', '2', '--batch-size', '4', '--images.labels', 'labels.txt', '--out', 'run'];
    const held = ['--images.test-share', '0.25', '--samples', '2'];
    expect(await brownian(['train', 'my cls', ...flags, ...held])).toMatchObject({ code: 0, err: '' });
    process.chdir(elsewhere as string);
    const run = join(home as string, 'run');
    expect((await openRun(run)).config).toMatchObject({ data: 'my cls', images: { labels: 'labels.txt' } });
    for (const argv of [
      ['resume', run, '--iterations', '4'],
      ['evaluate', run, '--network', 'values', '--metrics', 'fid', '--samples', '4'],
      ['neighbours', run, '--n', '2', '--k', '1'],
    ])
      expect(await brownian(argv)).toMatchObject({ code: 0, err: '' });
    renameSync(join(home as string, 'my cls'), join(home as string, 'moved'));
    expect(await brownian(['resume', run, '--iterations', '6'])).toMatchObject({
      code: 1,
      err: `brownian: The data of this run are neither at ${elsewhere}/my cls nor at ${home}/my cls, where they were when it began; put them back at one of the two.\n`,
    });
    renameSync(join(home as string, 'moved'), join(elsewhere as string, 'my cls'));
    expect(await brownian(['resume', run, '--iterations', '6'])).toMatchObject({ code: 0, err: '' });
  });

  it('needs nothing of a run that does not say where they were', async () => {
    const folder = temporaryFolder();
    const [data, run] = [tinyImages(folder), join(folder, 'run')];
    await brownian(['train', data, '--iterations', '2', '--batch-size', '4', '--out', run]);
    const { record } = await openRun(run);
    const { paths, ...older } = record.data;
    expect(paths).toEqual({ data, labels: null });
    await writeRecord(run, { ...record, data: older });
    expect(await brownian(['resume', run, '--iterations', '4'])).toMatchObject({ code: 0, err: '' });
    expect((await openRun(run)).record.data.paths).toEqual(paths);
  });
});
