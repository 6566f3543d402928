import { mkdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MODELS } from 'brownian';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../src/config/settings.ts';
import { nodeEngine } from '../src/engine.ts';
import { remediesFor } from '../src/remedies/remedies.ts';
import { readResults } from '../src/reproduce/store.ts';
import { runFiles } from '../src/runs/run.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { temporaryFolder } from './support/files.ts';

const SIZE = 8;
/** Runs are not scored. */
const ENGINE = { open: nodeEngine.open };

/** Writes grey images of 8×8 pixels into a folder for each of three classes, and returns the folder of these. */
async function labelledImages(): Promise<string> {
  const folder = temporaryFolder();
  for (const [label, name] of ['ants', 'bees', 'cows'].entries()) {
    mkdirSync(join(folder, name));
    for (let i = 0; i < 14; i++) {
      const pixels = Uint8Array.from({ length: SIZE * SIZE }, (_, k) => (k * 37 * (label + 1) + 11 * i) % 256);
      await sharp(pixels, { raw: { width: SIZE, height: SIZE, channels: 1 } })
        .png()
        .toFile(join(folder, name, `${i}.png`));
    }
  }
  return folder;
}

const SMALL = ['--batch-size', '6', '--potential.channels', '3', '--upsampling.width', '3', '--hidden.dim', '4'];

/** What a checkpoint holds: its header has seconds in it, the arrays come after it. */
function arraysOf(file: Buffer): Buffer {
  return file.subarray(8 + Number(file.readBigUInt64LE()));
}

async function trained(model: string, flags: readonly string[], data?: string): Promise<string> {
  const run = join(temporaryFolder(), 'run');
  const argv = [
    'train',
    data ?? (await labelledImages()),
    '--model',
    model,
    '--out',
    run,
    '--samples',
    '4',
    ...SMALL,
    ...flags,
  ];
  expect(await brownian(argv, ENGINE)).toMatchObject({ code: 0, err: '' });
  return run;
}

