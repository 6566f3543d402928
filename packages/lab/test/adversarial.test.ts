import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODELS, type ModelName } from 'brownian';
import { describe, expect, it } from 'vitest';
import { FIELDS, flagOf } from '../src/config/fields.ts';
import { FLAG_ALIASES } from '../src/config/schema.ts';
import { resolveConfig } from '../src/config/settings.ts';
import type { SymptomKind } from '../src/divergence.ts';
import { nodeEngine } from '../src/engine.ts';
import { METRIC_GUIDE } from '../src/metric-guide.ts';
import { remediesFor } from '../src/remedies/remedies.ts';
import { readMetrics } from '../src/runs/database.ts';
import { runFiles } from '../src/runs/run.ts';
import { readScores } from '../src/runs/scores.ts';
import { brownian } from './support/command.ts';
import { idxBytes, temporaryFolder, tinyImages } from './support/files.ts';

type Adversarial = ModelName<'adversarial'>;

const OF_POINTS: readonly Adversarial[] = ['eieg', 'eieg-gan', 'gan', 'wgan', 'wgan-gp', 'mmd-gan'];

async function trained(data: string, model: string, ...flags: readonly string[]): Promise<string> {
  const out = join(temporaryFolder(), 'run');
  const argv = ['train', data, '--model', model, '--out', out, '--iterations', '6', '--samples', '20', ...flags];
  expect(await brownian(argv, nodeEngine)).toMatchObject({ code: 0, err: '' });
  return out;
}

/** What only the explanation of each model says. */
const WORDS: Readonly<Record<Adversarial, string>> = {
  eieg: 'repelled by all other generated ones',
  'eieg-gan': 'elastic discriminator',
  gan: 'discriminator',
  dcgan: 'discriminator',
  wgan: 'Wasserstein distance',
  'wgan-gp': 'a penalty of weight 10',
  'mmd-gan': 'maximum mean',
};

describe.each(OF_POINTS)('brownian train 25-gaussians --model %s', (model) => {
  it('makes a report that explains it, with its own curves, and samples', async () => {
    const out = await trained('25-gaussians', model);
    const page = readFileSync(runFiles(out).report, 'utf8').replaceAll(/\s+/g, ' ');
    expect(page).toContain(WORDS[model]);
    expect(page).toContain('generator');
    expect(page).not.toContain('Langevin');
    expect(page).toContain('<figcaption');
    expect(page).toContain('random numbers of its own');
    expect(page).toContain('Losses');
    expect(page).not.toMatch(/undefined|\[object/);
    const known = new Set(METRIC_GUIDE.map(({ name }) => name));
    const rows = readMetrics(runFiles(out).database);
    expect(rows).toHaveLength(6);
    for (const { metrics } of rows) expect(Object.keys(metrics).filter((name) => !known.has(name))).toEqual([]);
    const sampled = await brownian(['sample', out, '--n', '300', '--out', join(out, 'x.npy')], nodeEngine);
    expect(sampled).toMatchObject({ code: 0, err: '' });
  });
});

// A cosine is as long as the run was meant to be.
const CONSTANT = ['--optimizer.schedule', 'constant'];

it('goes on bit for bit, and is evaluated', async () => {
  const [whole, halved] = [
    await trained('8-gaussians', 'eieg-gan', ...CONSTANT),
    await trained('8-gaussians', 'eieg-gan', ...CONSTANT, '--iterations', '3'),
  ];
  expect((await brownian(['resume', halved, '--iterations', '6'], nodeEngine)).code).toBe(0);
  const samples = async (run: string): Promise<Buffer> => {
    const file = join(run, 'x.npy');
    expect((await brownian(['sample', run, '--n', '9', '--out', file], nodeEngine)).code).toBe(0);
    return readFileSync(file);
  };
  expect((await samples(halved)).equals(await samples(whole))).toBe(true);
  const scored = await brownian(['evaluate', whole, '--samples', '200', '--reference', '200'], nodeEngine);
  expect(scored).toMatchObject({ code: 0, err: '' });
  expect((await readScores(whole)).map(({ name }) => name)).toContain('Modes covered');
});

it.each(['eieg', 'eieg-gan', 'gan', 'wgan-gp'])(
  '%s learns images whose sides do not halve, fully connected',
  async (model) => {
    const out = await trained(tinyImages(temporaryFolder()), model, '--generator.widths', '8');
    expect(readFileSync(runFiles(out).report, 'utf8')).toContain('an image at once');
  },
);

it.each(['dcgan', 'eieg-gan'])('%s learns images by convolutions', async (model) => {
  const folder = temporaryFolder();
  const file = join(folder, 'images-idx3-ubyte');
  writeFileSync(
    file,
    idxBytes([30, 8, 8], (i) => (i * 37) % 256),
  );
  const narrow = ['--generator.widths', '4', '--discriminator.widths', '4'];
  const page = readFileSync(runFiles(await trained(file, model, ...narrow)).report, 'utf8');
  expect(page).toContain('Spread of features');
});

describe('remedies of adversarial models', () => {
  const KINDS: readonly SymptomKind[] = [
    'not finite',
    'exploding gradient',
    'exploding force',
    'exploding potential',
    'collapsed potential',
    'scattered particles',
    'collapsed particles',
  ];

  it.each(OF_POINTS)('%s: there is always something to try, by flags that exist', (model) => {
    const data = { itemShape: [2], size: 1000 };
    const config = resolveConfig({ data: 'x', model }, data);
    for (const kind of KINDS) {
      const found = remediesFor({ kind, seen: '' }, config);
      expect(found.length).toBeGreaterThan(0);
      for (const remedy of found) {
        const [, flag = '', value = ''] = /^--([a-z.-]+) (\S+)$/.exec(remedy) ?? [];
        const known = [...FIELDS.map(flagOf), ...Object.values(FLAG_ALIASES).map((alias) => `--${alias}`)];
        expect(known).toContain(`--${flag}`);
        expect(flag === 'model' ? Object.keys(MODELS) : [value]).toContain(value);
      }
    }
  });

  it('puts back what was left out', () => {
    const data = { itemShape: [2], size: 1000 };
    const bare = resolveConfig({ data: 'x', model: 'eieg', loss: { selfInteraction: false } }, data);
    expect(remediesFor({ kind: 'collapsed particles', seen: '' }, bare)[0]).toBe('--loss.self-interaction true');
    const unstable = resolveConfig({ data: 'x', model: 'eieg-gan', loss: { stabiliserWeight: 0 } }, data);
    expect(remediesFor({ kind: 'collapsed particles', seen: '' }, unstable)[0]).toBe('--loss.stabiliser-weight 1');
  });
});
