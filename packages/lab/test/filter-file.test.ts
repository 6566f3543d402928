import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NDArray, encodeModel, flatten } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { classifierNet, decodeTensors, encodeTensors } from 'brownian';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { fakeEngine } from './support/fake-engine.ts';
import { nodeEngine } from '../src/engine.ts';
import { brownian, isOneSentence } from './support/command.ts';
import { temporaryFolder, tinyImages } from './support/files.ts';

/** Weights of VGG-16 in torchvision's naming, with an array that is not needed. */
function vggFile(folder: string): string {
  const draw = createStream('vgg');
  const layers: [string, number[]][] = [
    ['features.0', [64, 3, 3, 3]],
    ['features.2', [64, 64, 3, 3]],
    ['features.5', [128, 64, 3, 3]],
    ['features.7', [128, 128, 3, 3]],
    ['features.10', [4, 4, 1, 1]],
  ];
  const tensors = new Map(
    layers.flatMap(([name, shape]): [string, NDArray][] => {
      const w = draw.normal(shape);
      const scaled = { ...w, data: (w.data as Float32Array).map((v) => 0.05 * v) };
      return [
        [`${name}.weight`, scaled],
        [`${name}.bias`, draw.normal(shape.slice(0, 1))],
      ];
    }),
  );
  const path = join(folder, 'vgg.safetensors');
  writeFileSync(path, Buffer.concat(encodeTensors({ tensors, metadata: {} })));
  return path;
}

function classifierFile(folder: string, itemShape: readonly number[]): string {
  const { leaves, paths } = flatten<NDArray>(classifierNet(itemShape, 3).init(createStream(1)));
  const path = join(folder, 'classifier.safetensors');
  const tensors = new Map(paths.map((name, i) => [name, leaves[i] as NDArray]));
  writeFileSync(path, Buffer.concat(encodeTensors({ tensors, metadata: {} })));
  return path;
}

/** A convolution and a rectification of grey images. */
function onnxFile(): Uint8Array {
  const x = { name: 'x', dtype: 'float32', shape: [1, 1, 6, 6] } as const;
  return encodeModel({
    name: 'net',
    opsets: { '': 18 },
    nodes: [
      { op: 'Conv', domain: '', inputs: ['x', 'w'], outputs: ['inner'], attributes: {} },
      { op: 'Relu', domain: '', inputs: ['inner'], outputs: ['out'], attributes: {} },
    ],
    initializers: [{ ...createStream('w').normal([4, 1, 3, 3]), name: 'w' }],
    inputs: [x],
    outputs: [{ name: 'out', dtype: 'float32', shape: [1, 4, 4, 4] }],
  });
}

const SHORT = ['--iterations', '2', '--batch-size', '3', '--steps', '2', '--samples', '2', '--sampling.steps', '1'];