describe('brownian train --model ggcn-star', () => {
  it('goes on bit for bit where it stopped, learned hidden rows included', { timeout: 60_000 }, async () => {
    const data = await labelledImages();
    const flags = ['--classes', '3', '--checkpoint-every', '2', '--chains.fresh', '0.5', '--chains.buffer-size', '9'];
    const through = await trained('ggcn-star', [...flags, '--iterations', '8'], data);
    const halves = await trained(
      'ggcn-star',
      [...flags, '--iterations', '4', '--optimizer.decay-iterations', '8'],
      data,
    );
    expect(await brownian(['resume', halves, '--iterations', '8'], ENGINE)).toMatchObject({ code: 0, err: '' });
    const [one, other] = [through, halves].map((run) =>
      readFileSync(join(run, 'checkpoints/iteration-000008.safetensors')),
    );
    expect(one && arraysOf(one).length).toBeGreaterThan(1000);
    expect(other && arraysOf(other)).toEqual(one && arraysOf(one));
  });

  it('goes on bit for bit where it stopped when latents are masked images', { timeout: 60_000 }, async () => {
    const data = await labelledImages();
    const flags =
      '--model ggcn-star --hidden.start masked --checkpoint-every 2 --samples 4 --batch-size 6 --potential.channels 3 --upsampling.width 2';
    const argv = (out: string, iterations: string): string[] =>
      ['train', data, '--out', out, '--iterations', iterations, '--optimizer.decay-iterations', '8'].concat(
        flags.split(' '),
      );
    const [through, halves] = [join(temporaryFolder(), 'run'), join(temporaryFolder(), 'run')];
    expect(await brownian(argv(through, '8'), ENGINE)).toMatchObject({ code: 0, err: '' });
    expect(await brownian(argv(halves, '4'), ENGINE)).toMatchObject({ code: 0, err: '' });
    expect(await brownian(['resume', halves, '--iterations', '8'], ENGINE)).toMatchObject({ code: 0, err: '' });
    const [one, other] = [through, halves].map((run) =>
      arraysOf(readFileSync(join(run, 'checkpoints/iteration-000008.safetensors'))),
    );
    expect(one?.length).toBeGreaterThan(1000);
    expect(other).toEqual(one);
  });

  it(
    'completes held-out images of a run from masked images, and says what it cannot do',
    { timeout: 60_000 },
    async () => {
      const data = await labelledImages();
      const run = join(temporaryFolder(), 'run');
      const flags =
        '--model ggcn-star --hidden.start masked --samples 4 --batch-size 6 --iterations 2 --images.test-share 0.2 --upsampling.width 2';
      const argv = ['train', data, '--out', run].concat(flags.split(' '));
      expect(await brownian(argv, ENGINE)).toMatchObject({ code: 0, err: '' });
      const page = await readFile(runFiles(run).report, 'utf8');
      for (const text of ['a random mask', 'to come near the images that were masked', 'a part of a real image'])
        expect(page).toContain(text);
      expect(page).not.toContain('undefined');
      const ended = await brownian(['inpaint', run, '--mask', 'square,both', '--network', 'values', '--json'], ENGINE);
      expect(ended).toMatchObject({ code: 0, err: '' });
      const { scores } = JSON.parse(ended.out) as { scores: readonly { way: Record<string, string> }[] };
      expect(scores[0]?.way).toEqual({ mask: 'square', fill: 'model (encode)' });
      for (const method of ['dynamics', 'both'])
        expect(
          await brownian(['inpaint', run, '--method', method, '--n', '4', '--network', 'values'], ENGINE),
        ).toMatchObject({ code: 0, err: '' });
      for (const task of ['interpolate', 'reconstruct']) {
        const refused = await brownian([task, run], ENGINE);
        expect(refused.code).not.toBe(0);
        expect(refused.err).toMatch(/no latents|way from items to latents/);
        expect(isOneSentence(refused.err)).toBe(true);
      }
    },
  );

  it('has a report that explains both networks', { timeout: 60_000 }, async () => {
    const run = await trained('ggcn-star', ['--iterations', '8', '--classes', '3']);
    const page = await readFile(runFiles(run).report, 'utf8');
    for (const text of ['synthesizer', 'generator', 'a random latent', 'amortised', 'for a label', 'JKO'])
      expect(page).toContain(text);
    expect(page).toContain('How far particles move from where the generator put them');
    expect(page).not.toContain('undefined');
  });

  it('shows no way to samples that the generator makes alone', { timeout: 60_000 }, async () => {
    const run = await trained('ggcn-star', ['--iterations', '1', '--sampling.steps', '0']);
    expect(await readFile(runFiles(run).report, 'utf8')).not.toContain('From noise to');
  });

  it('samples the labels that are asked for', { timeout: 60_000 }, async () => {
    const run = await trained('ggcn-star', ['--iterations', '2', '--classes', '3']);
    const sample = async (label: string, name: string): Promise<Buffer> => {
      const out = join(run, `${name}.npy`);
      const ended = await brownian(['sample', run, '--n', '3', '--label', label, '--steps', '0', '--out', out], ENGINE);
      expect(ended).toMatchObject({ code: 0, err: '' });
      return readFileSync(out);
    };
    expect(await sample('1', 'a')).toEqual(await sample('1,1', 'b'));
    expect(await sample('1', 'a')).not.toEqual(await sample('1,2', 'c'));
    const wrong = await brownian(['sample', run, '--label', '3'], ENGINE);
    expect(wrong.err).toBe('brownian: --label is "3"; it must be a whole number from 0 to 2.\n');
    const plain = await trained('coop', ['--iterations', '2']);
    const refused = await brownian(['sample', plain, '--label', '1'], ENGINE);
    expect(refused.err).toContain('--label is for models that are conditional on labels');
    expect(isOneSentence(refused.err)).toBe(true);
  });
});

