import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODELS, type ModelName, familyOf } from 'brownian';
import { describe, expect, it } from 'vitest';
import { FIELDS, flagOf } from '../src/config/fields.ts';
import { commandOptions, spellFlags } from '../src/config/flags.ts';
import { inFamily } from '../src/config/run-config.ts';
import { FLAG_ALIASES, GROUP_TITLES, configSchema } from '../src/config/schema.ts';
import { checkConfig, mergeSettings, readSettings, resolveConfig, settingsFromFlags } from '../src/config/settings.ts';
import { UserError } from '../src/errors.ts';
import { configHash } from '../src/runs/run.ts';
import { temporaryFolder } from './support/files.ts';

const IMAGES = { itemShape: [1, 28, 28], size: 60_000 };
const POINTS = { itemShape: [2], size: 1000 };

describe('a configuration file', () => {
  it.each([
    ['{"langevin": {"step": 40}}', 'There is no option "langevin.step" in FILE; did you mean "langevin.steps"?'],
    ['{"itterations": 4}', 'There is no option "itterations" in FILE; did you mean "iterations"?'],
    ['{"learningRate": 1}', 'There is no option "learningRate" in FILE; did you mean "optimizer.learningRate"?'],
    ['{"energy_l2": 1}', 'There is no option "energy_l2" in FILE; did you mean "flow.energyL2"?'],
    [
      '{"flow": {"wibbledywobble": 1}}',
      'There is no option "flow.wibbledywobble" in FILE; those of flow are flow.beta, ',
    ],
    [
      '{"langevin": {"steps": "forty"}}',
      '"langevin.steps" in FILE is "forty"; it must be a whole number of at least 1.',
    ],
    ['{"langevin": {"steps": 2.5}}', '"langevin.steps" in FILE is 2.5; it must be a whole number of at least 1.'],
    ['{"langevin": {"delta": -1}}', '"langevin.delta" in FILE is -1; it must be a number above 0.'],
    ['{"langevin": {"clip": [1]}}', '"langevin.clip" in FILE is [1]; it must be two numbers such as [-1, 1], or null.'],
    ['{"langevin": {"reference": 1}}', '"langevin.reference" in FILE is 1; it must be true or false.'],
    ['{"chains": {"fresh": 2}}', '"chains.fresh" in FILE is 2; it must be a number from 0 to 1.'],
    ['{"optimizer": {"ema": 1}}', '"optimizer.ema" in FILE is 1; it must be a number of at least 0 and below 1.'],
    ['{"optimizer": {"rule": "adamw"}}', '"optimizer.rule" in FILE is "adamw"; it must be one of sgd, adam, lamb.'],
    ['{"model": "wcgn"}', '"model" in FILE is "wcgn"; it must be one of pgcn, w-pgcn, gcn, wgcn, m-gcn, wm-gcn, '],
    [
      '{"potential": {"channels": [16, 0]}}',
      '"potential.channels" in FILE is [16,0]; it must be a list of whole numbers of at least 1',
    ],
    ['{"minutes": null, "seed": -1}', '"seed" in FILE is -1; it must be a whole number from 0 to 4294967295.'],
    ['{"langevin": 3}', '"langevin" in FILE is 3; it must be a JSON object of the options langevin.steps, '],
    ['[]', 'The configuration in FILE is []; it must be a JSON object of options.'],
    ['{"seed": -1, "threads": 0}', '(1 more problem after it.)'],
    ['{\n  "seed": 1,\n}', 'FILE is not valid JSON (at line 3, column 1).'],
    ['', 'FILE is not valid JSON (at line 1, column 1).'],
  ])('%s is refused in a sentence', async (text, message) => {
    const file = join(temporaryFolder(), 'run.json');
    writeFileSync(file, text);
    const reading = readSettings(file);
    await expect(reading).rejects.toBeInstanceOf(UserError);
    await expect(readSettings(file)).rejects.toThrow(message.replace('FILE', file));
  });

  it('that is missing is named', async () => {
    await expect(readSettings('no.json')).rejects.toThrow(
      'Cannot read the configuration file no.json: it does not exist.',
    );
  });

  it('gives the settings it holds', async () => {
    const file = join(temporaryFolder(), 'run.json');
    writeFileSync(file, '{"data": "mnist", "langevin": {"clip": null, "steps": 7}}');
    expect(await readSettings(file)).toEqual({ data: 'mnist', langevin: { clip: null, steps: 7 } });
  });
});

