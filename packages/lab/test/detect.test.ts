import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import { csvParse } from 'd3-dsv';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Engine, nodeEngine } from '../src/engine.ts';
import { histograms } from '../src/report/detection.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { fakeEngine } from './support/fake-engine.ts';
import { digitFiles, idxFolder, temporaryFolder } from './support/files.ts';

beforeEach(() => {
  process.env['BROWNIAN_CACHE'] = temporaryFolder();
});

/** Φ is the mean value of an item: white is likely. */
const bright: Engine = {
  open: (config, itemShape) => {
    const session = fakeEngine().open(config, itemShape);
    const potential = (_: unknown, x: NDArray): Promise<NDArray> => {
      const n = x.shape[0] as number;
      const [values, size] = [float32Data(x), x.data.length / n];
      const mean = (i: number): number =>
        values.subarray(i * size, (i + 1) * size).reduce((sum, value) => sum + value / size, 0);
      return Promise.resolve(ndarray(Float32Array.from({ length: n }, (_unused, i) => mean(i))));
    };
    return { ...session, learner: { ...session.learner, potential } };
  },
};

async function runOf(engine: Engine, flags: readonly string[] = [], data?: string): Promise<string> {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const given = data ?? digitFiles(folder);
  const argv = ['train', given, '--iterations', '2', '--batch-size', '4', '--samples', '4', '--out', out];
  expect(await brownian([...argv, ...flags], engine)).toMatchObject({ code: 0 });
  return out;
}

interface Result {
  readonly separations: readonly {
    readonly name: string;
    readonly auroc: number;
    readonly falsePositivesAt95: number;
  }[];
  readonly reference: { readonly role: string; readonly name: string };
  readonly notes: readonly string[];
  readonly sets: readonly {
    readonly role: string;
    readonly items: number;
    readonly of: number;
    readonly meanPotential: number;
  }[];
}

/** A folder of grey pictures of `size` pixels; picture i has the shade i × step. */
async function shades(count: number, size: number, step: number): Promise<string> {
  const folder = join(temporaryFolder(), 'parts');
  mkdirSync(folder);
  for (let i = 0; i < count; i++)
    await sharp({
      create: { width: size, height: size, channels: 3, background: { r: i * step, g: i * step, b: i * step } },
    })
      .toColourspace('b-w')
      .png()
      .toFile(join(folder, `x${String(i).padStart(2, '0')}.png`));
  return folder;
}

async function resultOf(argv: readonly string[]): Promise<Result> {
  const ended = await brownian([...argv, '--json'], bright);
  expect(ended).toMatchObject({ code: 0, err: '' });
  return JSON.parse(ended.out) as Result;
}

function rowsOf(run: string): readonly Readonly<Record<string, string | undefined>>[] {
  return csvParse(readFileSync(join(run, 'detect', 'scores.csv'), 'utf8'));
}

