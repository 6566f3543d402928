import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { embedInPlane } from '../src/images/embed.ts';
import { classesPng, densityPng, fieldPng } from '../src/images/plane.ts';
import { roughnessOf } from '../src/reproduce/eieg-members.ts';
import { crowding } from '../src/reproduce/generator-images.ts';
import { readResults } from '../src/reproduce/store.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { temporaryFolder, tinyImages } from './support/files.ts';

/** Runs an experiment twice; the second time nothing is left to do. */
async function reproduced(argv: readonly string[], cells: number) {
  const out = join(temporaryFolder(), 'out');
  const first = await brownian(['reproduce', ...argv, '--out', out]);
  expect(first).toMatchObject({ code: 0, err: '' });
  expect(first.out).toContain(`${cells} of ${cells} cells.`);
  const results = await readResults(out);
  expect((await brownian(['reproduce', ...argv, '--out', out])).code).toBe(0);
  expect(await readResults(out), 'nothing is run again').toEqual(results);
  const page = await readFile(join(out, 'report.html'), 'utf8');
  // Pictures in base64 may spell anything.
  expect(page.replaceAll(/base64,[^"]+/g, '')).not.toMatch(/undefined|\[object|NaN/);
  return { results: [...results.values()], page, table: await readFile(join(out, 'table.md'), 'utf8') };
}

/** Scores by the pixels themselves: the images have no labels. */
const SCORED = ['--samples', '20', '--network', 'values'] as const;
/** Trainings, films and embeddings take their time on a busy machine. */
const PATIENCE = 60_000;

describe('experiments on generators, at a small scale', () => {
  it(
    'few-sample: models beside each other on 1 and 2 images, in equal time',
    async () => {
      const data = tinyImages(temporaryFolder());
      const scale = ['--data', data, '--filters', 'gabor', '--size', '16', '--classes', 'all', '--images', '1,2'];
      const models = 'w-pgcn,ggcn';
      const { results, page } = await reproduced(['few-sample', ...scale, '--models', models, '--seconds', '1'], 4);
      for (const { measures, settings } of results) {
        expect(measures['distance']).toBeGreaterThan(0);
        expect(measures['patchFid']).toBeGreaterThan(0);
        expect(measures['collapsed'] !== undefined).toBe(settings['model'] === 'w-pgcn');
      }
      // The images once for each number of them, and samples of each model.
      expect(page.match(/data:image\/png/g)?.length).toBe(6);
    },
    PATIENCE,
  );

  it('few-sample refuses what it cannot compare, in one sentence', async () => {
    const argv = ['reproduce', 'few-sample', '--data', tinyImages(temporaryFolder()), '--classes', 'all'];
    const refused = async (...flags: readonly string[]): Promise<string> => {
      const out = join(temporaryFolder(), 'x');
      const { code, err } = await brownian([
        ...argv,
        '--size',
        '16',
        '--seconds',
        '1',
        '--images',
        '1',
        ...flags,
        '--out',
        out,
      ]);
      expect(code).not.toBe(0);
      expect(isOneSentence(err)).toBe(true);
      return err;
    };
    expect(await refused('--models', 'frame')).toContain('--models has "frame"; it takes pgcn');
    expect(await refused('--filters', 'conv', '--models', 'dcgan')).toContain('conv needs a list of whole numbers');
  });

  it(
    'eieg-25-gaussians counts modes and shares of each model while it trains',
    async () => {
      const models = 'eieg@6,wgan-gp@2';
      const { results, page, table } = await reproduced(['eieg-25-gaussians', '--models', models, '--seeds', '1'], 2);
      for (const { curves, measures, pictures } of results) {
        expect(curves['iteration']?.length).toBeGreaterThanOrEqual(2);
        expect(measures['modes covered']).toBeLessThanOrEqual(25);
        expect(measures['share within 3 std']).toBeLessThan(0.5);
        expect(Object.keys(pictures).toSorted()).toEqual(['density', 'film', 'samples']);
      }
      expect(table).toContain('| eieg@6 | 1 |');
      expect(page.match(/data:image\/webp/g)?.length).toBe(2);
    },
    PATIENCE,
  );

  it(
    'eieg-collapse measures samples without repulsion and features without the stabiliser',
    async () => {
      const data = tinyImages(temporaryFolder());
      const scale = ['--iterations', '4', '--image-iterations', '2', ...SCORED];
      const { results, table } = await reproduced(['eieg-collapse', '--data', data, ...scale], 6);
      const on = results.find(({ settings }) => settings['variant'] === 'on');
      expect(on?.measures['spread over that of data']).toBeGreaterThan(0);
      const shapes = results.filter(({ settings }) => settings['part'] === 'stabiliser');
      expect(shapes.map(({ settings }) => settings['variant'])).toHaveLength(4);
      for (const { measures, curves } of shapes) {
        expect(measures['spread of features']).toBeGreaterThan(0);
        expect(curves['featureSpreadData']).toHaveLength(2);
      }
      expect(table).toContain('| truncated, seed 1 |');
    },
    PATIENCE,
  );

  it(
    'eieg-features scores by the number of features, and lays more than two out in the plane',
    async () => {
      const data = tinyImages(temporaryFolder());
      const members = 'eieg-gan-2@2,eieg-gan-16@2';
      const { results, page } = await reproduced(['eieg-features', '--data', data, '--members', members, ...SCORED], 2);
      for (const { measures, pictures } of results) {
        expect(measures['fid']).toBeGreaterThan(0);
        expect(pictures).toHaveProperty('features');
      }
      expect(page).toContain('UMAP');
      expect(page).toContain('eieg-gan-2 has a kernel of dimension 2 and a stabiliser of weight 1.');
    },
    PATIENCE,
  );

  it(
    'eieg-curves lays scores over each other',
    async () => {
      const data = tinyImages(temporaryFolder());
      const members = 'eieg-gan-16@4,wgan@4,wgan-gp@4';
      const { results, page } = await reproduced(
        ['eieg-curves', '--data', data, '--members', members, ...SCORED, '--looks', '4'],
        3,
      );
      for (const { curves } of results) expect(curves['fid']).toHaveLength(4);
      expect(page).not.toContain('eieg-gan-2');
    },
    PATIENCE,
  );

  it(
    'eieg-curves trains with the settings that are given',
    async () => {
      const data = tinyImages(temporaryFolder());
      const argv = ['eieg-curves', '--data', data, '--members', 'wgan@3', ...SCORED, '--looks', '1'];
      const changed = 'optimizer.learning-rate=0.01 images.size=12';
      const [plain, other] = [await reproduced(argv, 1), await reproduced([...argv, '--settings', changed], 1)];
      expect(other.results[0]?.settings).toMatchObject({ settings: changed });
      expect(other.results[0]?.curves['fid']).not.toEqual(plain.results[0]?.curves['fid']);
      expect(other.page).toContain(`Every member has default settings but for ${changed}.`);
      expect(plain.page).toContain('Every member has default settings.');
    },
    PATIENCE,
  );

  it(
    'eieg-particles moves points and images',
    async () => {
      const data = tinyImages(temporaryFolder());
      const scale = [
        '--particles',
        '80',
        '--time',
        '2',
        '--images',
        '30',
        '--image-particles',
        '8',
        '--image-time',
        '50',
      ];
      const { results, page } = await reproduced(['eieg-particles', '--data', data, ...scale], 6);
      const points = results.filter(({ settings }) => settings['part'] === 'points');
      expect(points.map(({ settings }) => settings['time'])).toEqual([2, 2, 2, 2]);
      for (const { measures, curves } of points) {
        expect(measures['near']).toBeGreaterThan(0);
        expect(curves['spreadsOfData']).toHaveLength(8);
      }
      // Euler's method takes one evaluation a step, and the steps it was told; rounding may leave a last one.
      const euler = points.filter(({ settings }) => settings['kernel'] === '2@1@0.1');
      expect(euler).toHaveLength(2);
      for (const { measures } of euler) expect([20, 21]).toContain(measures['evaluations']);
      expect(page.match(/data:image\/webp/g)?.length).toBe(4);
    },
    PATIENCE,
  );

  it.each([
    [['eieg-25-gaussians', '--models', 'began@10'], '--models has "began@10"; it takes eieg, eieg-deep'],
    [['eieg-25-gaussians', '--models', 'eieg@0'], '--models has "eieg@0"; it takes eieg, eieg-deep'],
    [['eieg-curves', '--members', 'gan@10'], '--members has "gan@10"; it takes eieg-gan-2'],
    [['eieg-curves', '--settings', 'path.epsilon=1'], '--settings has "path.epsilon=1"; it takes options of eieg-gan'],
    [['eieg-collapse', '--stabilisers', 'round'], '--stabilisers has "round"; it takes none, elastic'],
    [['eieg-particles', '--mobilities', '0:1'], '--mobilities has "0:1"; it takes those of attraction and repulsion'],
    [['eieg-particles', '--kernels', '2@'], '--kernels has "2@"; it takes dimension@cut-off'],
    [['eieg-particles', '--image-time', '0'], '--image-time is "0"; it must be a whole number of at least 1.'],
  ])('refuses %j in one sentence', async (argv, message) => {
    const ended = await brownian(['reproduce', ...argv, '--out', join(temporaryFolder(), 'x')]);
    expect(ended).toMatchObject({ code: 2 });
    expect(ended.err).toContain(message);
    expect(isOneSentence(ended.err)).toBe(true);
  });
});

describe('pictures of the plane', () => {
  const window = { center: [0, 0], reach: 2 } as const;
  /** Opacity of the pixel at a place. */
  const opacityAt = async (png: Uint8Array, x: number, y: number): Promise<number> => {
    const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    const [column, row] = [((x + 2) / 4) * info.width, ((2 - y) / 4) * info.height];
    return data[4 * (Math.floor(row) * info.width + Math.floor(column)) + 3] ?? -1;
  };
  const cluster = ndarray(
    (createStream('cluster').normal([500, 2]).data as Float32Array).map((v) => 1 + 0.1 * v),
    [500, 2],
  );

  it('a density is high where points are, and nothing elsewhere', async () => {
    const png = await densityPng(cluster, window, 0.1);
    expect(await opacityAt(png, 1, 1)).toBeGreaterThan(150);
    expect(await opacityAt(png, -1, -1)).toBe(0);
    await expect(densityPng(ndarray([1, 2, 3], [1, 3]), window, 0.1)).rejects.toThrow('points [n, 2], got [1, 3]');
  });

  it('a field has an arrow where it is, along it', async () => {
    const png = await fieldPng(ndarray([0, 0], [1, 2]), ndarray([1, 0], [1, 2]), ndarray([1.5, 1.5], [1, 2]), window);
    expect(await opacityAt(png, 0.05, 0)).toBeGreaterThan(100);
    expect(await opacityAt(png, 0, 0.06)).toBe(0);
    expect(await opacityAt(png, 1.5, 1.5)).toBeGreaterThan(0);
  });

  it('classes have colours of their own', async () => {
    const png = await classesPng(ndarray([-1, 0, 1, 0], [2, 2]), [0, 1], window);
    const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    const color = (x: number): string =>
      data
        .subarray(4 * ((info.height / 2) * info.width + x))
        .subarray(0, 3)
        .join();
    expect(color(info.width / 4)).not.toBe(color((3 * info.width) / 4));
  });

  it('an embedding keeps groups apart, and is a function of its stream', () => {
    const groups = ndarray(
      (createStream('groups').normal([60, 5]).data as Float32Array).map((v, i) => 0.1 * v + (i < 150 ? 0 : 10)),
      [60, 5],
    );
    const plane = embedInPlane(groups, createStream(1));
    expect(embedInPlane(groups, createStream(1))).toEqual(plane);
    const at = (i: number): readonly [number, number] => [Number(plane.data[2 * i]), Number(plane.data[2 * i + 1])];
    const distance = (i: number, j: number): number => Math.hypot(at(i)[0] - at(j)[0], at(i)[1] - at(j)[1]);
    const inside = Math.max(...Array.from({ length: 29 }, (_, i) => distance(0, i + 1)));
    const across = Math.min(...Array.from({ length: 30 }, (_, i) => distance(0, i + 30)));
    expect(across).toBeGreaterThan(inside);
    expect(() => embedInPlane(ndarray([1, 2], [1, 2]), createStream(1))).toThrow('more than 15 vectors');
  });
});

it('roughness is 1 for a curve that only rises, and more for one that swings', () => {
  expect(roughnessOf([1, 2, 5])).toBe(1);
  expect(roughnessOf([1, 5, 1, 5])).toBe(3);
  expect(roughnessOf([3, 3, 3])).toBeNull();
  expect(roughnessOf([1, null, 2])).toBeNull();
});

it('crowding is the spread of features, and the share of near pairs', () => {
  expect(crowding(ndarray([0, 0, 0, 0, 3, 4], [3, 2]), 1)).toEqual({ spread: Math.sqrt(50 / 9), crowded: 1 / 3 });
});