describe('--filters', () => {
  it.each(['pgcn', 'w-pgcn', 'gcn', 'wgcn'])(
    'takes weights of VGG-16 from a file, for %s; the run keeps what it needs of them',
    { timeout: 60_000 },
    async (model) => {
      const folder = temporaryFolder();
      const [data, weights, out] = [tinyImages(folder), vggFile(folder), join(folder, 'run')];
      const train = ['train', data, '--model', model, '--filters', weights, '--out', out, ...SHORT];
      expect(await brownian(train, { open: nodeEngine.open })).toMatchObject({ code: 0, err: '' });
      const kept = decodeTensors(readFileSync(join(out, 'filters.safetensors')), 'kept');
      expect(kept.tensors.size).toBe(8);
      writeFileSync(weights, 'gone');
      const samples = join(folder, 'samples.npy');
      expect(await brownian(['sample', out, '--n', '2', '--out', samples], nodeEngine)).toMatchObject({ code: 0 });
      expect(await brownian(['resume', out, '--iterations', '3'], { open: nodeEngine.open })).toMatchObject({
        code: 0,
        err: '',
      });
    },
  );

  it(
    'takes the trunk of a classifier trained on the data, and then the same from its file',
    { timeout: 60_000 },
    async () => {
      vi.stubEnv('BROWNIAN_CACHE', temporaryFolder());
      onTestFinished(() => void vi.unstubAllEnvs());
      const folder = temporaryFolder();
      const trained = join(folder, 'trained');
      const kept = join(trained, 'filters.safetensors');
      const train = ['train', 'mnist', '--limit', '100', '--model', 'pgcn', ...SHORT];
      for (const [filters, out] of [
        ['classifier', trained],
        [kept, join(folder, 'read')],
      ] as const) {
        const ended = await brownian([...train, '--filters', filters, '--out', out], { open: nodeEngine.open });
        expect(ended).toMatchObject({ code: 0, err: '' });
      }
      const finals = [trained, join(folder, 'read')].map((out) => readFileSync(join(out, 'samples/final.png')));
      expect(finals[1]).toEqual(finals[0]);
    },
  );

  it('takes a network of an ONNX file, or a value inside it, and keeps the file', { timeout: 60_000 }, async () => {
    const folder = temporaryFolder();
    const [data, file] = [tinyImages(folder), join(folder, 'net.onnx')];
    writeFileSync(file, onnxFile());
    const samples: Buffer[] = [];
    for (const filters of [file, `${file}#inner`]) {
      const out = join(folder, filters === file ? 'whole' : 'part');
      const train = ['train', data, '--model', 'w-pgcn', '--filters', filters, '--out', out, ...SHORT];
      expect(await brownian(train, { open: nodeEngine.open })).toMatchObject({ code: 0, err: '' });
      const drawn = join(folder, 'samples.npy');
      expect(await brownian(['sample', out, '--n', '2', '--out', drawn], nodeEngine)).toMatchObject({ code: 0 });
      samples.push(readFileSync(drawn));
    }
    expect(samples[0]).not.toEqual(samples[1]);
    const unknown = await brownian(['train', data, '--model', 'pgcn', '--filters', `${file}#other`], fakeEngine());
    expect(unknown.err).toBe(`brownian: ${file} has no value called "other"; its outputs are "out".\n`);
    writeFileSync(file, 'no model');
    const broken = await brownian(['train', data, '--model', 'pgcn', '--filters', file], fakeEngine());
    expect(broken.err).toContain(`${file} is not a valid ONNX model`);
    expect(isOneSentence(broken.err)).toBe(true);
  });

  it.each([
    ['gabro', 'There are no filters called "gabro"; did you mean "gabor"?'],
    ['nowhere.safetensors', 'Cannot read nowhere.safetensors: it does not exist.'],
    [
      'http://127.0.0.1:9/vgg.safetensors',
      'The weights of VGG-16 cannot be fetched (http://127.0.0.1:9/vgg.safetensors cannot be read',
    ],
  ])('%s is refused in a sentence, before there is a run', async (filters, message) => {
    vi.stubEnv('BROWNIAN_CACHE', temporaryFolder());
    onTestFinished(() => void vi.unstubAllEnvs());
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const ended = await brownian(['train', tinyImages(folder), '--filters', filters, '--out', out], fakeEngine());
    expect(ended.code).toBe(1);
    expect(ended.err).toContain(message);
    expect(isOneSentence(ended.err)).toBe(true);
    expect(existsSync(out)).toBe(false);
  });

  it('says that filters do not fit the images, and that data have no classes', async () => {
    const folder = temporaryFolder();
    const data = tinyImages(folder);
    const colour = classifierFile(folder, [3, 6, 6]);
    const ended = await brownian(['train', data, '--model', 'pgcn', '--filters', colour], fakeEngine());
    expect(ended.err).toContain(`--filters ${colour} does not take items of shape [1, 6, 6]: conv2d: `);
    expect(isOneSentence(ended.err)).toBe(true);
    rmSync(join(data, 'train-labels-idx1-ubyte'));
    const unnamed = await brownian(['train', data, '--model', 'pgcn', '--filters', 'classifier'], fakeEngine());
    expect(unnamed.err).toContain('--filters classifier needs data with labels of two classes or more');
    expect(isOneSentence(unnamed.err)).toBe(true);
    const points = await brownian(['train', '8-gaussians', '--filters', 'vgg'], fakeEngine());
    expect(points.err).toContain('vgg');
    expect(isOneSentence(points.err)).toBe(true);
  });
});
