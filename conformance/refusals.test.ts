import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ndarray } from '@brownian/graph';
import { afterAll, describe, expect, test } from 'vitest';
import { checkFile } from './check.ts';
import { relativeError } from './reference.ts';

const folder = mkdtempSync(join(tmpdir(), 'brownian-golden-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface File {
  spec: Record<string, unknown>;
  inputs: Record<string, { shape: number[]; data: unknown[] }>;
  expected: Record<string, { shape: number[]; data: unknown[] }>;
}

/** Checks a reference file of ours with a change. */
async function changed(name: string, change: (file: File) => void): ReturnType<typeof checkFile> {
  const file = JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8')) as File;
  change(file);
  const path = join(folder, 'changed.json');
  writeFileSync(path, JSON.stringify(file));
  return checkFile(path);
}

const withSpec = (name: string, spec: Record<string, unknown>): ReturnType<typeof checkFile> =>
  changed(name, (file) => Object.assign(file.spec, spec));

/** One file of each kind. */
const KINDS = [
  'batch-norm',
  'conv2d-0',
  'conv-transpose2d-0',
  'gcn-iteration',
  'ggcn-amortised',
  'optimizers',
  'metrics',
  'eieg-metric-d2-m1.0',
  'eieg-gan-losses',
  'ode',
  'vapo-loss',
];

describe('what a file says', () => {
  test.each(KINDS)('%s refuses a field and an input that it does not know', async (name) => {
    await expect(withSpec(name, { swirl: 1 })).rejects.toThrow(/spec\.swirl is not known for .*; known are/);
    const one = { shape: [], data: [1] };
    await expect(changed(name, ({ inputs }) => Object.assign(inputs, { swirl: one }))).rejects.toThrow(
      /inputs\.swirl is not known for .*; known are/,
    );
  });

  test.each(KINDS)('%s refuses an expected tensor that it does not compute', async (name) => {
    const one = { shape: [], data: [1] };
    await expect(changed(name, ({ expected }) => Object.assign(expected, { swirl: one }))).rejects.toThrow(
      /expected\.swirl is not (computed here; computed|known; known) are/,
    );
  });

  test.each([
    ['conv2d-0', { groups: 2 }, 'spec.groups is 2; it takes 1'],
    ['conv2d-0', { padding: 'same' }, 'spec.padding is "same"; it takes a number, [height, width] or'],
    ['eieg-metric-d2-m1.0', { attraction: '100' }, 'spec.attraction is "100"; it takes a number'],
    ['eieg-gan-losses', { stabiliserKernel: 'cubic' }, 'it takes "elastic" or "truncated" or "gaussian"'],
    ['gcn-iteration', { learned: ['theta', 'w3'] }, 'it takes a list of theta, w1, b1, w2, b2'],
    ['gcn-iteration', { activation: 'leakyRelu(steep)' }, 'silu, softplus, tanh or leakyRelu(slope)'],
    ['gcn-iteration', { langevinSteps: 4 }, 'inputs.noise is [3, 3, 2, 8, 8]; 4 steps of the particles take'],
    ['ggcn-amortised', { learning: 'both' }, 'it takes "reconstruction" or "amortised"'],
    ['ggcn-amortised', { embedding: 3 }, 'inputs.embedding is [3, 2]; the spec says [3, 3]'],
    ['vapo-loss', { estimator: 'score' }, 'it takes "covariance" or "stein"'],
    ['vapo-loss', { estimator: 'stein', centring: 'batch' }, 'spec.centring "batch" is for'],
    ['vapo-loss', { omega: 1 }, 'spec.priorStd and spec.omega are the same'],
    ['metrics-sets', { bandwidths: [1] }, 'spec.bandwidth and spec.bandwidths are the same'],
    ['ode', { solver: 'rk5' }, '"rk4"'],
  ])('%s with %j is refused', async (name, spec, message) => {
    await expect(withSpec(name, spec)).rejects.toThrow(message);
  });

  test('a penalty on speeds needs gamma', async () => {
    await expect(changed('wgcn-iteration', ({ spec }) => delete spec['gamma'])).rejects.toThrow('spec.gamma');
  });

  test('a score without its setting says which', async () => {
    await expect(changed('metrics-sets', ({ spec }) => delete spec['bandwidth'])).rejects.toThrow(
      'expected.mmd needs spec.bandwidth',
    );
  });

  test('hidden rows without a rate are not learned', async () => {
    await expect(changed('ggcn-amortised', ({ spec }) => delete spec['hiddenRate'])).rejects.toThrow(
      'expected.new_zeta is not computed here',
    );
  });

  test('a layer behind a gap is refused', async () => {
    await expect(changed('vapo-loss', ({ inputs }) => delete inputs['a2'])).rejects.toThrow('inputs.c2 is not known');
  });

  test('a file that expects nothing, or holds null for NaN, is refused', async () => {
    await expect(changed('ode', (file) => (file.expected = {}))).rejects.toThrow('expected has no tensors');
    const lost = { shape: [3], data: [1, null, 2] };
    await expect(changed('ode', ({ inputs }) => Object.assign(inputs, { y0: lost }))).rejects.toThrow(
      'inputs.y0 must have finite numbers only',
    );
  });
});

describe('what a file leaves out', () => {
  test.each([
    ['batch-norm', ['eps']],
    ['conv2d-4', ['stride', 'padding']],
    ['conv-transpose2d-1', ['stride', 'padding', 'outputPadding']],
    ['eieg-gan-losses', ['stabiliserCutoff', 'stabiliserWeight']],
    ['pgcn-iteration', ['beta', 'gamma']],
    ['vapo-loss', ['priorStd', 'eta']],
    ['ggcn-amortised', ['embedding']],
  ])('%s passes without %j', async (name, fields) => {
    const { tensors } = await changed(name, ({ spec }) => fields.forEach((field) => delete spec[field]));
    expect(tensors.filter(({ passed }) => !passed)).toEqual([]);
  });
});

describe('what a file sets', () => {
  test.each([
    ['conv2d-0', { padding: 2, dilation: 2 }, 'y'],
    ['eieg-metric-d2-m1.0', { attraction: 100, repulsion: 50 }, 'velocity'],
    ['vapo-loss', { estimator: 'stein' }, 'grad_a1'],
    ['vapo-loss', { activation: 'silu' }, 'loss'],
    ['gcn-iteration', { reference: false, temperature: 0 }, 'particles'],
    ['gcn-iteration', { noise: false }, 'particles'],
    ['gcn-iteration', { activation: 'softplus' }, 'speed'],
    ['ggcn-amortised', { activation: 'relu' }, 'new_g1'],
  ])('%s with %j has other values of %s', async (name, spec, tensor) => {
    const { tensors } = await withSpec(name, spec);
    expect(tensors.find((check) => check.name === tensor)?.passed).toBe(false);
  });

  test('weights are learned one by one', async () => {
    const { tensors } = await changed('gcn-iteration', ({ spec, expected }) => {
      spec['learned'] = ['b2', 'w1'];
      for (const name of ['new_theta', 'new_b1', 'new_w2']) delete expected[name];
    });
    expect(tensors.map(({ name, passed }) => [name, passed])).toContainEqual(['new_w1', true]);
    expect(tensors.filter(({ passed }) => !passed)).toEqual([]);
    await expect(withSpec('gcn-iteration', { learned: ['theta', 'w2', 'b2'] })).rejects.toThrow(
      /expected\.new_w1 is not computed here/,
    );
  });
});

describe('relativeError', () => {
  const values = [1, 2, 3, 4, 5, 6];

  test('is infinite where shapes differ, whatever the values', async () => {
    expect(relativeError(ndarray(values, [2, 3]), ndarray(values, [2, 3]), 0)).toBe(0);
    expect(relativeError(ndarray(values, [2, 3]), ndarray(values, [3, 2]), 0)).toBe(Infinity);
    expect(relativeError(ndarray(values, [2, 3]), ndarray(values, [6]), 0)).toBe(Infinity);
    const { tensors } = await changed('batch-norm', ({ expected }) =>
      Object.assign(expected, { y: { shape: [15, 16], data: expected['y']?.data } }),
    );
    expect(tensors.filter(({ passed }) => !passed)).toEqual([{ name: 'y', error: Infinity, passed: false }]);
  });

  test('takes [1] for one number', () => {
    expect(relativeError(ndarray([2], []), ndarray([2], [1]), 0)).toBe(0);
    expect(relativeError(ndarray([2], [1]), ndarray([2], []), 0)).toBe(0);
    expect(relativeError(ndarray([2], []), ndarray([2], [1, 1]), 0)).toBe(Infinity);
  });
});