describe('brownian detect', () => {
  it('tells sets apart by Φ, with a score per item, histograms and curves', async () => {
    const run = await runOf(bright);
    const [black, white] = [idxFolder(20, () => 0), idxFolder(20, () => 255)];
    const ended = await brownian(['detect', run, '--out', black, white, 'interpolated', '--n', '30'], bright);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out).toContain('AUROC');
    const folder = join(run, 'detect');
    const result = JSON.parse(readFileSync(join(folder, 'detect.json'), 'utf8')) as Result;
    expect(result.sets.map(({ role, items }) => [role, items])).toEqual([
      ['train', 30],
      ['in', 12],
      ['out', 20],
      ['out', 20],
      ['out', 12],
    ]);
    const [, dark, bright_, mixed] = result.separations;
    // Every black image is less likely than all data, every white one likelier.
    expect(dark).toMatchObject({ auroc: 1, falsePositivesAt95: 0 });
    expect(bright_).toMatchObject({ auroc: 0, falsePositivesAt95: 1 });
    expect(mixed?.name).toBe('interpolated');
    const rows = csvParse(readFileSync(join(folder, 'scores.csv'), 'utf8'));
    expect(rows).toHaveLength(30 + 12 + 20 + 20 + 12);
    expect(rows[0]?.['item']).toMatch(/: image \d+$/);
    const ofBlack = rows.filter((row) => row['set'] === black);
    expect(new Set(ofBlack.map((row) => Number(row['potential'])))).toEqual(new Set([-1]));
    // None of the twelve new images is as dark: 1/13.
    expect(new Set(ofBlack.map((row) => Number(row['p_value'])))).toEqual(new Set([1 / 13]));
    const page = readFileSync(join(folder, 'report.html'), 'utf8');
    expect(page.match(/<svg/g)?.length).toBeGreaterThanOrEqual(3);
    expect(page).toContain('Least normal');
    expect(page).not.toMatch(/undefined|NaN|\[object/);
  });

  it('names the file of each score, which is that of its own image, and says how many were left out', async () => {
    const parts = await shades(20, 8, 10);
    const run = await runOf(bright, ['--images.test-share', '0.25'], parts);
    const incoming = await shades(9, 8, 20);
    await resultOf(['detect', run, '--out', incoming, 'interpolated']);
    const rows = rowsOf(run);
    const level = (row: Readonly<Record<string, string | undefined>>): number =>
      Math.round((Number(row['potential']) + 1) * 127.5);
    for (const row of rows.filter(({ role, set }) => role !== 'out' || set === incoming)) {
      const [folder, step] = row['role'] === 'out' ? [incoming, 20] : [parts, 10];
      expect(row['item']).toBe(join(folder, `x${String(row['index']).padStart(2, '0')}.png`));
      expect(level(row)).toBe(Number(row['index']) * step);
    }
    const own = (role: string): string[] =>
      rows.filter((row) => row['role'] === role).map(({ index }) => String(index));
    // Held-out images are none of those learned from, and all of the folder are scored.
    expect([own('in').length, own('train').length]).toEqual([5, 15]);
    expect(new Set([...own('in'), ...own('train')]).size).toBe(20);
    for (const { index, item, ...row } of rows.filter(({ set }) => set === 'interpolated')) {
      const [a = NaN, b = NaN] = String(index).split('+').map(Number);
      expect(own('in')).toContain(String(a));
      expect(item).toContain(`x${String(b).padStart(2, '0')}.png`);
      expect(Number(row['potential'])).toBeCloseTo((10 * (a + b)) / 2 / 127.5 - 1, 5);
    }
    const few = await resultOf(['detect', run, '--out', incoming, '--n', '4']);
    expect(few.sets.map(({ items, of }) => [items, of])).toEqual([
      [4, 15],
      [4, 5],
      [4, 9],
    ]);
    expect(few.notes.join(' ')).toContain('4 of 9 items are scored');
    const indices = rowsOf(run).map((row) => Number(row['index']));
    for (let i = 1; i < 4; i++) expect(indices.at(8 + i)).toBeGreaterThan(indices.at(7 + i) as number);
  });

  it('compares with data learned from only where there are no others, and says so', async () => {
    const parts = await shades(20, 8, 10);
    const run = await runOf(bright, [], parts);
    const incoming = await shades(3, 8, 90);
    const alone = await brownian(['detect', run, '--out', incoming], bright);
    expect(alone).toMatchObject({ code: 0, err: '' });
    expect(alone.out).toContain('has no part that');
    expect(alone.out).toContain('--images.test-share');
    const page = readFileSync(join(run, 'detect', 'report.html'), 'utf8');
    expect(page).toContain('has no part that');
    expect(page).not.toContain('(new)');
    const result = await resultOf(['detect', run, '--out', incoming]);
    expect(result.reference).toEqual({ role: 'train', name: parts });
    expect(result.sets.map(({ role }) => role)).toEqual(['train', 'out']);
    expect(result.separations.map(({ name }) => name)).toEqual([incoming]);
    // Shades 0, 90 and 180 among 0, 10, …, 190; of the reference itself each is ranked among the others.
    const values = (role: string): number[] =>
      rowsOf(run)
        .filter((row) => row['role'] === role)
        .map((row) => Number(row['p_value']));
    expect(values('out')).toEqual([2 / 21, 11 / 21, 20 / 21]);
    expect(values('train')).toEqual(Array.from({ length: 20 }, (_, i) => (i + 1) / 20));
    // Given new ones, the same images are compared with these.
    const fresh = await resultOf(['detect', run, '--in', await shades(9, 8, 20), '--out', incoming]);
    expect(fresh.reference.role).toBe('in');
    expect(values('out')).toEqual([2 / 10, 6 / 10, 1]);
    expect(fresh.notes).toEqual([]);
  });

  it('scales other images whole, without labels, crop and range of the run, unless they are of the same make', async () => {
    const parts = await shades(12, 8, 10);
    const run = await runOf(bright, ['--images.crop', '6', '--images.test-share', '0.25'], parts);
    const small = await shades(4, 5, 20);
    const { notes } = await resultOf(['detect', run, '--out', small]);
    expect(notes.join(' ')).toContain('scaled whole');
    const refused = await brownian(['detect', run, '--out', small, '--as-run'], bright);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.err).toContain('too small for a centred square of --images.crop 6');
    expect((await resultOf(['detect', run, '--out', await shades(4, 8, 20), '--as-run'])).notes).toEqual([]);
    const plain = await runOf(bright);
    const idle = await brownian(['detect', plain, '--out', small, '--as-run'], bright);
    expect(isOneSentence(idle.err)).toBe(true);
    expect(idle.err).toContain('--as-run changes nothing');
  });

  it('does not look for the labels of the run among other images', async () => {
    const parts = await shades(8, 8, 10);
    const labels = join(temporaryFolder(), 'labels.csv');
    writeFileSync(labels, ['file,label', ...Array.from({ length: 8 }, (_, i) => `x0${i}.png,${i % 2}`)].join('\n'));
    const run = await runOf(bright, ['--images.labels', labels, '--images.test-share', '0.25'], parts);
    const others = await shades(12, 8, 20);
    expect((await resultOf(['detect', run, '--out', others])).sets.at(-1)).toMatchObject({ items: 12 });
  });

  it('shows small sets far from the others in the histograms', () => {
    const [near, far] = histograms([
      Float32Array.from({ length: 2000 }, (_, i) => 300 + i / 20),
      Float32Array.of(-45, -40, -35),
    ]);
    for (const bins of [near, far]) expect(bins?.reduce((sum, { share }) => sum + share, 0)).toBeGreaterThan(0.99);
  });

  it('names every set in its charts, each in one colour', async () => {
    const run = await runOf(bright);
    await resultOf(['detect', run, '--out', idxFolder(20, () => 0)]);
    const page = readFileSync(join(run, 'detect', 'report.html'), 'utf8');
    const [roc = '', histogram = ''] = (page.match(/<svg[\s\S]*?<\/svg>/g) ?? []).filter(
      (svg) => svg.includes('share of') || svg.includes('Φ'),
    );
    for (const label of ['(learned from)', '(new)']) expect(histogram).toContain(label);
    expect(roc).not.toContain('(new)');
    const keyOf = (svg: string): string[] => [...svg.matchAll(/fill="(#[0-9a-f]{6})"/g)].map(([, color = '']) => color);
    const lines = [...roc.matchAll(/stroke="(#[0-9a-f]{6})"/g)].map(([, color = '']) => color);
    const [train, , out] = [...new Set(keyOf(histogram))];
    expect(lines).toEqual([train, out]);
    expect(new Set(keyOf(roc))).toEqual(new Set([train, out]));
  });

  it('finds both sides unusual by typicality, and prints JSON', async () => {
    const run = await runOf(bright);
    const white = idxFolder(20, () => 255);
    const argv = ['detect', run, '--in', white, '--out', white, '--score', 'typicality', '--n', '9', '--json'];
    const { code, out } = await brownian(argv, bright);
    expect(code).toBe(0);
    const result = JSON.parse(out) as Result;
    // Training data are nearer to their own median than white images, which are all alike.
    expect(result.separations.map(({ auroc }) => auroc)).toEqual([0, 0.5]);
  });

  it('is refused in a sentence by a model without a potential, for other shapes and for words that are none', async () => {
    const run = await runOf(fakeEngine());
    const none = await brownian(['detect', run]);
    expect(none.code).toBe(1);
    expect(isOneSentence(none.err)).toBe(true);
    expect(none.err).toContain('has no potential Φ that scores a single item');
    const shape = await brownian(['detect', run, '--out', '8-gaussians'], bright);
    expect(isOneSentence(shape.err)).toBe(true);
    expect(shape.err).toContain('[2]');
    const word = await brownian(['detect', run, '--score', 'luck'], bright);
    expect(word).toMatchObject({ code: 2 });
    expect(word.err).toContain('potential, typicality');
  });

  it('scores with the potential that a descriptive and a variational model have learned', async () => {
    const flags = ['--potential.channels', '4,6', '--potential.hidden', '8'];
    const wgcn = ['--chains.buffer-size', '16', '--langevin.steps', '2', '--sampling.steps', '3'];
    const vapo = ['--model', 'vapo', '--sampling.step-size', '0.5', '--preview.particles', '2'];
    for (const own of [wgcn, vapo]) {
      const run = await runOf(nodeEngine, [...flags, ...own]);
      const ended = await brownian(['detect', run, '--out', idxFolder(5, () => 255), '--n', '12'], nodeEngine);
      expect(ended).toMatchObject({ code: 0, err: '' });
      const rows = csvParse(readFileSync(join(run, 'detect', 'scores.csv'), 'utf8'));
      const potentials = rows.map((row) => Number(row['potential']));
      expect(potentials.every(Number.isFinite)).toBe(true);
      expect(new Set(potentials).size).toBeGreaterThan(5);
    }
  });
});

describe('brownian neighbours', () => {
  it('draws samples beside the training images nearest to them', async () => {
    const run = await runOf(fakeEngine());
    const ended = await brownian(['neighbours', run, '--n', '3', '--k', '2']);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out).toContain('the nearest of 40 training images');
    const rows = csvParse(readFileSync(join(run, 'neighbours', 'neighbours.csv'), 'utf8'));
    expect(rows.map((row) => [row['sample'], row['rank']])).toEqual(
      [0, 1, 2].flatMap((sample) => [1, 2].map((rank) => [String(sample), String(rank)])),
    );
    expect(Number(rows[1]?.['distance'])).toBeGreaterThanOrEqual(Number(rows[0]?.['distance']));
    expect(
      readFileSync(join(run, 'neighbours', 'neighbours.png'))
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });
});
