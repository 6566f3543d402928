import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import { readResults } from '../src/reproduce/store.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { temporaryFolder } from './support/files.ts';

beforeEach(() => {
  // Classifiers of the tiny images are kept in the test's own folder.
  process.env['BROWNIAN_CACHE'] = temporaryFolder();
});

const SIZE = 12;

/** Writes grey images of 12×12 pixels of three classes, in a part to learn from and one for tests. */
async function images(): Promise<string> {
  const folder = temporaryFolder();
  for (const [part, count] of [['train', 14] as const, ['test', 6] as const]) {
    for (const [label, name] of ['ants', 'bees', 'cows'].entries()) {
      const place = join(folder, part, name);
      mkdirSync(place, { recursive: true });
      for (let i = 0; i < count; i++) {
        const pixels = Uint8Array.from({ length: SIZE * SIZE }, (_, k) => (k * 37 * (label + 1) + 11 * i) % 256);
        const raw = { width: SIZE, height: SIZE, channels: 1 } as const;
        await sharp(pixels, { raw })
          .toColourspace('b-w')
          .png()
          .toFile(join(place, `${i}.png`));
      }
    }
  }
  return folder;
}

describe('brownian reproduce ggcn-inpainting', () => {
  it('has a row for each method of each model, the trivial fillings and the paper', { timeout: 120_000 }, async () => {
    const folder = join(temporaryFolder(), 'out');
    const scale = ['--data', await images(), '--models', 'ggcn-star', '--seconds', '1', '--images', '9'];
    const ended = await brownian(['reproduce', 'ggcn-inpainting', ...scale, '--clock', 'cpu', '--out', folder]);
    expect(ended).toMatchObject({ code: 0, err: '' });
    const [result] = [...(await readResults(folder)).values()];
    const methods = ['model (encode)', 'model (dynamics)', 'model (both)', 'mean', 'bilinear', 'harmonic'];
    for (const mask of ['square', 'spots', 'both'])
      for (const fill of methods)
        for (const score of ['MSE', 'PSNR', 'SSIM', 'FID'])
          expect(Number.isFinite(result?.measures[`${mask}, ${fill}, ${score}`])).toBe(true);
    expect(Object.keys(result?.pictures ?? {}).toSorted()).toEqual(['both', 'spots', 'square']);
    const table = await readFile(join(folder, 'table.md'), 'utf8');
    expect(table).toMatch(/\| ggcn-star, encode \| [\d.]+ \|/);
    expect(table).toMatch(/\| harmonic \| [\d.]+ \|/);
    expect(table).toContain('| GGCN* in the paper (other data) | 0.00330 | 30.4 | 0.954 | 25.4 |');
  });
});

describe('brownian reproduce ggcn-inpainting by default', () => {
  it(
    'trains an auto-encoder of masked images, also of data without labels or a test part',
    { timeout: 120_000 },
    async () => {
      const folder = temporaryFolder();
      const ants = join(await images(), 'train', 'ants');
      const scale = ['--data', ants, '--size', '11', '--seconds', '1', '--images', '9', '--network', 'values'];
      const ended = await brownian(['reproduce', 'ggcn-inpainting', ...scale, '--clock', 'cpu', '--out', folder]);
      expect(ended).toMatchObject({ code: 0, err: '' });
      expect(ended.out).toContain('has no test part; 10 % of it are held out from training.');
      const [result] = [...(await readResults(folder)).values()];
      expect(result?.settings).toMatchObject({ model: 'ggcn-star/masked', size: 11 });
      expect(result?.curves['completionError']?.length).toBe(result?.measures['iterations']);
      for (const mask of ['square', 'spots', 'both'])
        expect(result?.measures[`${mask}, model (encode), PSNR`]).toBeGreaterThan(0);
      const table = await readFile(join(folder, 'table.md'), 'utf8');
      expect(table).toMatch(/\| ggcn-star\/masked, encode \| [\d.]+ \|/);
      const wrong = await brownian(['reproduce', 'ggcn-inpainting', ...scale, '--size', 'x', '--out', folder]);
      expect(wrong.err).toContain('--size is "x"; it must be a whole number from 1 to 4096.');
    },
  );
});

describe('brownian reproduce ggcn-interpolation', () => {
  it('measures both paths, and how far their ends are apart', { timeout: 120_000 }, async () => {
    const folder = join(temporaryFolder(), 'out');
    const scale = ['--data', await images(), '--models', 'ggcn-star', '--seconds', '1', '--midpoints', '3'];
    const ended = await brownian(['reproduce', 'ggcn-interpolation', ...scale, '--clock', 'cpu', '--out', folder]);
    expect(ended).toMatchObject({ code: 0, err: '' });
    const [result] = [...(await readResults(folder)).values()];
    for (const path of ['linear', 'spherical']) {
      expect(result?.measures[`${path}, worst ratio`]).toBeGreaterThanOrEqual(1);
      expect(result?.measures[`${path}, worst ratio`]).toBeGreaterThanOrEqual(
        result?.measures[`${path}, median ratio`] as number,
      );
      expect(result?.measures[`${path}, distance of ends`]).toBeGreaterThan(0);
    }
    expect(Object.keys(result?.pictures ?? {}).toSorted()).toEqual(['linear', 'spherical']);
    expect(await readFile(join(folder, 'table.md'), 'utf8')).toMatch(/\| ggcn-star, seed 1 \| spherical \| [\d.]+ \|/);
  });

  it('takes images without labels or a test part, and trains no classifier', { timeout: 120_000 }, async () => {
    const folder = join(temporaryFolder(), 'out');
    const ants = join(await images(), 'train', 'ants');
    const scale = ['--data', ants, '--size', '8', '--models', 'ggcn-star', '--seconds', '1', '--midpoints', '3'];
    const ended = await brownian(['reproduce', 'ggcn-interpolation', ...scale, '--clock', 'cpu', '--out', folder]);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out).toContain('has no test part; 10 % of it are held out from training.');
    const [result] = [...(await readResults(folder)).values()];
    expect(result?.settings).toMatchObject({ size: 8 });
    const { width } = await sharp(join(folder, result?.pictures['linear'] ?? '')).metadata();
    // Five images of 8 pixels with a gap of one, three or more screen pixels each.
    expect(width % (5 * 9 - 1)).toBe(0);
    expect(existsSync(join(process.env['BROWNIAN_CACHE'] as string, 'classifiers'))).toBe(false);
  });

  it('says which model has no latents', { timeout: 120_000 }, async () => {
    const scale = ['--data', await images(), '--models', 'wgcn', '--seconds', '1', '--clock', 'cpu'];
    const ended = await brownian([
      'reproduce',
      'ggcn-interpolation',
      ...scale,
      '--out',
      join(temporaryFolder(), 'out'),
    ]);
    expect(ended.err).toContain('wGCN cannot interpolate: its samples have no latents.');
    expect(isOneSentence(ended.err)).toBe(true);
  });
});

it.each(['ggcn-inpainting', 'ggcn-interpolation'])('%s refuses what it does not know in one sentence', async (name) => {
  const out = ['--out', join(temporaryFolder(), 'x')];
  const ended = await brownian(['reproduce', name, '--models', 'gcnn', ...out]);
  expect(ended).toMatchObject({ code: 2 });
  expect(ended.err).toContain('--models has "gcnn"; it takes pgcn');
  const clock = await brownian(['reproduce', name, '--clock', 'sun', ...out]);
  expect(clock.err).toContain('--clock is "sun"; it must be wall or cpu.');
});