describe('options of generalised models', () => {
  const images = { itemShape: [1, 28, 28], size: 100, classes: ['a', 'b'] };
  const config = (settings: Record<string, unknown>): unknown => resolveConfig({ data: 'mnist', ...settings }, images);

  it.each([
    [{ model: 'gcn', hidden: { dim: 3 } }, '--hidden.dim is an option of generalised models'],
    [
      { model: 'm-gcn', potential: { classes: 2 } },
      '--potential.classes is 2; models of several grids are unconditional',
    ],
    [{ model: 'ggcn', flow: { implicitSteps: 3 } }, '--flow.implicit-steps is an option of descriptive models'],
    [{ model: 'ggcn', grids: { sizes: [7, 28] } }, '--grids.sizes is an option of descriptive models'],
    [
      { model: 'ggcn', potential: { classes: 3 } },
      '--potential.classes is 3; these data have 2 classes, so make it 2.',
    ],
    [{ model: 'ggcn', hidden: { start: 'thumbnails', dim: 50 } }, 'hidden.dim is 50'],
    [{ model: 'ggcn', hidden: { start: 'masked', dim: 50 } }, 'hidden.dim is 50; images of [1, 28, 28]'],
    [{ model: 'ggcn', hidden: { start: 'masked', learned: true } }, 'hidden.learned is true; with hidden.start masked'],
    [
      { model: 'ggcn', hidden: { start: 'masked' }, potential: { classes: 2 } },
      'potential.classes is 2; models that complete',
    ],
    [{ model: 'ggcn', hidden: { start: 'masked' }, chains: { fresh: 0.5 } }, 'chains.fresh is 0.5; with hidden.start'],
    [{ model: 'ggcn', upsampling: { net: 'auto-encoder' } }, 'upsampling.net is auto-encoder, which completes masked'],
    [{ model: 'coop', upsampling: { originalWeight: 2 } }, 'upsampling.originalWeight is 2; only masked images'],
    [{ model: 'ggcn-minus', hidden: { sampling: 'rows' } }, '--hidden.sampling is rows, and no rows are kept'],
    [
      { model: 'ggcn', upsampling: { net: 'v0' } },
      'v0Generator: these networks are for images of 64×64 and 32×32 pixels',
    ],
    [{ model: 'ggcn', chains: { fresh: 0.5, bufferSize: 3 } }, '--chains.buffer-size is 3, less than the'],
    [{ model: 'ggcn', langevin: { clip: [1, -1] } }, '--langevin.clip is 1,-1'],
    [{ model: 'ggcn', potential: { net: 'mlp' } }, '--potential.net is mlp, which takes points'],
    [{ model: 'coop', hidden: { learningRate: 1 } }, '--hidden.learning-rate is given, and --hidden.learned is false'],
    [{ model: 'ggcn-minus', hidden: { prior: 1 } }, '--hidden.prior is given, and --hidden.learned is false'],
    [
      { model: 'ggcn', upsampling: { net: 'linear', width: 5 } },
      '--upsampling.width is given, and --upsampling.net is',
    ],
    [{ model: 'ggcn', upsampling: { embedding: 5 } }, '--upsampling.embedding is given, and the model is not'],
    [{ model: 'ggcn', chains: { bufferSize: 99 } }, '--chains.buffer-size is given, and --chains.fresh is 1'],
    [{ model: 'coop', flow: { penalty: 'directional' } }, '--flow.penalty is given, and --flow.beta is 0'],
    [{ model: 'ggcn', potential: { net: 'v0' } }, 'v0Synthesizer: these networks are for images of 64×64 and 32×32'],
    [
      { model: 'ggcn', potential: { net: 'v0', channels: [8, 16] } },
      '--potential.channels is 8,16; --potential.net v0 takes 5 numbers, by default 64,128,256,256,512.',
    ],
    [
      { model: 'ggcn', potential: { net: 'resnet50', channels: [8, 16] } },
      '--potential.channels is 8,16; --potential.net resnet50 takes one number, by default 64.',
    ],
    [
      { model: 'ggcn', potential: { net: 'resnet50', activation: 'tanh' } },
      '--potential.activation is given, and --potential.net resnet50 does not read it',
    ],
    [
      { model: 'ggcn', potential: { net: 'resnet50', kernels: [3] } },
      '--potential.kernels is given, and --potential.net resnet50 does not read it',
    ],
    [
      { model: 'ggcn', potential: { net: 'resnet50', hidden: 3 } },
      '--potential.hidden is given, and --potential.net resnet50 does not read it',
    ],
  ])('%j are refused in a sentence', (settings, message) => {
    expect(() => config(settings)).toThrow(message);
    expect(() => config(settings)).toThrow(/^[^\n]+\.$/);
  });

  it('follow from masked images: an auto-encoder that learns from them in every iteration', () => {
    const options = config({ model: 'ggcn-star', hidden: { start: 'masked' }, upsampling: { width: 8 } });
    expect(options).toMatchObject({
      hidden: { dim: 2 * 28 * 28, learned: false },
      upsampling: { net: 'auto-encoder', width: 8, every: 1, originalWeight: 1, learning: 'amortised' },
    });
    expect(() =>
      resolveConfig({ data: 'x', model: 'ggcn', hidden: { start: 'masked' } }, { itemShape: [2], size: 9 }),
    ).toThrow('hidden.start is masked, which is for images; these items have the shape [2].');
  });

  it('follow from the net of Φ, and from thumbnails, at any size', () => {
    const large = { itemShape: [3, 32, 32], size: 100 };
    const star = (settings: Record<string, unknown>, data = large): unknown =>
      resolveConfig({ data: 'x', model: 'ggcn-star', ...settings }, data);
    expect(star({ potential: { net: 'v0' } })).toMatchObject({ potential: { channels: [64, 128, 256, 256, 512] } });
    expect(star({ potential: { net: 'resnet50' } })).toMatchObject({ potential: { channels: [64] } });
    expect(star({ potential: { net: 'v0' }, hidden: { start: 'masked' } })).toMatchObject({
      potential: { channels: [64, 128, 256, 256, 512] },
    });
    const thumbnails = { hidden: { start: 'thumbnails' } };
    expect(star(thumbnails)).toMatchObject({ hidden: { dim: 3 * 4 * 4 } });
    expect(star(thumbnails, images)).toMatchObject({ hidden: { dim: 7 * 7 } });
    expect(star(thumbnails, { itemShape: [1, 64, 48], size: 9 })).toMatchObject({ hidden: { dim: 4 * 3 } });
    expect(star({ hidden: { start: 'thumbnails', dim: 192 } })).toMatchObject({ hidden: { dim: 192 } });
  });

  it('without labels leave no room for classes', () => {
    expect(() =>
      resolveConfig({ data: 'x', model: 'ggcn', potential: { classes: 2 } }, { itemShape: [1, 28, 28], size: 9 }),
    ).toThrow('these data have no classes, so leave it out.');
  });

  it('have a remedy for every way to diverge that fits them', () => {
    const star = resolveConfig({ data: 'mnist', model: 'ggcn-star' }, images);
    const { every, learningRate } = MODELS['ggcn-star'].defaults([1, 28, 28]).upsampling;
    expect(remediesFor({ kind: 'collapsed particles', seen: '' }, star)).toEqual([
      `--upsampling.every ${2 * every} (fewer updates of the generator)`,
      `--upsampling.learning-rate ${learningRate / 2}`,
      '--upsampling.learning reconstruction --steps 10',
    ]);
    expect(remediesFor({ kind: 'not finite', seen: '' }, star)[0]).toBe('--hidden.prior 0.01 (latents near N(0, 1))');
    const coop = resolveConfig({ data: 'mnist', model: 'coop' }, images);
    expect(remediesFor({ kind: 'not finite', seen: '' }, coop)).toContain('--flow.beta 0.75 (the JKO flow)');
  });
});

