import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Tensor, toOnnx, trace } from '@brownian/graph';
import { beforeEach, describe, expect, it } from 'vitest';
import { runFiles } from '../src/runs/run.ts';
import { type Score, addScores, readScores, writeScores } from '../src/runs/scores.ts';
import { METRICS } from '../src/scoring/metric-table.ts';
import { scoreLines } from '../src/scoring/table.ts';
import { lineTask } from '../src/task-progress.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { idxBytes, temporaryFolder } from './support/files.ts';
import { PROVENANCE } from './support/scores.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

/** A trained run of the fake engine on points. */
async function toyRun(): Promise<string> {
  const out = join(folder, 'run');
  const ended = await brownian(['train', '8-gaussians', '--iterations', '2', '--out', out, '--seed', '5']);
  expect(ended.code).toBe(0);
  return out;
}

/** A folder of unlabelled images of 12×12 pixels. */
function images(name: string, n: number, value: (i: number) => number): string {
  const path = join(folder, name);
  writeFileSync(path, idxBytes([n, 12, 12], value));
  return path;
}

const json = (out: string): { readonly samples: string; readonly scores: readonly Score[] } =>
  JSON.parse(out) as { samples: string; scores: Score[] };

describe('brownian evaluate of a run', () => {
  it('scores what suits the data, keeps the scores with all they were measured with, and renews the report', async () => {
    const run = await toyRun();
    const ended = await brownian(['evaluate', run, '--samples', '300', '--reference', '400']);
    expect(ended).toMatchObject({ code: 0, err: '' });
    const scores = await readScores(run);
    expect(scores.map(({ name }) => name)).toEqual([
      'Sliced Wasserstein-2',
      'MMD²',
      'EIEG metric',
      'EIEG p-value',
      'Modes covered',
      'High-quality share',
    ]);
    expect(scores[0]?.provenance).toEqual({
      metric: 'sw',
      network: { name: 'the values themselves', hash: 'none' },
      samples: 300,
      reference: { data: '8-gaussians', split: 'test', items: 400 },
      seed: 5,
    });
    expect(scores[4]?.provenance.network).toBeNull();
    for (const { name, value } of scores) {
      expect(ended.out).toContain(name);
      expect(value).toBeGreaterThanOrEqual(0);
    }
    expect(readFileSync(runFiles(run).report, 'utf8')).toContain('against 400 items of 8-gaussians (test split)');
  });

  it('gives the same scores again, and other ones for another seed', async () => {
    const run = await toyRun();
    const measure = async (seed: string): Promise<readonly Score[]> => {
      const ended = await brownian(['evaluate', run, '--metrics', 'sw', '--samples', '50', '--seed', seed, '--json']);
      return json(ended.out).scores;
    };
    const [first, again, other] = [await measure('1'), await measure('1'), await measure('2')];
    expect(again).toEqual(first);
    expect(other[0]?.value).not.toBe(first[0]?.value);
    // The repeated score replaced its twin; that of the other seed was added.
    expect((await readScores(run)).map(({ provenance }) => provenance.seed)).toEqual([1, 2]);
  });

  it('has no pairs', async () => {
    const run = await toyRun();
    const ended = await brownian(['evaluate', run, '--metrics', 'sw,mse']);
    expect(ended.code).toBe(1);
    expect(ended.err).toContain('mse compares item by item and needs pairs; samples of a run have no counterpart');
    expect(isOneSentence(ended.err)).toBe(true);
    expect(existsSync(runFiles(run).scores)).toBe(false);
  });
});