describe('flags', () => {
  it.each([
    [{ 'langevin.steps': '0' }, '--langevin.steps is 0; it must be a whole number of at least 1.'],
    [{ 'langevin.steps': 'many' }, '--langevin.steps is "many"; it must be a whole number of at least 1.'],
    [{ 'langevin.clip': '3' }, '--langevin.clip is [3]; it must be two numbers such as -1,1, or none.'],
    [{ 'langevin.delta': 'Infinity' }, '--langevin.delta is "Infinity"; it must be a number above 0.'],
    [{ 'langevin.delta': '' }, '--langevin.delta is ""; it must be a number above 0.'],
    [{ 'langevin.reference': 'yes' }, '--langevin.reference is "yes"; it must be true or false.'],
    [{ 'flow.energyL2': '-1' }, '--flow.energy-l2 is -1; it must be a number of at least 0.'],
    [{ 'potential.channels': '16,x' }, '--potential.channels is "16,x"; it must be a list of whole numbers'],
    [{ 'grids.betas': '1,x' }, '--grids.betas is "1,x"; it must be a list of numbers of at least 0 such as'],
    [{ minutes: '0' }, '--minutes is 0; it must be a number above 0, or none.'],
    [{ model: 'began' }, '--model is "began"; it must be one of pgcn, w-pgcn, gcn, wgcn, m-gcn, wm-gcn, '],
  ])('%o is refused in a sentence', (flags, message) => {
    expect(() => settingsFromFlags(flags as Record<string, string>)).toThrow(message);
  });

  it('become settings of their types', () => {
    const flags = {
      iterations: '12',
      minutes: 'none',
      'langevin.clip': '-1,1',
      'langevin.reference': 'false',
      'potential.channels': '8,16',
      'grids.steps': 'none',
      'grids.betas': '0.5,60',
      'optimizer.rule': 'sgd',
      'flow.beta': '1e2',
    };
    expect(settingsFromFlags(flags)).toEqual({
      iterations: 12,
      minutes: null,
      langevin: { clip: [-1, 1], reference: false },
      potential: { channels: [8, 16] },
      grids: { steps: [], betas: [0.5, 60] },
      optimizer: { rule: 'sgd' },
      flow: { beta: 100 },
    });
  });

  it('may be spelt as in the configuration file', () => {
    const argv = [
      'train',
      'mnist',
      '--flow.energyL2',
      '1',
      '--batchSize=8',
      '--langevin.steps',
      '3',
      '-o',
      'x',
      '--no-such',
    ];
    const spelt = [
      'train',
      'mnist',
      '--flow.energy-l2',
      '1',
      '--batch-size=8',
      '--langevin.steps',
      '3',
      '-o',
      'x',
      '--no-such',
    ];
    expect(spellFlags(argv)).toEqual(spelt);
  });

  it('exist for every option, with a description, a default and a titled group', () => {
    const options = commandOptions('wgcn');
    expect(options.map((option) => option.attributeName()).toSorted()).toEqual(
      FIELDS.map((field) => field.path)
        .filter((path) => path !== 'data')
        .toSorted(),
    );
    for (const option of options) expect(option.description).toMatch(/^\S.{8,}\(.*default: (?!undefined)\S/);
    for (const field of FIELDS) expect(GROUP_TITLES).toHaveProperty([field.group]);
    const paths = FIELDS.map((field) => field.path);
    for (const path of Object.keys(FLAG_ALIASES)) expect(paths).toContain(path);
    expect(new Set(FIELDS.map(flagOf)).size).toBe(FIELDS.length);
  });
});

describe('the full configuration', () => {
  it.each(Object.keys(MODELS) as ModelName[])('of %s has every option, from the defaults of the model', (model) => {
    const config = resolveConfig({ data: 'x', model }, IMAGES);
    expect(configSchema(familyOf(model)).safeParse(config).success).toBe(true);
    const { optimizer, ...groups } = MODELS[model].defaults(IMAGES.itemShape);
    expect(config).toMatchObject({ optimizer: { learningRate: optimizer.learningRate }, ...groups });
  });

  it('lets later settings win, group by group', () => {
    const settings = mergeSettings({ seed: 1, langevin: { steps: 5, delta: 1 } }, { langevin: { steps: 6 } });
    expect(settings).toEqual({ seed: 1, langevin: { steps: 6, delta: 1 } });
  });

  it('has particles follow the batch size, batches the data, and the cosine the iterations', () => {
    const given = resolveConfig({ data: 'x', batchSize: 20, iterations: 70 }, IMAGES);
    expect(given).toMatchObject({ chains: { particles: 20 }, optimizer: { decayIterations: 70 } });
    expect(resolveConfig({ data: 'x' }, { ...IMAGES, size: 9 }).batchSize).toBe(9);
    const own = { data: 'x', batchSize: 20, chains: { particles: 30 }, optimizer: { decayIterations: 5 } };
    expect(resolveConfig(own, IMAGES)).toMatchObject(own);
  });

  it('trains for as long as the defaults of a model need, unless told', () => {
    const optimizer = { schedule: 'cosine', decayIterations: 20_000 };
    expect(resolveConfig({ data: 'x', model: 'eieg' }, POINTS)).toMatchObject({ iterations: 20_000, optimizer });
    expect(resolveConfig({ data: 'x', model: 'eieg' }, IMAGES).iterations).toBe(2000);
    const told = resolveConfig({ data: 'x', model: 'eieg', iterations: 30 }, POINTS);
    expect(told).toMatchObject({ iterations: 30, optimizer: { decayIterations: 30 } });
  });

  it('has an iteration of an adversarial model take as many items as its updates', () => {
    const paper = { data: 'x', model: 'eieg-gan', discriminator: { steps: 3 } };
    expect(resolveConfig({ data: 'x', model: 'eieg-gan' }, IMAGES).batchSize).toBe(64);
    expect(resolveConfig(paper, IMAGES).batchSize).toBe(192);
    expect(resolveConfig(paper, { ...IMAGES, size: 40 }).batchSize).toBe(39);
    expect(resolveConfig({ data: 'x', model: 'eieg' }, { ...POINTS, size: 40 }).batchSize).toBe(40);
    const given = resolveConfig({ data: 'x', model: 'wgan', batchSize: 50 }, IMAGES);
    expect(given).toMatchObject({ batchSize: 50, generator: { batch: 10 } });
    const steps = resolveConfig({ data: 'x', model: 'wgan', batchSize: 50, discriminator: { steps: 2 } }, IMAGES);
    expect(steps).toMatchObject({ batchSize: 50, generator: { batch: 25 } });
  });

  it.each([
    [
      { potential: { net: 'mlp' } },
      IMAGES,
      '--potential.net is mlp, which takes points; the items of these data have shape [1, 28, 28]',
    ],
    [
      { potential: { net: 'conv' } },
      POINTS,
      '--potential.net is conv, which takes images; the items of these data have shape [2]',
    ],
    [{ model: 'pgcn' }, POINTS, '--potential.net is gabor, which takes images'],
    [{ potential: { channels: [] } }, IMAGES, '--potential.channels is empty'],
    [{ model: 'm-gcn', grids: { sizes: [5, 28] } }, IMAGES, 'grids.sizes is 5, 28; each must divide the next'],
    [{ grids: { sizes: [7, 28] } }, IMAGES, '--chains.kind is buffer; with grids it must be persistent'],
    [{ langevin: { clip: [1, -1] } }, IMAGES, '--langevin.clip is 1,-1; its first number must be below its second.'],
    [{ chains: { kind: 'buffer', bufferSize: 10 } }, IMAGES, '--chains.buffer-size is 10, less than the 100 particles'],
    [{ model: 'eieg', langevin: { steps: 3 } }, POINTS, '--langevin.steps is an option of descriptive models'],
    [
      { model: 'wgcn', loss: { cutoff: 1 } },
      IMAGES,
      '--loss.cutoff is an option of adversarial models (eieg, eieg-gan, ',
    ],
    [
      { model: 'eieg', optimizer: { weightClip: 1 } },
      POINTS,
      '--optimizer.weight-clip is an option of descriptive models',
    ],
    [{ model: 'dcgan' }, POINTS, '.net is dcgan, which takes images; the items of these data have shape [2]'],
    [{ model: 'dcgan' }, { ...IMAGES, itemShape: [1, 9, 9] }, 'must halve evenly'],
    [{ model: 'gan', generator: { net: 'dcgan' } }, IMAGES, 'generator.widths is [256, 512]; a dcgan takes one number'],
    [{ model: 'dcgan', generator: { activation: 'tanh' } }, IMAGES, '--generator.activation is given, and'],
    [{ model: 'eieg', discriminator: { net: 'mlp' } }, POINTS, '--loss.kind elastic compares items themselves'],
    [{ model: 'gan', discriminator: { net: 'none' } }, POINTS, '--loss.kind logistic needs a discriminator'],
    [
      { model: 'wgan', discriminator: { features: 2 } },
      POINTS,
      '--discriminator.features is 2; --loss.kind wasserstein',
    ],
    [
      { model: 'eieg', discriminator: { steps: 2 } },
      POINTS,
      '--discriminator.steps is given, and --discriminator.net is none',
    ],
    [
      { model: 'gan', loss: { stabiliserWeight: 2 } },
      POINTS,
      '--loss.stabiliser-weight is given, and --loss.kind logistic does not read it',
    ],
    [
      { model: 'wgan-gp', batchSize: 12 },
      POINTS,
      '--batch-size is 12, which 5 steps of the discriminator cannot share',
    ],
    [
      { model: 'gan', discriminator: { norm: false } },
      IMAGES,
      '--discriminator.norm is given, and --discriminator.net is mlp',
    ],
    [
      { model: 'gan', discriminator: { oneBatch: true } },
      IMAGES,
      '--discriminator.one-batch is given, and --discriminator.net is mlp',
    ],
    [
      { model: 'dcgan', discriminator: { norm: false, oneBatch: true } },
      IMAGES,
      '--discriminator.one-batch is given, and --discriminator.norm is false',
    ],
    [{ model: 'vapo', potential: { blocks: 2 } }, POINTS, '--potential.blocks is given, and --potential.net mlp'],
    [{ model: 'wgcn', grids: { startNoise: 0.1 } }, IMAGES, '--grids.start-noise is given, and there is one grid; '],
    [{ model: 'wgcn', grids: { betas: [1] } }, IMAGES, '--grids.betas is given, and there is one grid; '],
    [{ model: 'wgcn', grids: { steps: [5] } }, IMAGES, '--grids.steps is given, and there is one grid; '],
    [{ model: 'gcn', flow: { penalty: 'directional' } }, IMAGES, '--flow.penalty is given, and --flow.beta is 0'],
    [
      { model: 'pgcn', potential: { channels: [3] } },
      IMAGES,
      '--potential.channels is given, and --potential.net gabor',
    ],
  ])('refuses %o', (settings, data, message) => {
    expect(() => resolveConfig({ data: 'x', ...settings }, data)).toThrow(message);
  });

  it.each(Object.keys(MODELS) as ModelName[])(
    'takes every default of %s, and says nothing against a run of before',
    (model) => {
      const data = model === 'dcgan' || model.includes('gcn') ? { ...IMAGES, itemShape: [1, 32, 32] } : POINTS;
      const config = resolveConfig({ data: 'x', model }, data);
      expect(resolveConfig({ ...config }, data)).toEqual(config);
      expect(resolveConfig({ ...config }, data, config)).toEqual(config);
    },
  );

  it('resumes what was accepted and not read', () => {
    const settings = mergeSettings(
      { ...resolveConfig({ data: 'x', model: 'ggcn-minus' }, IMAGES) },
      { hidden: { prior: 1 } },
    );
    const run = checkConfig(settings, { kind: 'flag' });
    expect(() => resolveConfig(settings, IMAGES)).toThrow('--hidden.prior is given, and');
    expect(resolveConfig({ ...settings, iterations: 9 }, IMAGES, run)).toMatchObject({
      hidden: { prior: 1 },
      iterations: 9,
    });
    const given = mergeSettings(settings, { hidden: { prior: 2 } });
    expect(() => resolveConfig(given, IMAGES, run)).toThrow('--hidden.prior is given, and');
  });

  it('lets what is not given follow the loss', () => {
    const penalised = resolveConfig({ data: 'x', model: 'dcgan', loss: { kind: 'wasserstein-gp' } }, IMAGES);
    expect(penalised).toMatchObject({
      discriminator: { net: 'dcgan', widths: [64], norm: false, steps: 5, features: 1, learningRate: 1e-4 },
      optimizer: { momentum: 0, learningRate: 1e-4 },
    });
    const given = { discriminator: { steps: 2, norm: true }, optimizer: { momentum: 0.5 } };
    expect(
      resolveConfig({ data: 'x', model: 'dcgan', loss: { kind: 'wasserstein-gp' }, ...given }, IMAGES),
    ).toMatchObject(given);
    const compared = resolveConfig({ data: 'x', model: 'dcgan', loss: { kind: 'elastic-gan' } }, IMAGES);
    expect(compared).toMatchObject({ discriminator: { norm: true, oneBatch: true, features: 16 } });
    const clipped = resolveConfig({ data: 'x', model: 'gan', loss: { kind: 'wasserstein' } }, POINTS);
    expect(clipped).toMatchObject({ loss: { clip: 0.1 }, discriminator: { net: 'mlp', steps: 5 } });
    const elastic = resolveConfig({ data: 'x', model: 'dcgan', loss: { kind: 'elastic' } }, IMAGES);
    expect(elastic).toMatchObject({ generator: { net: 'dcgan' }, discriminator: { net: 'none' } });
    const opposed = resolveConfig({ data: 'x', model: 'eieg', loss: { kind: 'mmd' } }, POINTS);
    expect(opposed).toMatchObject({ discriminator: { net: 'mlp', features: 2 } });
  });

  it('has a hash of what decides the numbers, and of nothing else', () => {
    const config = resolveConfig({ data: 'x' }, IMAGES);
    const hash = configHash(config);
    expect(configHash(resolveConfig({ data: 'x', langevin: {} }, IMAGES))).toBe(hash);
    if (!inFamily(config, 'descriptive')) throw new Error('The default model is descriptive.');
    const { langevin, ...rest } = config;
    expect(configHash({ langevin, ...rest })).toBe(hash);
    expect(
      configHash({ ...config, iterations: 7, minutes: 1, threads: 9, checkpointEvery: 3, gridEvery: 4, samples: 5 }),
    ).toBe(hash);
    expect(configHash({ ...config, seed: 2 })).not.toBe(hash);
    expect(configHash({ ...config, langevin: { ...langevin, steps: langevin.steps + 1 } })).not.toBe(hash);
  });
});
