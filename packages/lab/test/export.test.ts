import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NDArray, type Tensor, decodeModel, float32Data, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { type ExportedFunction, builtIn, dcganGenerator } from 'brownian';
// oxlint-disable-next-line no-restricted-imports -- the files must run without any of our packages
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nodeEngine } from '../src/engine.ts';
import { exportFunction } from '../src/export/onnx.ts';
import { openTrained } from '../src/commands/trained.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { digitFiles, temporaryFolder } from './support/files.ts';

const MODEL = ['--potential.channels', '4,6', '--potential.hidden', '8', '--chains.buffer-size', '16'];

/** Writes images of 12×12 pixels into a folder for each of three classes, and returns the folder of these. */
async function threeClasses(folder: string): Promise<string> {
  for (const [label, name] of ['ants', 'bees', 'cows'].entries()) {
    mkdirSync(join(folder, 'images', name), { recursive: true });
    for (let i = 0; i < 4; i++) {
      const pixels = Uint8Array.from({ length: 144 }, (_, k) => (k * 37 * (label + 1) + 11 * i) % 256);
      const image = sharp(pixels, { raw: { width: 12, height: 12, channels: 1 } });
      await image.png().toFile(join(folder, 'images', name, `${i}.png`));
    }
  }
  return join(folder, 'images');
}

/** A model, wGCN unless another is given, trained for two iterations on images of 12×12 pixels, in three classes where it takes them. */
async function trained(folder: string, model: readonly string[] = ['wgcn', ...MODEL]): Promise<string> {
  const out = join(folder, 'run');
  const [name = '', ...flags] = model;
  const data = flags.includes('--classes') ? await threeClasses(folder) : digitFiles(folder);
  const argv = ['train', data, '--model', name, '--iterations', '2', '--batch-size', '8', ...flags];
  const ended = await brownian(
    [...argv, '--langevin.steps', '2', '--sampling.steps', '2', '--samples', '4', '--out', out],
    nodeEngine,
  );
  expect(ended).toMatchObject({ code: 0 });
  return out;
}

/** Runs an exported file by ONNX Runtime alone. */
async function runAlone(file: string, feeds: Readonly<Record<string, NDArray>>): Promise<Record<string, OrtTensor>> {
  const session = await InferenceSession.create(file);
  const given = Object.entries(feeds).map(([name, { data, shape }]) => [
    name,
    new OrtTensor('float32', data as Float32Array, shape),
  ]);
  const results = await session.run(Object.fromEntries(given) as Record<string, OrtTensor>);
  await session.release();
  return results;
}

function gap(a: Float32Array, b: Float32Array): number {
  const scale = Math.max(...a.map(Math.abs));
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] as number)))) / scale;
}

/** What an exported function takes, for so many items: noise, or what the input stands for. */
function feedsFor({ inputs }: ExportedFunction, batch: number): NDArray[] {
  return inputs.map(({ name, shape }) => {
    const sizes = shape.map((size) => (size === 'batch' ? batch : size));
    const noise = createStream(name).normal(sizes);
    if (name === 'label')
      return oneHot(
        Array.from({ length: batch }, (_, i) => (i + 1) % (sizes[1] as number)),
        sizes[1] as number,
      );
    // 1 for pixels that are known.
    return name === 'known'
      ? ndarray(
          float32Data(noise).map((value) => (value > 0 ? 1 : 0)),
          sizes,
        )
      : noise;
  });
}

/** A weight of 1 for each of these labels, 0 for the others. */
function oneHot(labels: readonly number[], classes: number): NDArray {
  const weights = labels.flatMap((label) => Array.from({ length: classes }, (_, i) => (i === label ? 1 : 0)));
  return ndarray(Float32Array.from(weights), [labels.length, classes]);
}

const DESCRIPTIVE = ['potential', 'langevin-step', 'features'];
const GENERALIZED = ['ggcn-star', '--potential.channels', '4,6', '--hidden.dim', '5'];

