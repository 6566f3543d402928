import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ndarray } from '@brownian/graph';
import { expect, it } from 'vitest';
import { IMAGE_DEFAULTS } from '../src/config/schema.ts';
import { type DataOptions, openData } from '../src/data/open.ts';
import { type Files, cifarBytes, npyBytes, npyOfBytes, zipBytes } from './support/archives.ts';
import { idxBytes, temporaryFolder } from './support/files.ts';

const ALL = { limit: null, seed: 1 };

function labelledBy(labels: string): DataOptions {
  return { ...ALL, images: { ...IMAGE_DEFAULTS, labels } };
}

/** Puts files into a folder, which is gone when the test has ended. */
function put(files: Files): string {
  const folder = temporaryFolder();
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return folder;
}

it.each<[string, () => string, number]>([
  [
    'IDX files',
    () =>
      put({
        'train-images-idx3-ubyte': idxBytes([4, 2, 2], (i) => i),
        'train-labels-idx1-ubyte': idxBytes([4], (i) => [1, 0, 3, 1][i] as number),
      }),
    4,
  ],
  [
    'an .npz file',
    () =>
      join(
        put({
          'a.npz': zipBytes({
            'x.npy': npyOfBytes([2, 2, 2], (i) => i),
            'y.npy': npyBytes(ndarray(Int32Array.of(2, 0), [2])),
          }),
        }),
        'a.npz',
      ),
    3,
  ],
  ['CIFAR records', () => join(put({ 'x.bin': cifarBytes([[4], [2]]) }), 'x.bin'), 5],
])('images are of classes called by their numbers where the labels of %s have no names', async (_name, make, count) => {
  const path = make();
  const names = Array.from({ length: count }, (_, i) => String(i));
  expect((await openData(path, ALL)).classes).toEqual(names);
  // A part of the items is of the same classes.
  expect((await openData(path, { ...ALL, limit: 1 })).classes).toEqual(names);
});

it.each([
  ['IDX', idxBytes([3], (i) => 2 * i)],
  ['.npy', npyBytes(ndarray(Int32Array.of(0, 2, 4), [3]))],
  ['text', new TextEncoder().encode('0\n2\n4\n')],
])('images take labels without names from a file of %s', async (_name, bytes) => {
  const folder = put({ 'images.npy': npyOfBytes([3, 2, 2], (i) => i), labels: bytes });
  const data = await openData(join(folder, 'images.npy'), labelledBy(join(folder, 'labels')));
  expect(Array.from((await data.batch([0, 1, 2])).labels?.data ?? [], Number)).toEqual([0, 2, 4]);
  expect(data.classes).toEqual(['0', '1', '2', '3', '4']);
});

it.each([
  [70_000, /label 1 is 70000, and classes are numbered from 0 to 65535 at most/],
  [-1, /label 1 is -1, expected an integer in 0\.\.2147483647/],
])('images are refused with a label of %d', async (label, message) => {
  const folder = put({
    'images.npy': npyOfBytes([2, 2, 2], (i) => i),
    'labels.npy': npyBytes(ndarray(Int32Array.of(0, label), [2])),
  });
  await expect(openData(join(folder, 'images.npy'), labelledBy(join(folder, 'labels.npy')))).rejects.toThrow(message);
});
