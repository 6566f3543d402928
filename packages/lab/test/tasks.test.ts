import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NDArray, float32Data } from '@brownian/graph';
import sharp from 'sharp';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Engine, nodeEngine } from '../src/engine.ts';
import type { ScoredWay } from '../src/tasks/scores.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { fakeEngine } from './support/fake-engine.ts';
import { digitFiles, temporaryFolder } from './support/files.ts';

beforeEach(() => {
  // Classifiers of the tiny images are kept in the test's own folder.
  process.env['BROWNIAN_CACHE'] = temporaryFolder();
});

const SMALL = ['--potential.channels', '4,6', '--potential.hidden', '8', '--chains.buffer-size', '16'];

/** A run of two iterations; by the fake learner unless an engine is given. */
async function runOf(engine: Engine = fakeEngine(), flags: readonly string[] = []): Promise<string> {
  const folder = temporaryFolder();
  const out = join(folder, 'run');
  const argv = ['train', digitFiles(folder), '--iterations', '2', '--batch-size', '4', '--samples', '4', '--out', out];
  expect(await brownian([...argv, ...flags], engine)).toMatchObject({ code: 0 });
  return out;
}

async function wgcnRun(): Promise<string> {
  return await runOf(nodeEngine, [...SMALL, '--langevin.steps', '2', '--sampling.steps', '3']);
}

/** Learners with latents of two numbers, the mean of an image and a slope; they encode what is known of it. */
function latentEngine(jump = 0): Engine {
  const engine = fakeEngine();
  return {
    open: (config, itemShape) => {
      const session = engine.open(config, itemShape);
      const size = itemShape.reduce((a, b) => a * b, 1);
      const decode = (_: unknown, z: NDArray): Promise<NDArray> => {
        const values = float32Data(z);
        const n = z.shape[0] as number;
        const data = Float32Array.from({ length: n * size }, (__, i) => {
          const [mean, slope] = [values[2 * Math.floor(i / size)] ?? 0, values[2 * Math.floor(i / size) + 1] ?? 0];
          return mean + (slope > 0 ? jump : 0);
        });
        return Promise.resolve({ dtype: 'float32', shape: [n, ...itemShape], data });
      };
      const encodeKnown = (_: unknown, x: NDArray, known?: NDArray): Promise<NDArray> => {
        const [values, weights] = [float32Data(x), known && float32Data(known)];
        const n = x.shape[0] as number;
        const data = new Float32Array(2 * n);
        for (let image = 0; image < n; image++) {
          let [sum, count] = [0, 0];
          for (let i = image * size; i < (image + 1) * size; i++) {
            sum += values[i] as number;
            count += weights?.[i] ?? 1;
          }
          data[2 * image] = sum / count;
        }
        return Promise.resolve({ dtype: 'float32', shape: [n, 2], data });
      };
      const latent = {
        shape: [2],
        path: 'linear',
        draw: (n: number, s: { normal(of: number[]): NDArray }) => s.normal([n, 2]),
        decode,
        encode: (state: unknown, x: NDArray) => encodeKnown(state, x),
        encodeKnown,
      };
      return { ...session, learner: { ...session.learner, latent } as typeof session.learner };
    },
  };
}

interface ScoreFile {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly scores: readonly ScoredWay[];
}

function readScoresOf(folder: string): ScoreFile {
  return JSON.parse(readFileSync(join(folder, 'scores.json'), 'utf8')) as ScoreFile;
}

