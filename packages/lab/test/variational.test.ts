import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WIDE_RESNETS } from 'brownian';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FIELDS, flagOf } from '../src/config/fields.ts';
import type { RunConfigOf } from '../src/config/run-config.ts';
import { FLAG_ALIASES } from '../src/config/schema.ts';
import { resolveConfig } from '../src/config/settings.ts';
import { RULES } from '../src/divergence.ts';
import { nodeEngine } from '../src/engine.ts';
import { METRIC_GUIDE } from '../src/metric-guide.ts';
import { remediesFor } from '../src/remedies/remedies.ts';
import { readMetrics } from '../src/runs/database.ts';
import { openRun, runFiles } from '../src/runs/run.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { digitFiles, temporaryFolder } from './support/files.ts';

beforeEach(() => {
  process.env['BROWNIAN_CACHE'] = temporaryFolder();
});

// One thread: two spin for each other's work where the processor is shared.
const SMALL = ['--threads', '1', '--potential.channels', '8,8', '--preview.particles', '20', '--batch-size', '16'];

async function trained(data: string, ...flags: readonly string[]): Promise<string> {
  const out = join(temporaryFolder(), 'run');
  const argv = ['train', data, '--model', 'vapo', '--out', out, '--iterations', '6', '--samples', '20', ...SMALL];
  expect(await brownian([...argv, ...flags], nodeEngine)).toMatchObject({ code: 0, err: '' });
  return out;
}

// Each trains, samples, scores and writes reports of whole runs.
vi.setConfig({ testTimeout: 120_000 });

