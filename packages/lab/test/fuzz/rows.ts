import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ndarray } from '@brownian/graph';
import { decodeTensors, encodeTensors, parseCifar, parseIdx, parseNpy } from 'brownian';
import { IMAGE_DEFAULTS } from '../../src/config/schema.ts';
import { readSettings } from '../../src/config/settings.ts';
import { memoryBlock } from '../../src/data/block.ts';
import { readBlock } from '../../src/data/kinds.ts';
import { parseLabels } from '../../src/data/labels-file.ts';
import { prepareImages } from '../../src/data/prepare.ts';
import { sizeOfSource } from '../../src/data/source.ts';
import { readCheckpoint, writeCheckpoint } from '../../src/runs/checkpoint.ts';
import {
  cifarBytes,
  npyBytes,
  npyOfBytes,
  parquetBytes,
  pictureBytes,
  tarBytes,
  zipBytes,
} from '../support/archives.ts';
import { idxBytes } from '../support/files.ts';

/** A reader to be tried on damaged files. */
export interface FuzzRow {
  readonly name: string;
  /** What the reader is told the file is called; every error must name it. */
  readonly file: string;
  /** Whole files, which the reader must take. @param folder where a file can be written */
  seeds(folder: string): Promise<readonly Uint8Array[]>;
  /** Reads bytes to the end. @param path a place where they can be written, for readers that want a file */
  read(bytes: Uint8Array, path: string): unknown;
}

/** Reads a file as `brownian train` would, and decodes its images. */
async function readAll(bytes: Uint8Array, file: string): Promise<void> {
  const request = { name: file, split: 'train', memory: 2 ** 26, patience: 1000, labels: null } as const;
  const source = await readBlock(memoryBlock(file, bytes), request);
  if (source === null) return;
  const size = sizeOfSource(source);
  const chosen = size > 4 ? [0, 1, size - 1] : null;
  const data = await prepareImages(source, chosen, {
    ...IMAGE_DEFAULTS,
    memory: 64,
    size: source.kind === 'array' || source.pixels !== null ? null : 8,
  });
  await data.batch(Array.from({ length: data.size }, (_, i) => i));
}

/** A kind of data file. */
function dataRow(name: string, file: string, seeds: () => Promise<readonly Uint8Array[]>): FuzzRow {
  return { name, file, seeds, read: (bytes) => readAll(bytes, file) };
}

const pictures = async (): Promise<Record<string, Uint8Array>> => ({
  'a/1.png': await pictureBytes(1),
  'b/2.webp': await pictureBytes(2, { format: 'webp' }),
  'b/3.jpg': await pictureBytes(3, { format: 'jpeg' }),
});

const image = (format: 'png' | 'jpeg' | 'webp', file: string): FuzzRow =>
  dataRow(`${format} image`, file, async () => [
    await pictureBytes(1, { format, width: 16, height: 12 }),
    await pictureBytes(2, { format, width: 9, height: 9, grey: true }),
  ]);

const ARRAYS = new Map([
  ['weight', ndarray(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3])],
  ['count', ndarray(Int32Array.of(7))],
  ['big', ndarray(BigInt64Array.of(2n ** 60n, 1n))],
]);

const CHECKPOINT = {
  iteration: 12,
  state: {
    layers: [{ weight: ndarray([1, 2, 3, 4], [2, 2]) }, { weight: ndarray([1, 2]) }],
    steps: ndarray(Int32Array.of(3)),
  },
  stream: { key: [1, 2], count: 5 },
  seconds: { training: 1, total: 2 },
  watch: {},
  rollbacks: 0,
  configHash: '0123456789abcdef',
} as const;