describe('brownian inpaint', () => {
  it('completes held-out images by Langevin steps, beside trivial fillings: pictures and scores', async () => {
    const run = await wgcnRun();
    const ended = await brownian(
      ['inpaint', run, '--mask', 'square,spots,both', '--n', '10', '--network', 'values'],
      nodeEngine,
    );
    expect(ended).toMatchObject({ code: 0, err: '' });
    const folder = join(run, 'inpaint');
    expect(readdirSync(folder).toSorted()).toEqual([
      'both.png',
      'scores.csv',
      'scores.json',
      'spots.png',
      'square.png',
    ]);
    const { settings, scores } = readScoresOf(folder);
    expect(settings).toMatchObject({ run, iteration: 2, split: 'test', count: 10, seed: 1 });
    const fills = ['model (dynamics)', 'mean', 'bilinear', 'harmonic'];
    expect(scores.map(({ way }) => way)).toEqual(
      ['square', 'spots', 'both'].flatMap((mask) => fills.map((fill) => ({ mask, fill }))),
    );
    for (const { scores: row } of scores) {
      expect(row.map(({ name }) => name)).toEqual(['MSE', 'PSNR', 'SSIM', 'FID']);
      expect(row.every(({ value }) => value !== null && Number.isFinite(value))).toBe(true);
      expect(row[3]?.provenance.network?.name).toBe('the values themselves');
    }
    const csv = readFileSync(join(folder, 'scores.csv'), 'utf8').split('\n');
    expect(csv[0]).toBe('mask,fill,MSE,PSNR,SSIM,FID');
    expect(csv).toHaveLength(1 + 12 + 1);
    const { width, height } = await sharp(join(folder, 'square.png')).metadata();
    // Ten columns and six rows of 12 pixels with a gap of one, three screen pixels each.
    expect([width, height]).toEqual([(10 * 13 - 1) * 3, (6 * 13 - 1) * 3]);
    expect(ended.out).toMatch(/square\s+model \(dynamics\)/);
  });

  it('gives the same again for a seed, and takes sampling options for itself', async () => {
    const run = await wgcnRun();
    const mse = async (...flags: string[]): Promise<number> => {
      const ended = await brownian(['inpaint', run, '--network', 'values', '--json', ...flags], nodeEngine);
      return (JSON.parse(ended.out) as ScoreFile).scores[0]?.scores[0]?.value as number;
    };
    const first = await mse();
    expect(await mse()).toBe(first);
    expect(await mse('--seed', '2')).not.toBe(first);
    expect(await mse('--steps', '9')).not.toBe(first);
  });

  it('encodes and decodes with models that can, and only what is known', async () => {
    const run = await runOf();
    const ended = await brownian(['inpaint', run, '--n', '6', '--json'], latentEngine());
    const { scores } = JSON.parse(ended.out) as ScoreFile;
    expect(scores[0]?.way).toEqual({ mask: 'square', fill: 'model (encode)' });
    const drawn = await brownian(['inpaint', run, '--n', '6', '--steps', '9'], latentEngine());
    expect(drawn.err).toContain('--steps changes how samples are drawn, and by method encode');
    expect(isOneSentence(drawn.err)).toBe(true);
    // This model paints the mean of what is known, as the trivial filling does.
    expect(scores[0]?.scores[0]?.value).toBeCloseTo(scores[1]?.scores[0]?.value as number, 6);
  });

  it('takes a mask and images of one’s own, and writes each completed image', async () => {
    const run = await wgcnRun();
    const own = join(temporaryFolder(), 'images');
    mkdirSync(own);
    for (const i of [1, 2, 3])
      await sharp(Buffer.alloc(144, 40 * i), { raw: { width: 12, height: 12, channels: 1 } })
        .toColourspace('b-w')
        .png()
        .toFile(join(own, `${i}.png`));
    const mask = join(own, '..', 'scratch.png');
    const hole = Buffer.alloc(144);
    hole.fill(255, 60, 72);
    await sharp(hole, { raw: { width: 12, height: 12, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toFile(mask);
    const out = join(own, '..', 'out');
    const ended = await brownian(['inpaint', run, own, '--mask', mask, '--out', out], nodeEngine);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(readdirSync(join(out, 'scratch'))).toEqual(['1.png', '2.png', '3.png']);
    const pixels = await sharp(join(out, 'scratch', '2.png'))
      .removeAlpha()
      .toColourspace('b-w')
      .raw()
      .toBuffer();
    const changed = Array.from(pixels).flatMap((value, i) => (value === pixels[0] ? [] : [Math.floor(i / 12)]));
    expect(new Set(changed)).toEqual(new Set([5]));
  });

  it('says in a sentence what it cannot do', async () => {
    const run = await wgcnRun();
    const fake = await runOf();
    const small = join(temporaryFolder(), 'mask.png');
    await sharp(Buffer.alloc(64, 255), { raw: { width: 8, height: 8, channels: 1 } })
      .png()
      .toFile(small);
    const black = join(temporaryFolder(), 'mask.png');
    await sharp(Buffer.alloc(144), { raw: { width: 12, height: 12, channels: 1 } })
      .png()
      .toFile(black);
    const text = join(temporaryFolder(), 'text.png');
    writeFileSync(text, 'no image');
    const wrong: [argv: string[], engine: Engine, message: string][] = [
      [[fake], fakeEngine(), 'fake cannot inpaint: it has no encoder of incomplete images and no dynamics of its own.'],
      [[run, '--method', 'encode'], nodeEngine, 'wGCN cannot inpaint by "encode": it has dynamics.'],
      [[run, '--method', 'guess'], nodeEngine, '--method is "guess"; it must be encode, dynamics, both.'],
      [[run, '--mask', 'sqare'], nodeEngine, 'There is no mask "sqare"; did you mean "square"?'],
      [[run, '--mask', ','], nodeEngine, '--mask is empty; it takes square, spots, both, or an image file.'],
      [[run, '--mask', small], nodeEngine, 'has 8×8 pixels, the images have 12×12; scale it to their size.'],
      [[run, '--mask', black], nodeEngine, 'has no white pixel, so nothing is missing'],
      [[run, '--mask', text], nodeEngine, 'cannot be read as an image'],
      [[run, '--mask', 'none.png'], nodeEngine, 'none.png cannot be read as an image'],
      [[run, '--n', '0'], nodeEngine, '--n is "0"; it must be a whole number from 1 to'],
      [[run, 'nothing-here'], nodeEngine, 'There is no data called "nothing-here"'],
      [[run, '--masks', 'square'], nodeEngine, 'There is no option --masks; did you mean --mask?'],
    ];
    for (const [argv, engine, message] of wrong) {
      const { code, err } = await brownian(['inpaint', ...argv], engine);
      expect(err).toContain(message);
      expect(isOneSentence(err)).toBe(true);
      expect(code).toBeGreaterThan(0);
    }
    expect(existsSync(join(run, 'inpaint'))).toBe(false);
  });

  it('wants images that were held out, and of the right size', async () => {
    const folder = temporaryFolder();
    const run = join(folder, 'run');
    const data = digitFiles(folder);
    rmSync(join(data, 't10k-images-idx3-ubyte'));
    const argv = ['train', data, '--iterations', '2', '--batch-size', '4', '--samples', '4', '--out', run];
    expect(await brownian([...argv])).toMatchObject({ code: 0 });
    const none = await brownian(['inpaint', run]);
    expect(none.err).toContain(`There are no images that ${run} did not learn from`);
    expect(isOneSentence(none.err)).toBe(true);
    const points = join(folder, 'points');
    const toy = ['train', '8-gaussians', '--limit', '64', '--iterations', '1', '--batch-size', '8', '--samples', '4'];
    expect(await brownian([...toy, '--out', points])).toMatchObject({ code: 0 });
    expect((await brownian(['inpaint', points])).err).toBe(
      `brownian: inpaint is of images; the items of ${points} have the shape [2].\n`,
    );
    const large = join(folder, 'large');
    mkdirSync(large);
    await sharp(Buffer.alloc(400), { raw: { width: 20, height: 20, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toFile(join(large, 'a.png'));
    const { err } = await brownian(['inpaint', run, large]);
    expect(err).toContain('has images of 1×20×20 (channels×height×width)');
    expect(isOneSentence(err)).toBe(true);
  });
});

describe('brownian reconstruct', () => {
  it('scores what comes back from the latents', async () => {
    const run = await runOf();
    const ended = await brownian(['reconstruct', run, '--n', '5'], latentEngine());
    expect(ended).toMatchObject({ code: 0, err: '' });
    const { scores } = readScoresOf(join(run, 'reconstruct'));
    expect(scores[0]?.scores.map(({ name }) => name)).toEqual(['MSE', 'PSNR', 'SSIM']);
    expect(ended.out).toContain('has no labels to train a classifier on; name a feature network with --network.');
    expect(existsSync(join(run, 'reconstruct', 'reconstruct.png'))).toBe(true);
    expect(ended.out).toContain('Picture (rows: originals, reconstructions) and scores:');
  });

  it('is refused in a sentence by a model without an encoder', async () => {
    const run = await wgcnRun();
    const { err } = await brownian(['reconstruct', run], nodeEngine);
    expect(err).toBe('brownian: wGCN cannot encode items: it has no latents.\n');
  });
});

describe('brownian interpolate', () => {
  it('draws rows between clipped latents and tells how smoothly they change', async () => {
    const run = await runOf();
    const ended = await brownian(['interpolate', run, '--rows', '3', '--midpoints', '4'], latentEngine());
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out).toContain('3 of 3 rows change smoothly');
    const folder = join(run, 'interpolate');
    const { settings, smoothness } = JSON.parse(readFileSync(join(folder, 'smoothness.json'), 'utf8')) as {
      settings: Record<string, unknown>;
      smoothness: { ratio: number; steps: number[] }[];
    };
    expect(settings).toMatchObject({ ends: 'samples', rows: 3, midpoints: 4, path: 'linear' });
    for (const { ratio, steps } of smoothness) {
      expect(steps).toHaveLength(5);
      // Means change by equal steps; float32 rounding is 1e-7 of values up to 1.
      expect(ratio).toBeCloseTo(1, 3);
      // Clipped ends are at most 2 apart.
      expect(steps.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(2.001);
    }
    const { width, height } = await sharp(join(folder, 'interpolate.png')).metadata();
    expect([width, height]).toEqual([(6 * 13 - 1) * 3, (3 * 13 - 1) * 3]);
    expect(readFileSync(join(folder, 'smoothness.csv'), 'utf8')).toMatch(/^row,largest over median step,step 1,step 2/);
  });

  it('sees a jump', async () => {
    const run = await runOf();
    const { out } = await brownian(['interpolate', run, '--rows', '6'], latentEngine(50));
    expect(out).not.toContain('6 of 6 rows');
    expect(Number(/the worst ratio is (Infinity|\d+)/.exec(out)?.[1])).toBeGreaterThan(3);
  });

  it('goes between images that it encodes', async () => {
    const run = await runOf();
    const { code, out } = await brownian(['interpolate', run, '--between', 'images', '--rows', '2'], latentEngine());
    expect([code, out.includes('2 of 2 rows')]).toEqual([0, true]);
    expect(out).not.toContain('A row goes between two images');
  });

  it('wants two images for a row, and says how many rows there are images for', async () => {
    const run = await runOf();
    const folder = temporaryFolder();
    const draw = async (name: string): Promise<void> =>
      void (await sharp(Buffer.alloc(144, name.length * 40), { raw: { width: 12, height: 12, channels: 1 } })
        .toColourspace('b-w')
        .png()
        .toFile(join(folder, name)));
    await draw('a.png');
    const one = await brownian(['interpolate', run, folder], latentEngine());
    expect(one.err).toBe(
      `brownian: A row goes between two images, and ${folder} has 1; give a folder or file of two or more.\n`,
    );
    await draw('bb.png');
    await draw('ccc.png');
    const three = await brownian(['interpolate', run, folder, '--rows', '4'], latentEngine());
    expect(three).toMatchObject({ code: 0, err: '' });
    expect(three.out).toContain('A row goes between two images, and there are 3: 1 of 4 rows.');
    expect(three.out).toContain('1 of 1 rows change smoothly');
  });

  it('says in a sentence what it cannot do', async () => {
    const run = await wgcnRun();
    const wrong: [string[], string][] = [
      [[run], 'wGCN cannot interpolate: its samples have no latents.'],
      [[run, '--path', 'curved'], '--path is "curved"; it must be linear, spherical.'],
      [[run, '--midpoints', '0'], '--midpoints is "0"; it must be a whole number from 1 to 1000.'],
    ];
    for (const [argv, message] of wrong) {
      const { err } = await brownian(['interpolate', ...argv], nodeEngine);
      expect(err).toContain(message);
      expect(isOneSentence(err)).toBe(true);
    }
  });
});