describe('brownian export', () => {
  it.each([
    ['wgcn', ['wgcn', ...MODEL], DESCRIPTIVE],
    ['wgcn with labels', ['wgcn', ...MODEL, '--classes', '3'], DESCRIPTIVE],
    ['ggcn-star', GENERALIZED, ['generator', ...DESCRIPTIVE]],
    ['ggcn-star with labels', [...GENERALIZED, '--classes', '3'], ['generator', ...DESCRIPTIVE]],
    [
      'ggcn-star of masked images',
      ['ggcn-star', '--potential.channels', '4,6', '--upsampling.width', '4', '--hidden.start', 'masked'],
      ['generator', ...DESCRIPTIVE],
    ],
  ])(
    'writes files of %s that onnxruntime-node alone runs to the same numbers, for any batch',
    { timeout: 60_000 },
    async (_, model, names) => {
      const run = await trained(temporaryFolder(), model);
      const ended = await brownian(['export', run], nodeEngine);
      expect(ended).toMatchObject({ code: 0, err: '' });
      const folder = join(run, 'export');
      const files = ['README.md', ...names.map((name) => `${name}.onnx`)];
      expect(readdirSync(folder).toSorted()).toEqual(files.toSorted());
      const opened = await openTrained({ engine: nodeEngine, print: () => undefined } as never, run);
      onTestFinished(() => opened.close());
      const runtime = nodeRuntime({ threads: 1 });
      onTestFinished(() => runtime.dispose());
      const functions = opened.learner.exports?.(opened.state) as readonly ExportedFunction[];
      expect(functions.map(({ name }) => name)).toEqual(names);
      for (const fn of functions) {
        const { name, apply, inputs, outputs } = fn;
        const file = join(folder, `${name}.onnx`);
        const written = decodeModel(readFileSync(file), name);
        expect(Object.keys(written.opsets), 'no domain but the standard').toEqual(['']);
        expect(written.inputs.map((value) => value.shape)).toEqual(inputs.map(({ shape }) => shape));
        expect(ended.out).toContain(
          `${name}.onnx: ${inputs.map((value) => `${value.name} [${value.shape.join(', ')}]`).join(', ')} → `,
        );
        const compiled = runtime.compile((...x: Tensor[]) => apply(...x));
        for (const batch of [1, 5]) {
          const feeds = feedsFor(fn, batch);
          const wanted = await compiled(...feeds);
          const found = await runAlone(
            file,
            Object.fromEntries(inputs.map((value, i) => [value.name, feeds[i] as NDArray])),
          );
          outputs.forEach((output, i) => {
            expect(found[output.name]?.dims).toEqual(wanted[i]?.shape);
            // Sums of float32 in the orders of different kernels.
            expect(gap(float32Data(wanted[i] as NDArray), found[output.name]?.data as Float32Array)).toBeLessThan(1e-5);
          });
        }
      }
    },
  );

  it.each([
    ['wgcn', ['wgcn', ...MODEL], undefined],
    ['ggcn-star', GENERALIZED, undefined],
    ['ggcn-star with labels', [...GENERALIZED, '--classes', '3'], [2, 0, 1]],
  ])('writes files that draw the samples that a run of %s draws, step by step', async (_, model, labels) => {
    const run = await trained(temporaryFolder(), model);
    await brownian(['export', run], nodeEngine);
    const { learner, state, close } = await openTrained({ engine: nodeEngine, print: () => undefined } as never, run);
    onTestFinished(close);
    const asked = labels && { dtype: 'int32' as const, shape: [3], data: Int32Array.from(labels) };
    const wanted = await learner.sample(state, 3, createStream(5), asked);
    const draw = createStream(5);
    const label = labels && { label: oneHot(labels, 3) };
    const file = (name: string): string => join(run, 'export', `${name}.onnx`);
    const begin = async (): Promise<NDArray> => {
      if (model[0] === 'wgcn') return draw.uniform(wanted.shape, -1, 0);
      const made = await runAlone(file('generator'), { z: draw.normal([3, 5]), ...label });
      return ndarray(made['x']?.data as Float32Array, wanted.shape);
    };
    let x = await begin();
    for (let step = 0; step < 2; step++) {
      const moved = await runAlone(file('langevin-step'), { x, noise: draw.normal(wanted.shape), ...label });
      x = ndarray(moved['moved']?.data as Float32Array, wanted.shape);
    }
    expect(gap(float32Data(wanted), x.data as Float32Array)).toBeLessThan(1e-4);
  });

  it('writes a card with data, settings, scores, shapes and how to run the files', async () => {
    const run = await trained(temporaryFolder());
    await brownian(['export', run, '--out', join(run, 'elsewhere')], nodeEngine);
    const card = readFileSync(join(run, 'elsewhere', 'README.md'), 'utf8');
    expect(card).toMatch(/^# wGCN on /);
    for (const part of [
      '| input | `noise` | float32 [batch, 1, 12, 12] |',
      '| output | `potential` | float32 [batch] |',
      'Takes any number of items at a time.',
      "ort.InferenceSession.create('potential.onnx')",
      "x: new ort.Tensor('float32', new Float32Array(144), [1, 1, 12, 12])",
      'Licence of the data: not known to this program',
      '"bufferSize": 16',
      'None were measured: `brownian evaluate` does.',
      '2 iterations in',
    ])
      expect(card).toContain(part);
    expect(card).not.toMatch(/NaN|undefined/);
  });

  it('replaces an earlier export whole, and no other file', async () => {
    const folder = temporaryFolder();
    const [run, out] = [await trained(folder), join(folder, 'model')];
    expect(await brownian(['export', run, '--out', out], nodeEngine)).toMatchObject({ code: 0, err: '' });
    const other = join(folder, 'other');
    mkdirSync(other);
    const generator = await trained(other, GENERALIZED);
    expect(await brownian(['export', generator, '--out', out], nodeEngine)).toMatchObject({ code: 0, err: '' });
    expect(await brownian(['export', run, '--out', out], nodeEngine)).toMatchObject({ code: 0, err: '' });
    expect(readdirSync(out).toSorted()).toEqual(['README.md', ...DESCRIPTIVE.map((name) => `${name}.onnx`)].toSorted());
    const card = readFileSync(join(out, 'README.md'), 'utf8');
    const refused = async (file: string): Promise<void> =>
      expect(await brownian(['export', generator, '--out', out], nodeEngine)).toMatchObject({
        code: 1,
        err: `brownian: The folder ${out} has ${file}, which is not of an export; give another folder with --out.\n`,
      });
    writeFileSync(join(out, 'mine.onnx'), '');
    await refused('mine.onnx');
    expect(readFileSync(join(out, 'README.md'), 'utf8')).toBe(card);
    for (const name of readdirSync(out)) rmSync(join(out, name));
    writeFileSync(join(out, 'README.md'), '# My project');
    await refused('README.md');
    expect(readFileSync(join(out, 'README.md'), 'utf8')).toBe('# My project');
    const file = await brownian(['export', run, '--out', join(out, 'README.md')], nodeEngine);
    expect(file.err).toBe(
      `brownian: Cannot export into ${join(out, 'README.md')}: part of the path is not a folder.\n`,
    );
  });

  it('exports every grid of a multi-grid model', async () => {
    const grids = ['m-gcn', '--potential.channels', '4,6', '--grids.sizes', '3,12'];
    const run = await trained(temporaryFolder(), grids);
    const ended = await brownian(['export', run], nodeEngine);
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out).toContain('potential-3.onnx: x [batch, 1, 3, 3] → potential [batch]');
    expect(ended.out).toContain('langevin-step-12.onnx: x [batch, 1, 12, 12], noise [batch, 1, 12, 12] → moved');
  });

  it('says that a model has nothing to export, and that there is nothing trained', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    await brownian(['train', digitFiles(folder), '--iterations', '2', '--batch-size', '4', '--out', out]);
    const none = await brownian(['export', out]);
    expect(none.err).toBe(`brownian: fake has no functions to export; ${out} can only be used with brownian.\n`);
    const nowhere = await brownian(['export', join(folder, 'nowhere')]);
    expect(isOneSentence(nowhere.err)).toBe(true);
    const batch = await brownian(['export', out, '--batch', 'many']);
    expect(batch.err).toContain('--batch is "many"; it must be a whole number from 1 to 100000.');
  });
});

