import { type NDArray, type Tensor, ndarray, sizeOf } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import type { Params, SymbolicParams } from '../../src/interfaces.ts';
import { autoEncoder } from '../../src/nets/auto-encoder.ts';
import { dcganGenerator } from '../../src/nets/dcgan.ts';
import { v0Generator, v0Synthesizer } from '../../src/nets/ggcn-v0.ts';
import { labelledGenerator } from '../../src/nets/labelled.ts';
import { conv, dense, normalise } from '../../src/nets/layers.ts';
import type { Net } from '../../src/nets/net.ts';
import { resNet50, resNet50Generator } from '../../src/nets/resnet50.ts';
import { deconv, unflatten } from '../../src/nets/upsampling.ts';
import { expectSentence, messageOf } from '../support/rows.ts';
import { numbersOf } from '../support/trees.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

function applied(net: Net, params: Params, x: NDArray): Promise<NDArray> {
  return runtime.compile((p: SymbolicParams, batch: Tensor) => net.apply(p, batch))(params, x);
}

describe('networks of particles', () => {
  const cases: readonly [string, Net][] = [
    ['v0Synthesizer', v0Synthesizer([1, 2, 2, 2, 4])([1, 32, 32])],
    ['v0Generator', v0Generator([1, 32, 32], [1, 2, 2, 2, 4])([3])],
    ['autoEncoder', autoEncoder({ output: [1, 8, 9], width: 2 })([2 * 8 * 9])],
    ['resNet50', resNet50({ width: 1, blocks: [1, 1, 1, 1] })([1, 16, 16])],
    ['resNet50Generator', resNet50Generator([1, 8, 8], { width: 1, blocks: [1, 1, 1, 1] })([3])],
    ['dcganGenerator that normalises each image', dcganGenerator({ output: [1, 8, 8], width: 2, norm: 'image' })([3])],
  ];
  test.each(cases)('%s makes of an item the same whatever else is in its batch', async (label, net) => {
    const params = net.init(createStream(1));
    const x = createStream(label).normal([2, ...net.inputShape]);
    const size = sizeOf(net.inputShape);
    const both = numbersOf(await applied(net, params, x));
    const alone = await applied(net, params, {
      ...x,
      shape: [1, ...net.inputShape],
      data: x.data.slice(0, size),
    });
    expect(numbersOf(alone)).toEqual(both.slice(0, both.length / 2));
  });

  test('the batch does enter a dcganGenerator with batch normalisation', async () => {
    const net = dcganGenerator({ output: [1, 8, 8], width: 2 })([3]);
    const params = net.init(createStream(1));
    const x = createStream('z').normal([2, 3]);
    const both = numbersOf(await applied(net, params, x));
    const alone = numbersOf(await applied(net, params, { ...x, shape: [1, 3], data: x.data.slice(0, 3) }));
    expect(alone).not.toEqual(both.slice(0, both.length / 2));
  });

  test('normalise gives each group of channels mean 0 and variance 1', async () => {
    const net = normalise()([16, 3, 3]);
    const values = numbersOf(await applied(net, net.init(createStream(1)), createStream(2).normal([2, 16, 3, 3])));
    for (let from = 0; from < values.length; from += 72) {
      const group = values.slice(from, from + 72);
      const mean = group.reduce((a, b) => a + b, 0) / 72;
      // The ε of 1e-5 under the root, and double precision.
      expect(Math.abs(mean)).toBeLessThan(1e-12);
      expect(Math.abs(group.reduce((a, b) => a + b * b, 0) / 72 - 1)).toBeLessThan(1e-4);
    }
  });

  test('deconv is the adjoint of conv with its filters', async () => {
    const geometry = { kernel: 3, stride: 2, padding: 1 };
    const up = deconv({ channels: 2, ...geometry })([3, 4, 4]);
    const { w } = up.init(createStream(1)) as { w: NDArray };
    const down = conv({ channels: 3, ...geometry })([2, 7, 7]);
    const [x, y] = [createStream('x').normal([1, 2, 7, 7]), createStream('y').normal([1, 3, 4, 4])];
    const bias = (n: number): NDArray => ndarray(new Float32Array(n), [n]);
    const dot = (a: NDArray, b: NDArray): number =>
      numbersOf(a).reduce((sum, value, i) => sum + value * (numbersOf(b)[i] as number), 0);
    const left = dot(await applied(down, { w, b: bias(3) }, x), y);
    // Double precision over some hundred terms of size 1.
    expect(Math.abs(left - dot(x, await applied(up, { w, b: bias(2) }, y)))).toBeLessThan(1e-11);
  });

  test('a label moves what a labelled generator makes, and a blend of labels lies between', async () => {
    const generator = labelledGenerator(dense(2), { dim: 3, classes: 4, embedding: 5 });
    const params = generator.init(createStream(1));
    const z = createStream(2).normal([1, 3]);
    const labelled = runtime.compile((p: SymbolicParams, at: Tensor, y: Tensor) => generator.apply(p, at, y));
    const blended = runtime.compile((p: SymbolicParams, at: Tensor, w: Tensor) => generator.blend(p, at, w));
    const of = async (label: number): Promise<number[]> =>
      numbersOf(await labelled(params, z, ndarray(Int32Array.of(label), [1])));
    const [first, third] = [await of(0), await of(2)];
    expect(first).not.toEqual(third);
    const between = numbersOf(await blended(params, z, ndarray([0.5, 0, 0.5, 0], [1, 4])));
    // A dense layer is affine in the embedding; double precision.
    between.forEach((value, i) =>
      expect(Math.abs(value - ((first[i] as number) + (third[i] as number)) / 2)).toBeLessThan(1e-12),
    );
  });
});

test.each<[string, () => unknown, readonly string[]]>([
  ['a v0Synthesizer of 28×28', () => v0Synthesizer()([1, 28, 28]), ['v0Synthesizer', '64×64', '[1, 28, 28]']],
  [
    'a v0Generator of three layers',
    () => v0Generator([1, 32, 32], [1, 2, 3]),
    ['v0Generator', '5 layers', '3 numbers'],
  ],
  ['a v0Generator of images', () => v0Generator([1, 32, 32])([2, 2]), ['v0Generator', '[2, 2]']],
  ['a resNet50Generator of 28×28', () => resNet50Generator([1, 28, 28]), ['resNet50Generator', 'multiples of 8']],
  ['a deconv that leaves nothing', () => deconv({ channels: 1, kernel: 2, padding: 2 })([1, 1, 1]), ['deconv', '2×2']],
  ['an unflatten of another size', () => unflatten([2, 2])([5]), ['unflatten', '[2, 2]', '4 values', '[5]']],
  [
    'a labelledGenerator without the labels of its classes',
    () => {
      const generator = labelledGenerator(dense(2), { dim: 3, classes: 4, embedding: 5 });
      return runtime.compile((p: SymbolicParams, z: Tensor) => generator.apply(p, z))(
        generator.init(createStream(1)),
        ndarray([1, 2, 3], [1, 3]),
      );
    },
    ['labelledGenerator', '4 classes', 'labels'],
  ],
])('%s is refused in a clear sentence', async (_, call, fragments) => {
  expectSentence(await messageOf(call), ...fragments);
});
