import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ndarray } from '@brownian/graph';
import sharp from 'sharp';
import { describe, expect, it, vi } from 'vitest';
import { spreadIndices } from '../src/data/spread.ts';
import { filmWebp } from '../src/images/film.ts';
import { dataPlace } from '../src/reproduce/found.ts';
import { medianOfLast, stabilityOf } from '../src/reproduce/measures.ts';
import type { Cell } from '../src/reproduce/experiment.ts';
import { cellKey, prepareFolder, readResults, writeResult } from '../src/reproduce/store.ts';
import { parseFlow } from '../src/reproduce/descriptive.ts';
import { spreadText } from '../src/reproduce/text.ts';
import { temporaryFolder } from './support/files.ts';

describe('measures of stability', () => {
  const steady = Array.from({ length: 30 }, () => 6);
  const of = (distances: (number | null)[], potential: number, stopped = ''): unknown =>
    stabilityOf({
      curves: { responseDistance: distances, potentialParticles: distances.map(() => potential) },
      stopped,
    });

  it('take the last R and the worst of the last twenty iterations', () => {
    expect(of([50, ...steady.slice(1, 15), 11, ...steady.slice(1, 10), 7], 3)).toEqual({
      finalDistance: 7,
      worstDistance: 11,
      meanDistance: (9 * 6 + 11 + 9 * 6 + 7) / 20,
      leastDistance: 6,
      meanPotential: 3,
      collapsed: 0,
    });
  });

  it.each([
    ['mean Φ below 0', [...steady], -1, ''],
    ['R above twice its least value', [...steady, 12.1], 1, ''],
    ['an R that is not finite', [...steady, null, 6], 1, ''],
    ['a run that broke off', [...steady], 1, 'not finite in iteration 31'],
  ])('call a run collapsed with %s', (_, distances, potential, stopped) => {
    expect(of(distances, potential, stopped)).toMatchObject({ collapsed: 1 });
  });
});

it('a table over seeds has means and sample standard deviations, and no number where a run has none', () => {
  // Of 2, 4 and 6: mean 4, variance (4 + 0 + 4) / 2.
  expect(spreadText([2, 4, 6])).toBe('4.00 ± 2.00');
  expect([spreadText([3]), spreadText([]), spreadText([2, null])]).toEqual(['3.00', '–', '–']);
  expect(medianOfLast([99, ...Array.from({ length: 20 }, (_, i) => i)])).toBe(9.5);
  expect([medianOfLast([1, null]), medianOfLast([]), medianOfLast(undefined)]).toEqual([null, null, null]);
});

it('data beside the checkout are the folder, or the one archive in it', () => {
  const root = temporaryFolder();
  mkdirSync(join(root, 'data', 'pile'), { recursive: true });
  writeFileSync(join(root, 'data', 'pile', 'a.png'), '');
  const old = process.cwd();
  vi.stubEnv('BROWNIAN_CACHE', root);
  try {
    process.chdir(root);
    expect(dataPlace(null, 'celeba', 'pile').endsWith(join('data', 'pile'))).toBe(true);
    writeFileSync(join(root, 'data', 'pile', 'all.tar.gz'), '');
    expect(dataPlace(null, 'celeba', 'pile').endsWith(join('data', 'pile', 'all.tar.gz'))).toBe(true);
    writeFileSync(join(root, 'data', 'pile', 'more.zip'), '');
    expect(dataPlace(null, 'celeba', 'pile').endsWith(join('data', 'pile'))).toBe(true);
    expect(dataPlace('given', 'celeba', 'pile')).toBe('given');
    expect(dataPlace(null, 'celeba', 'no such folder')).toBe('celeba');
  } finally {
    process.chdir(old);
    vi.unstubAllEnvs();
  }
});

it('cells with much to say have names that a file system takes, each its own', async () => {
  const folder = temporaryFolder();
  await prepareFolder(folder);
  const cells = ['1', '2'].map((end) => ({
    settings: { model: 'vapo', settings: `${'potential.net=mlp '.repeat(30)}${end}` },
  }));
  const pictures = [{ name: 'samples', format: 'png' as const, bytes: new Uint8Array(1) }];
  const facts = { seconds: 1, ended: '2026-01-01T00:00:00.000Z', machine: 'any' };
  for (const [value, cell] of cells.entries())
    await writeResult(folder, cell, { measures: { value }, curves: {}, note: '', pictures }, facts);
  const results = await readResults(folder);
  expect(cells.map((cell) => results.get(cellKey(cell))?.measures)).toEqual([{ value: 0 }, { value: 1 }]);
  expect(cellKey(cells[0] as Cell)).toMatch(/^model-vapo_settings-potential\.net_mlp_.*-[0-9a-f]{16}$/);
});

it('indices that are spread over a set are in order, from all of it, and no more than there are', () => {
  expect(spreadIndices(10, 4)).toEqual([0, 2, 5, 7]);
  expect(spreadIndices(3, 5)).toEqual([0, 1, 2]);
  expect(spreadIndices(0, 5)).toEqual([]);
});

it('flows are named by kind, β and solver steps', () => {
  expect(['kl', 'jko', 'implicit', 'implicit/5', 'jko-60', 'implicit-3e4', 'implicit-300/8'].map(parseFlow)).toEqual([
    { beta: 0, solverSteps: 0 },
    { beta: null, solverSteps: 0 },
    { beta: null, solverSteps: 3 },
    { beta: null, solverSteps: 5 },
    { beta: 60, solverSteps: 0 },
    { beta: 30_000, solverSteps: 3 },
    { beta: 300, solverSteps: 8 },
  ]);
  for (const wrong of ['jko-60/3', 'jko/3', 'implicit-300/0', 'jko-0', 'jko-', 'kl-3', 'jko-1e999'])
    expect(() => parseFlow(wrong)).toThrow(`--flows has "${wrong}"`);
});

it('a film has a page per frame and stays on the last', async () => {
  const frame = (value: number): ReturnType<typeof ndarray> =>
    ndarray(new Float32Array(2 * 3 * 4 * 4).fill(value), [2, 3, 4, 4]);
  const film = await filmWebp([frame(-1), frame(0), frame(1)], { columns: 2, scale: 2, gap: 0, delay: 50 });
  const { format, pages, delay, width, pageHeight } = await sharp(film, { animated: true }).metadata();
  expect({ format, pages, delay, width, pageHeight }).toEqual({
    format: 'webp',
    pages: 3,
    delay: [50, 50, 500],
    width: 16,
    pageHeight: 8,
  });
});