describe('a function as a file', () => {
  const runtime = nodeRuntime({ threads: 1 });

  it('has one batch where its results depend on the batch', async () => {
    const net = dcganGenerator({ output: [1, 8, 8], width: 4 })([3]);
    const weights = builtIn(net.init(createStream(1)));
    const fn: ExportedFunction = {
      name: 'generator',
      description: 'Makes images.',
      inputs: [{ name: 'z', shape: ['batch', 3], description: 'noise' }],
      outputs: [{ name: 'x', description: 'images' }],
      apply: (z) => [net.apply(weights, z)],
    };
    const file = await exportFunction(runtime, fn, 6);
    expect(file).toMatchObject({
      batch: 6,
      inputs: [{ name: 'z', shape: [6, 3] }],
      outputs: [{ name: 'x', shape: [6, 1, 8, 8] }],
    });
    expect(file.difference).toBeLessThan(1e-5);
    expect(await exportFunction(runtime, { ...fn, batch: 4 })).toMatchObject({ batch: 4 });
    expect(await exportFunction(runtime, { ...fn, batch: 4 }, 5)).toMatchObject({ batch: 5 });
  });

  it('leaves out an input that nothing depends on', async () => {
    const item = { shape: ['batch', 2] as const, description: 'points' };
    const file = await exportFunction(
      runtime,
      {
        name: 'twice',
        description: 'Doubles.',
        inputs: [
          { name: 'unused', ...item },
          { name: 'x', ...item },
        ],
        outputs: [{ name: 'doubled', description: 'points' }],
        apply: (_, x: Tensor) => [x.mul(2)],
      },
      1,
    );
    expect(file).toMatchObject({ batch: null, difference: 0, inputs: [{ name: 'x', shape: ['batch', 2] }] });
    await runtime.dispose();
  });
});