describe('brownian evaluate of files', () => {
  it('compares item by item, in order, without a network', async () => {
    const [a, b] = [images('a', 30, (i) => i % 256), images('b', 30, (i) => Math.min(255, (i % 256) + 10))];
    const ended = await brownian(['evaluate', a, '--against', b, '--metrics', 'mse,psnr,ssim', '--json']);
    const { scores } = json(ended.out);
    expect(scores.map(({ name }) => name)).toEqual(['MSE', 'PSNR', 'SSIM']);
    let squares = 0;
    for (let i = 0; i < 30 * 144; i++) squares += ((Math.min(255, (i % 256) + 10) - (i % 256)) / 127.5) ** 2;
    // Grey levels are float32 of v/127.5 − 1.
    expect((scores[0]?.value as number) / (squares / (30 * 144))).toBeCloseTo(1, 5);
    expect(scores[2]?.value).toBeLessThan(1);
    expect(scores[0]?.provenance).toMatchObject({ network: null, samples: 30, reference: { items: 30 } });
  });

  it('writes ∞ where a score is infinite', async () => {
    const a = images('a', 5, (i) => i % 256);
    const ended = await brownian(['evaluate', a, '--against', a, '--metrics', 'psnr,ssim']);
    expect(ended.out).toMatch(/PSNR\s+∞/);
    expect(ended.out).toMatch(/SSIM\s+1\b/);
  });

  it('takes features of an ONNX model with its description beside it, or as JSON', async () => {
    const { graph } = trace('means', (x: Tensor) => ({ f: x.reshape([30, 3, 4, 12]).mean(3).reshape([30, 12]) }), [
      { dtype: 'float32', shape: [30, 3, 12, 4] },
    ]);
    const model = join(folder, 'means.onnx');
    writeFileSync(model, toOnnx(graph, { target: 'cpu' }));
    const [a, b] = [images('a', 30, (i) => (i * 7) % 256), images('b', 30, (i) => (i * 31) % 201)];
    const argv = ['evaluate', a, '--against', b, '--network', model, '--metrics', 'fid', '--json'];
    const none = await brownian(argv);
    expect(none.err).toContain('means.json: it does not exist; say what means.onnx expects');

    const spec = { name: 'Means', size: [12, 4], range: [0, 1], features: 'pool3' };
    const wrong = await brownian([...argv, '--network-spec', JSON.stringify(spec)]);
    const features = /Means has no output "pool3"; it has (\S+)\.\n$/.exec(wrong.err)?.[1];
    writeFileSync(join(folder, 'means.json'), JSON.stringify({ ...spec, features }));
    const ended = await brownian(argv);
    expect(ended.err).toBe('');
    const [score] = json(ended.out).scores;
    expect(score?.provenance.network?.name).toBe('Means');
    expect(score?.provenance.network?.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(score?.value).toBeGreaterThan(0);

    writeFileSync(join(folder, 'means.json'), JSON.stringify({ ...spec, range: [0] }));
    expect((await brownian(argv)).err).toContain('means.json does not describe a model: "range"');
    writeFileSync(model, 'no model');
    const broken = await brownian([...argv, '--network-spec', JSON.stringify({ ...spec, features })]);
    expect(broken.err).toContain('means.onnx is not an ONNX model');
  });
});

describe('what cannot be measured is said in a sentence', () => {
  it.each([
    [['evaluate', 'x'], 2, 'Say what x is to be compared with'],
    [
      ['evaluate', '8-gaussians', '--against', 'mnist', '--metrics', 'sw', '--samples', '4'],
      1,
      'The items of 8-gaussians have the shape [2], those of mnist [1, 28, 28]; give data of one shape.',
    ],
    [['evaluate', '8-gaussians', '--against', '8-gaussians', '--metrics', 'fidd'], 2, 'did you mean "fid"?'],
    [
      ['evaluate', '8-gaussians', '--against', '8-gaussians', '--metrics', 'auroc'],
      2,
      'ranks scores of items against labels',
    ],
    [['evaluate', '8-gaussians', '--against', '8-gaussians', '--metrics', ','], 2, '--metrics is empty'],
    [['evaluate', '8-gaussians', '--against', 'rings', '--metrics', 'modes'], 1, 'modes needs data that are a mixture'],
    [['evaluate', '8-gaussians', '--against', 'rings', '--metrics', 'ssim'], 1, 'ssim needs images'],
    [['evaluate', '8-gaussians', '--against', 'rings', '--metrics', 'is'], 1, 'is needs class probabilities'],
    [['evaluate', '8-gaussians', '--against', 'rings', '--samples', '1e9'], 1, '--samples is "1e9"'],
    [['evaluate', '8-gaussians', '--against', 'rings', '--samples', '30000'], 1, 'has only 20000 items'],
    [
      ['evaluate', '8-gaussians', '--against', 'rings', '--split', 'all'],
      1,
      '--split is "all"; it must be train or test',
    ],
    [
      ['evaluate', '8-gaussians', '--against', 'rings', '--network', 'vgg'],
      1,
      '--network is "vgg"; it must be classifier',
    ],
    [['evaluate', '8-gaussians', '--against', 'rings', '--network', 'classifier'], 1, 'has not; give'],
    [['evaluate', 'nowhere', '--against', 'rings'], 1, 'There is no data called "nowhere"'],
    [['evaluate', 'rings', '--against', 'rings', '--metrcis', 'sw'], 2, 'did you mean --metrics?'],
  ] as const)('%j', async (argv, code, message) => {
    const ended = await brownian(argv);
    expect(ended).toMatchObject({ code, out: '' });
    expect(ended.err).toContain(message);
    expect(isOneSentence(ended.err)).toBe(true);
  });

  it('images without labels need a network by name', async () => {
    const a = images('a', 5, (i) => i % 256);
    const ended = await brownian(['evaluate', a, '--against', a]);
    expect(ended.err).toContain('has no labels to train a classifier on; name a feature network');
  });
});

it('help lists every metric', async () => {
  const { out } = await brownian(['evaluate', '--help']);
  for (const [name, { title }] of Object.entries(METRICS)) expect(out).toContain(`${name.padEnd(6)} ${title}`);
});

describe('the scores of a run', () => {
  const score: Score = { name: 'FID', value: 3.5, error: null, note: '', provenance: PROVENANCE };

  it('are replaced when measured again with the same things, else added', async () => {
    const run = await toyRun();
    await writeScores(run, [score]);
    await addScores(run, [{ ...score, value: 4 }]);
    await addScores(run, [{ ...score, value: 5, provenance: { ...PROVENANCE, samples: 50 } }]);
    expect((await readScores(run)).map(({ value }) => value)).toEqual([4, 5]);
  });

  it('are a table with what they were measured with, said once', () => {
    const lines = scoreLines([score, { ...score, name: 'KID', value: null, error: 0.5 }]);
    expect(lines).toEqual([
      'FID  3.50',
      'KID     ∞',
      '',
      'FID, KID: 1,000 samples (seed 7) against 500 items of circles (test split); network: a pair of <eyes>, sha256 0123456789ab',
      'Only scores by the same network compare.',
    ]);
  });
});

it('long work writes a line at every quarter and every minute, unless JSON is asked for', async () => {
  const lines: string[] = [];
  let time = 0;
  const task = lineTask(
    (line) => lines.push(line),
    () => time,
  );
  task.start('data', 100, 'items');
  for (const done of [10, 30, 40, 80]) task.update(done);
  time = 59_000;
  task.update(85);
  time = 61_000;
  for (const done of [87, 88, 100]) task.update(done);
  expect(lines).toEqual(['data: 30/100 items', 'data: 80/100 items', 'data: 87/100 items', 'data: 100/100 items']);
  const argv = ['evaluate', 'rings', '--against', 'rings', '--metrics', 'sw', '--samples', '300', '--reference', '300'];
  expect((await brownian(argv)).out).toContain('samples: 100/300 items\n');
  expect((await brownian([...argv, '--json'])).out).not.toContain('items\n');
});