describe('brownian train 8-gaussians --model vapo', () => {
  it('makes a report that explains it, with its curves, its potential and the way of its particles', async () => {
    const out = await trained('8-gaussians');
    const page = readFileSync(runFiles(out).report, 'utf8').replaceAll(/\s+/g, ' ');
    expect(page).toContain('flow uphill on Φ');
    expect(page).toContain('hundredths of the clock s');
    expect(page).not.toContain('Langevin steps');
    expect(page).toContain('<h2>The potential</h2>');
    expect(page).toContain('Squared speed of the flow');
    expect(page).not.toMatch(/undefined|\[object/);
    expect(readFileSync(runFiles(out).landscape, 'utf8')).toMatch(/^<svg[\s\S]*<path[\s\S]*<circle/);
    const known = new Set(METRIC_GUIDE.map(({ name }) => name));
    const rows = readMetrics(runFiles(out).database);
    expect(rows).toHaveLength(6);
    for (const { metrics } of rows) expect(Object.keys(metrics).filter((name) => !known.has(name))).toEqual([]);
  });

  it('is sampled by the solver, tolerance and end that are asked for, and says what it took', async () => {
    const out = await trained('8-gaussians');
    const took = async (...flags: string[]): Promise<number[]> => {
      const ended = await brownian(['sample', out, '--n', '50', '--out', join(out, 'x.png'), ...flags], nodeEngine);
      expect(ended).toMatchObject({ code: 0, err: '' });
      const [, evaluations, accepted] = /by (\d+) evaluations of ∇Φ in (\d+) steps/.exec(ended.out) ?? [];
      return [Number(evaluations), Number(accepted)];
    };
    expect(await took('--solver', 'euler', '--step-size', '0.1', '--t-end', '1.5')).toEqual([15, 15]);
    expect(await took('--solver', 'rk4', '--step-size', '0.25', '--t-end', '1')).toEqual([16, 4]);
    const [loose = 0] = await took('--solver', 'dopri5', '--rtol', '1e-1', '--t-end', '1.5');
    const [tight = 0] = await took('--solver', 'dopri5', '--rtol', '1e-6', '--atol', '1e-6', '--t-end', '1.5');
    expect(tight).toBeGreaterThan(loose);
    for (const [flags, words] of [
      [['--rtol', '0'], '--rtol is 0'],
      [['--step-size', '0.5', '--rtol', '1e-6'], '--rtol is given, and --step-size is 0.5'],
      [['--step-size', '0.5', '--max-steps', '3'], '--max-steps is given'],
    ] as const) {
      const wrong = await brownian(['sample', out, ...flags], nodeEngine);
      expect(isOneSentence(wrong.err)).toBe(true);
      expect(wrong.err).toContain(words);
    }
  });

  it('gives a draw up after the steps it is allowed, in a sentence that names the flags, and shows how far draws come', async () => {
    const out = await trained('8-gaussians');
    const argv = ['sample', out, '--n', '50', '--out', join(out, 'x.png')];
    const ended = await brownian([...argv, '--rtol', '1e-9', '--atol', '1e-9', '--max-steps', '3'], nodeEngine);
    expect(ended.code).toBe(1);
    expect(isOneSentence(ended.err)).toBe(true);
    expect(ended.err).toContain('after 3 steps');
    expect(ended.err).toContain('--max-steps');
    expect(ended.err).not.toContain('--debug');
    const drawn = await brownian([...argv, '--solver', 'rk4', '--step-size', '0.25', '--t-end', '1'], nodeEngine);
    // Four steps of as many quarters.
    expect(drawn.out.match(/drawing: \d+\/50 samples/g)).toEqual(
      ['13', '25', '38', '50'].map((done) => `drawing: ${done}/50 samples`),
    );
  });

  it('is finished when only its samples cannot be drawn, and its report says so', async () => {
    const out = await trained('8-gaussians', '--sampling.max-steps', '2');
    const { record } = await openRun(out);
    expect(record.status).toBe('finished');
    expect(record.message).toContain('--max-steps');
    const page = (): string => readFileSync(runFiles(out).report, 'utf8');
    expect(page()).toContain('not all of its samples could be drawn');
    expect(page()).toContain('after 2 steps');
    expect(existsSync(runFiles(out).finalGrid)).toBe(false);
    // More steps draw them after all: by hand, and when the run goes on.
    expect(await brownian(['sample', out, '--n', '5', '--max-steps', '500'], nodeEngine)).toMatchObject({ code: 0 });
    const more = ['resume', out, '--iterations', '7', '--sampling.max-steps', '500'];
    expect(await brownian(more, nodeEngine)).toMatchObject({ code: 0, err: '' });
    expect((await openRun(out)).record).toMatchObject({ status: 'finished', message: null });
    expect(existsSync(runFiles(out).finalGrid)).toBe(true);
    expect(page()).not.toContain('could not be drawn');
  });

  it('of before a limit of steps is sampled and goes on as ever', async () => {
    const out = await trained('8-gaussians');
    const { sampling, ...config } = JSON.parse(
      readFileSync(runFiles(out).config, 'utf8'),
    ) as RunConfigOf<'variational'>;
    const { maxSteps, ...before } = sampling;
    expect(maxSteps).toBe(500);
    writeFileSync(runFiles(out).config, JSON.stringify({ ...config, sampling: before }));
    expect(await brownian(['sample', out, '--n', '5'], nodeEngine)).toMatchObject({ code: 0, err: '' });
    expect(await brownian(['resume', out, '--iterations', '7'], nodeEngine)).toMatchObject({ code: 0, err: '' });
  });

  it('goes on bit for bit', async () => {
    const [whole, halved] = [await trained('8-gaussians'), await trained('8-gaussians', '--iterations', '3')];
    // The cosine is as long as the run that was planned, so the halved one is given the other's.
    const long = await trained('8-gaussians', '--iterations', '3', '--optimizer.decay-iterations', '6');
    expect((await brownian(['resume', long, '--iterations', '6'], nodeEngine)).code).toBe(0);
    const metrics = (run: string): unknown => readMetrics(runFiles(run).database).map((row) => row.metrics);
    expect(metrics(long)).toEqual(metrics(whole));
    expect(metrics(halved)).not.toEqual((metrics(whole) as unknown[]).slice(0, 3));
  });
});

it('learns images, by convolutions and by a wide residual net, and draws no landscape', async () => {
  const data = digitFiles(temporaryFolder());
  for (const flags of [
    ['--potential.hidden', '8'],
    [
      '--potential.net',
      'wide-resnet',
      '--potential.blocks',
      '1',
      '--potential.hidden',
      '0',
      '--potential.clock',
      'true',
    ],
  ]) {
    const out = await trained(data, ...flags);
    expect(existsSync(runFiles(out).finalGrid)).toBe(true);
    expect(existsSync(runFiles(out).landscape)).toBe(false);
    expect(readFileSync(runFiles(out).report, 'utf8')).not.toContain('<h2>The potential</h2>');
  }
});

describe('options of vapo', () => {
  it.each([
    [[1, 28, 28], WIDE_RESNETS[28]],
    [[3, 32, 32], WIDE_RESNETS[32]],
    [[3, 64, 64], WIDE_RESNETS[64]],
  ])(
    '--potential.net wide-resnet on items of %j is the net of that size, with the mean as its end',
    (itemShape, net) => {
      const data = { itemShape, size: 1000 };
      const resolved = (potential: object): object =>
        (resolveConfig({ data: 'x', model: 'vapo', potential }, data) as RunConfigOf<'variational'>).potential;
      const wide = { channels: net.widths, blocks: net.blocks, hidden: 0, kernels: [], activation: 'gelu' };
      expect(resolved({ net: 'wide-resnet' })).toMatchObject(wide);
      expect(resolved({ net: 'wide-resnet', channels: [8, 16], hidden: 7 })).toMatchObject({
        ...wide,
        channels: [8, 16],
        hidden: 7,
      });
      expect(resolved({ net: 'conv' })).toMatchObject({ channels: [32, 64, 128], kernels: [5, 4], hidden: 256 });
    },
  );

  it.each([
    [['--langevin.steps', '3'], '--langevin.steps is an option of'],
    [['--potential.net', 'vgg'], 'one of mlp, conv, wide-resnet'],
    [['--potential.net', 'conv'], 'takes images'],
    [['--potential.channels', 'none'], '--potential.channels is empty'],
    [['--optimizer.weight-clip', '1'], '--optimizer.weight-clip'],
    [['--potential.kernels', '9'], '--potential.kernels is given, and --potential.net mlp'],
    [['--potential.hidden', '9'], '--potential.hidden is given'],
    [['--potential.blocks', '1'], '--potential.blocks is given, and --potential.net mlp does not read it'],
    [['--sampling.step-size', '0.5', '--sampling.rtol', '1e-6'], '--sampling.rtol is given, and --sampling.step-size'],
    [['--sampling.step-size', '0.5', '--sampling.atol', '1e-6'], '--sampling.atol is given'],
    [['--sampling.step-size', '0.5', '--sampling.max-steps', '9'], '--sampling.max-steps is given'],
    [['--sampling.step-size', '1e-5'], 'more than 10000 steps'],
  ])('%j are refused in a sentence', async (flags, words) => {
    const ended = await brownian(['train', '8-gaussians', '--model', 'vapo', ...flags]);
    expect(ended.code).not.toBe(0);
    expect(isOneSentence(ended.err)).toBe(true);
    expect(ended.err).toContain(words);
  });

  it.each([
    [
      { net: 'wide-resnet', activation: 'relu' },
      '--potential.activation is given, and --potential.net wide-resnet does not read it',
    ],
    [
      { net: 'wide-resnet', kernels: [9] },
      '--potential.kernels is given, and --potential.net wide-resnet does not read it',
    ],
    [{ net: 'conv', blocks: 3 }, '--potential.blocks is given, and --potential.net conv does not read it'],
  ])('a potential of %j is refused on images, and what a run that goes on has is not', (potential, words) => {
    const data = { itemShape: [1, 28, 28], size: 1000 };
    const settings = { data: 'x', model: 'vapo', potential };
    expect(() => resolveConfig(settings, data)).toThrow(words);
    const { net } = potential;
    const run = resolveConfig({ ...settings, potential: { net } }, data) as RunConfigOf<'variational'>;
    const old: RunConfigOf<'variational'> = { ...run, potential: { ...run.potential, ...potential } as never };
    expect(resolveConfig({ ...old, iterations: 9 }, data, old)).toMatchObject({ potential, iterations: 9 });
    // As it stands in the run's folder.
    expect(resolveConfig({ ...run }, data)).toEqual(run);
  });

  it('there is always something to try when it diverges, by flags that exist', () => {
    const config = resolveConfig({ data: 'x', model: 'vapo' }, { itemShape: [2], size: 1000 });
    const known = [...FIELDS.map(flagOf), ...Object.values(FLAG_ALIASES).map((alias) => `--${alias}`)];
    for (const { kind } of [...RULES, { kind: 'not finite' as const }]) {
      const found = remediesFor({ kind, seen: '' }, config);
      expect(found.length).toBeGreaterThan(0);
      for (const remedy of found) expect(known).toContain(remedy.split(' ')[0]);
    }
  });
});