/** Every reader of bytes that come from outside. */
export const FUZZ_ROWS: readonly FuzzRow[] = [
  {
    name: 'parseIdx',
    file: 'fuzz.idx',
    seeds: () => Promise.resolve([idxBytes([3, 4, 4], (i) => i), idxBytes([6], (i) => i)]),
    read: (bytes) => parseIdx(bytes, 'fuzz.idx'),
  },
  {
    name: 'parseCifar',
    file: 'fuzz.bin',
    seeds: () => Promise.resolve([cifarBytes([[1], [9]])]),
    read: (bytes) => parseCifar(bytes, 'cifar-10', 'fuzz.bin'),
  },
  {
    name: 'parseNpy',
    file: 'fuzz.npy',
    seeds: () => Promise.resolve([npyOfBytes([2, 3, 4], (i) => i), npyBytes(ndarray(Int32Array.of(1, 2, 3)))]),
    read: (bytes) => parseNpy(bytes, 'fuzz.npy'),
  },
  {
    name: 'file of labels',
    file: 'fuzz.csv',
    seeds: () =>
      Promise.resolve(
        ['name,class\n1.png,3\n2.png,cat\n', '1\n0\n', '1.png\t"a b"\n2.png\tb\n'].map((text) =>
          new TextEncoder().encode(text),
        ),
      ),
    read: (bytes) => parseLabels(new TextDecoder().decode(bytes), ['1.png', '2.png'], 'fuzz.csv'),
  },
  dataRow('IDX data', 'fuzz.idx', () =>
    Promise.resolve([idxBytes([5, 4, 4], (i) => i), gzipSync(idxBytes([2, 4, 4], (i) => i))]),
  ),
  dataRow('CIFAR data', 'fuzz.bin', () => Promise.resolve([cifarBytes([[1], [9]]), cifarBytes([[1, 40]])])),
  dataRow('npy data', 'fuzz.npy', () =>
    Promise.resolve([npyOfBytes([2, 3, 4, 4], (i) => i), npyBytes(ndarray([0, 0.5, 1, 0.25], [1, 2, 2]))]),
  ),
  dataRow('npz data', 'fuzz.npz', () => {
    const arrays = {
      'images.npy': npyOfBytes([3, 4, 4], (i) => i),
      'labels.npy': npyBytes(ndarray(Int32Array.of(0, 1, 2))),
    };
    return Promise.resolve([zipBytes(arrays), zipBytes(arrays, false)]);
  }),
  dataRow('tar of images', 'fuzz.tar', async () => [await tarBytes(await pictures())]),
  dataRow('tar.gz of images', 'fuzz.tar.gz', async () => [
    gzipSync(await tarBytes(await pictures()), { level: 0 }),
    gzipSync(await tarBytes(await pictures())),
  ]),
  dataRow('zip of images', 'fuzz.zip', async () => [zipBytes(await pictures()), zipBytes(await pictures(), false)]),
  dataRow('Parquet of images', 'fuzz.parquet', async () => [
    parquetBytes(Object.values(await pictures()), [0, 1, 1], ['a', 'b']),
  ]),
  image('png', 'fuzz.png'),
  image('jpeg', 'fuzz.jpg'),
  image('webp', 'fuzz.webp'),
  {
    name: 'configuration',
    file: 'config.json',
    seeds: () =>
      Promise.resolve(
        [
          '{"data": "mnist", "langevin": {"steps": 20}, "images": {"range": [0, 1]}, "potential": {"channels": [1, 2]}}',
          '{"iterations": 100,\n "minutes": null}',
        ].map((text) => new TextEncoder().encode(text)),
      ),
    read: async (bytes, path) => {
      writeFileSync(path, bytes);
      await readSettings(path);
    },
  },
  {
    name: 'safetensors',
    file: 'fuzz.safetensors',
    seeds: () =>
      Promise.resolve([new Uint8Array(Buffer.concat(encodeTensors({ tensors: ARRAYS, metadata: { a: 'b' } })))]),
    read: (bytes) => decodeTensors(bytes, 'fuzz.safetensors'),
  },
  {
    name: 'checkpoint',
    file: 'checkpoint.safetensors',
    seeds: async (folder) => {
      const path = join(folder, 'seed.safetensors');
      await writeCheckpoint(path, CHECKPOINT);
      return [new Uint8Array(readFileSync(path))];
    },
    read: async (bytes, path) => {
      writeFileSync(path, bytes);
      await readCheckpoint(path);
    },
  },
];
