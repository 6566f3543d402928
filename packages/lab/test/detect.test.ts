import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import { csvParse } from 'd3-dsv';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Engine, nodeEngine } from '../src/engine.ts';
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

async function runOf(engine: Engine, flags: readonly string[] = []): Promise<string> {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const argv = ['train', digitFiles(folder), '--iterations', '2', '--batch-size', '4', '--samples', '4', '--out', out];
  expect(await brownian([...argv, ...flags], engine)).toMatchObject({ code: 0 });
  return out;
}

interface Result {
  readonly separations: readonly {
    readonly name: string;
    readonly auroc: number;
    readonly falsePositivesAt95: number;
  }[];
  readonly sets: readonly { readonly role: string; readonly items: number; readonly meanPotential: number }[];
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
    const ofBlack = rows.filter((row) => row['set'] === black);
    expect(new Set(ofBlack.map((row) => Number(row['potential'])))).toEqual(new Set([-1]));
    // None of the twelve new images is as dark: 1/13.
    expect(new Set(ofBlack.map((row) => Number(row['p_value'])))).toEqual(new Set([1 / 13]));
    const page = readFileSync(join(folder, 'report.html'), 'utf8');
    expect(page.match(/<svg/g)?.length).toBeGreaterThanOrEqual(3);
    expect(page).toContain('Least normal');
    expect(page).not.toMatch(/undefined|NaN|\[object/);
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
    expect(none.err).toContain('has no potential');
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