describe('brownian reproduce ggcn-table2', () => {
  it('trains every model for the same time and says what each switch changes', { timeout: 120_000 }, async () => {
    const out = join(temporaryFolder(), 'out');
    const models = 'ggcn-minus,wgcn/thumbnails';
    const scale = ['--seconds', '1', '--samples', '10', '--seeds', '3', '--clock', 'cpu', '--network', 'values'];
    // What the last cell cannot be is said before the first is run.
    const refused = await brownian([
      'reproduce',
      'ggcn-table2',
      '--data',
      await labelledImages(),
      '--out',
      out,
      '--models',
      models,
      ...scale,
    ]);
    expect(refused.err).toContain('--hidden.start is an option of generalised models');
    expect((await readResults(out)).size).toBe(0);
    const some = 'ggcn-minus/thumbnails,ggcn-minus,ggcn-minus-star,ggcn-minus-star/kl';
    const argv = ['reproduce', 'ggcn-table2', '--data', await labelledImages(), '--models', some, ...scale];
    const folder = join(temporaryFolder(), 'again');
    const ended = await brownian([...argv, '--out', folder]);
    expect(ended).toMatchObject({ code: 0, err: '' });
    const results = [...(await readResults(folder)).values()];
    expect(results).toHaveLength(4);
    for (const { measures, note, curves } of results) {
      expect(note).toBe('');
      expect(measures['iterations']).toBe(curves['loss']?.length);
      expect(measures['secondsPerIteration']).toBeGreaterThan(0);
      expect(measures['secondsPerThousand']).toBeGreaterThan(0);
      expect(measures['fid']).toBeGreaterThan(0);
    }
    const table = await readFile(join(folder, 'table.md'), 'utf8');
    expect(table).toMatch(/AMS \(amortised\) \| ggcn-minus \| ggcn-minus-star \| – \| [^–]/);
    expect(table).toMatch(/LHS \| ggcn-minus-star \| ggcn-star \| –/);
  });

  it.each([
    [['--models', 'ggcn,gcnn'], '--models has "gcnn"; it takes'],
    [['--models', 'ggcn/fast'], '--models has "ggcn/fast"; it takes'],
    [['--clock', 'sun'], '--clock is "sun"; it must be wall or cpu.'],
  ])('refuses %j in one sentence', async (flags, message) => {
    const ended = await brownian(['reproduce', 'ggcn-table2', '--out', join(temporaryFolder(), 'x'), ...flags]);
    expect(ended).toMatchObject({ code: 2 });
    expect(ended.err).toContain(message);
    expect(isOneSentence(ended.err)).toBe(true);
  });
});
