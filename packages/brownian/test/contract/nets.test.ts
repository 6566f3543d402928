import { type NDArray, type Shape, type Tensor, encodeModel, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import type { Params, SymbolicParams } from '../../src/interfaces.ts';
import { classifierFilters, classifierNet } from '../../src/metrics/classifier.ts';
import { ACTIVATIONS } from '../../src/nets/activations.ts';
import * as encoders from '../../src/nets/auto-encoder.ts';
import * as dcgan from '../../src/nets/dcgan.ts';
import * as gabor from '../../src/nets/gabor.ts';
import * as v0 from '../../src/nets/ggcn-v0.ts';
import * as labels from '../../src/nets/labelled.ts';
import * as layers from '../../src/nets/layers.ts';
import * as perceptron from '../../src/nets/mlp.ts';
import * as nets from '../../src/nets/net.ts';
import * as onnx from '../../src/nets/onnx.ts';
import * as scales from '../../src/nets/pyramid.ts';
import * as resnet from '../../src/nets/resnet50.ts';
import * as filling from '../../src/nets/smooth-fill.ts';
import * as upsampling from '../../src/nets/upsampling.ts';
import * as vgg from '../../src/nets/vgg.ts';
import * as residual from '../../src/nets/wide-resnet.ts';
import { expectRows, expectSentence, exportedFunctions, implementations, messageOf } from '../support/rows.ts';
import { expectScores, gaussianScores } from '../support/statistics.ts';
import { differences, expectSameBits, nonFinite, numbersOf, typesOf } from '../support/trees.ts';

const { conv, dense, flatten, normalFanIn, normalise, pointwise, pool } = layers;
const { deconv, unflatten, upsample } = upsampling;
const { resNet50, resNet50Generator } = resnet;
const { v0Generator, v0Synthesizer } = v0;
const { autoEncoder } = encoders;
const { labelledGenerator } = labels;
const { dcganDiscriminator, dcganGenerator } = dcgan;
const { gaborBank } = gabor;
const { chain, withWeights } = nets;
const { pyramid } = scales;
const { wideResNet } = residual;
const { mlp } = perceptron;

interface LayerCase {
  readonly label: string;
  readonly layer: nets.Layer;
  readonly input: Shape;
  readonly output: Shape;
}

function layer(label: string, made: nets.Layer, input: Shape, output: Shape): LayerCase {
  return { label, layer: made, input, output };
}

const square = pointwise((x) => x.square());

/** Two 1×1 filters of colour images, and their means. */
const ONNX = encodeModel({
  name: 'net',
  opsets: { '': 17 },
  nodes: [
    { op: 'Conv', domain: '', inputs: ['x', 'w'], outputs: ['y'], attributes: {} },
    { op: 'ReduceMean', domain: '', inputs: ['y'], outputs: ['means'], attributes: { axes: [2, 3], keepdims: 0 } },
  ],
  initializers: [{ ...createStream('w').normal([2, 3, 1, 1]), name: 'w' }],
  inputs: [{ name: 'x', dtype: 'float32', shape: [1, 3, 8, 8] }],
  outputs: [{ name: 'y', dtype: 'float32', shape: [1, 2, 8, 8] }],
});

const vggConvolution = (out: number, channels: number): vgg.VggConvolution => ({
  w: createStream(`vgg ${out} ${channels}`).normal([out, channels, 3, 3]),
  b: createStream('vgg bias').normal([out]),
});
const VGG: vgg.VggWeights = {
  convolutions: [vggConvolution(64, 3), vggConvolution(64, 64), vggConvolution(128, 64), vggConvolution(128, 128)],
  input: vgg.VGG_ORIGINAL_INPUT,
};

/** Layers and networks by the name of their export; shapes worked out by hand. */
const ROWS: Readonly<Record<string, readonly LayerCase[]>> = {
  conv: [
    layer('conv that keeps the size', conv({ channels: 3, kernel: 3 }), [2, 7, 5], [3, 7, 5]),
    layer('conv with a stride', conv({ channels: 4, kernel: 5, stride: 2 }), [1, 7, 8], [4, 4, 4]),
    layer('conv with an even kernel', conv({ channels: 2, kernel: 4, stride: 2, padding: 1 }), [1, 6, 6], [2, 3, 3]),
    layer('conv to one pixel', conv({ channels: 2, kernel: 5, padding: 0 }), [3, 5, 5], [2, 1, 1]),
  ],
  dense: [layer('dense', dense(3), [4], [3])],
  flatten: [layer('flatten of images', flatten(), [2, 3, 4], [24]), layer('flatten of points', flatten(), [5], [5])],
  pointwise: [layer('pointwise', square, [2, 3], [2, 3])],
  pool: [
    layer('pool', pool(2), [3, 4, 6], [3, 2, 3]),
    layer('pool that leaves a rest', pool([2, 3]), [1, 5, 7], [1, 2, 2]),
  ],
  normalise: [
    layer('normalise over groups', normalise(), [16, 2, 3], [16, 2, 3]),
    layer('normalise of an odd number of channels', normalise(), [3, 4, 4], [3, 4, 4]),
  ],
  deconv: [
    layer('deconv from a pixel', deconv({ channels: 3, kernel: 4 }), [2, 1, 1], [3, 4, 4]),
    layer(
      'deconv with a stride',
      deconv({ channels: 2, kernel: 5, stride: 2, padding: 2, outputPadding: 1 }),
      [1, 4, 3],
      [2, 8, 6],
    ),
    layer(
      'deconv cut off on one side',
      deconv({ channels: 1, kernel: 2, padding: [0, 0, 1, 1] }),
      [2, 5, 5],
      [1, 5, 5],
    ),
  ],
  unflatten: [layer('unflatten', unflatten([2, 3, 1]), [6], [2, 3, 1])],
  upsample: [layer('upsample', upsample(3), [2, 2, 1], [2, 6, 3])],
  v0Synthesizer: [
    layer('v0Synthesizer', v0Synthesizer([1, 2, 2, 2, 8]), [3, 64, 64], [8, 1, 1]),
    layer('v0Synthesizer of 32×32', v0Synthesizer([1, 2, 2, 2, 4]), [1, 32, 32], [4, 1, 1]),
  ],
  v0Generator: [
    layer('v0Generator', v0Generator([3, 64, 64], [1, 2, 2, 2, 8]), [5], [3, 64, 64]),
    layer('v0Generator of 32×32', v0Generator([1, 32, 32], [1, 2, 2, 2, 4]), [3], [1, 32, 32]),
  ],
  resNet50: [
    layer('resNet50', resNet50({ width: 1, blocks: [1, 2, 1, 1] }), [3, 64, 64], [32]),
    layer('resNet50 of small images', resNet50({ width: 1, blocks: [1, 1, 1, 1] }), [1, 28, 28], [32]),
  ],
  resNet50Generator: [
    layer('resNet50Generator', resNet50Generator([3, 64, 64], { width: 1, blocks: [1, 1, 2, 1] }), [4], [3, 64, 64]),
    layer(
      'resNet50Generator of 16×8',
      resNet50Generator([1, 16, 8], { width: 1, blocks: [1, 1, 1, 1] }),
      [4],
      [1, 16, 8],
    ),
  ],
  autoEncoder: [
    layer('autoEncoder', autoEncoder({ output: [3, 16, 16], width: 2 }), [4 * 16 * 16], [3, 16, 16]),
    layer('autoEncoder of odd sizes', autoEncoder({ output: [1, 13, 7], width: 1 }), [2 * 13 * 7], [1, 13, 7]),
    layer('autoEncoder of a few pixels', autoEncoder({ output: [1, 3, 4], width: 3 }), [2 * 3 * 4], [1, 3, 4]),
  ],
  labelledGenerator: [
    layer(
      'labelledGenerator without labels',
      ([dim = 0]) => {
        const generator = labelledGenerator(dense(3), { dim, classes: 0, embedding: 2 });
        return { ...generator, apply: (params, z) => generator.apply(params, z) };
      },
      [4],
      [3],
    ),
  ],
  chain: [
    layer(
      'chain',
      chain(conv({ channels: 2, kernel: 3, stride: 2 }), square, pool(2), flatten(), dense(5)),
      [1, 8, 8],
      [5],
    ),
    layer('chain of nothing', chain(), [3], [3]),
  ],
  gaborBank: [
    layer('gaborBank', gaborBank(), [1, 8, 8], [52, 8, 8]),
    layer('gaborBank of colours', gaborBank({ wavelengths: [3], orientations: 2, spots: [] }), [3, 6, 5], [8, 6, 5]),
  ],
  withWeights: [
    layer('withWeights', (shape) => withWeights(dense(3)(shape), dense(3)(shape).init(createStream(9))), [4], [3]),
  ],
  vggTrunk: [
    layer('vggTrunk', vgg.vggTrunk(), [3, 5, 4], [128, 2, 2]),
    layer('vggTrunk up to its first layer', vgg.vggTrunk('relu1_1'), [3, 5, 4], [64, 5, 4]),
  ],
  vggFilters: [layer('vggFilters', vgg.vggFilters(VGG), [3, 4, 6], [128, 2, 3])],
  classifierFilters: [
    layer(
      'classifierFilters',
      (shape) => classifierFilters(classifierNet(shape, 4).init(createStream(9)))(shape),
      [2, 8, 6],
      [32, 4, 3],
    ),
  ],
  onnxFilters: [
    layer('onnxFilters', onnx.onnxFilters(ONNX), [3, 5, 4], [2, 5, 4]),
    layer('onnxFilters of grey images', onnx.onnxFilters(ONNX), [1, 3, 3], [2, 3, 3]),
    layer('onnxFilters with one number a channel', onnx.onnxFilters(ONNX, { output: 'means' }), [3, 5, 4], [2]),
  ],
  pyramid: [
    layer('pyramid of one scale', pyramid(vgg.vggFilters(VGG), 1), [3, 4, 6], [128, 2, 3]),
    layer('pyramid of two scales', pyramid(conv({ channels: 2, kernel: 3, stride: 2 }), 2), [1, 8, 4], [4, 4, 2]),
  ],
  wideResNet: [
    layer('wideResNet', wideResNet({ widths: [2, 3], blocks: 1 }), [1, 6, 5], [1]),
    layer('wideResNet with a dense layer', wideResNet({ widths: [2, 3], blocks: 1, hidden: 4 }), [1, 6, 5], [1]),
    layer('wideResNet of one width twice', wideResNet({ widths: [2, 2], blocks: 2 }), [3, 8, 8], [1]),
  ],
  dcganDiscriminator: [
    layer('dcganDiscriminator', dcganDiscriminator({ features: 3, width: 2 }), [3, 32, 32], [3]),
    layer('dcganDiscriminator of 28×28', dcganDiscriminator({ features: 1, width: 2, norm: false }), [1, 28, 28], [1]),
  ],
  dcganGenerator: [
    layer('dcganGenerator', dcganGenerator({ output: [3, 32, 32], width: 2 }), [5], [3, 32, 32]),
    layer('dcganGenerator of 4×8', dcganGenerator({ output: [1, 4, 8], width: 2, norm: 'image' }), [5], [1, 4, 8]),
  ],
  mlp: [
    layer('mlp', mlp({ widths: [4, 3], output: [2], activation: ACTIVATIONS.leakyRelu }), [2], [2]),
    layer(
      'mlp of images',
      mlp({ widths: [4], output: [1, 3, 3], activation: ACTIVATIONS.relu, last: ACTIVATIONS.tanh }),
      [5],
      [1, 3, 3],
    ),
  ],
  classifierNet: [layer('classifierNet', (shape) => classifierNet(shape, 4), [1, 8, 8], [4])],
};

/** Exports of `src/nets` that are no layer: what draws weights, reads them, or builds them in, and parts of layers. */
const PARTS: ReadonlySet<string> = new Set([
  'builtIn',
  'fitsDcgan',
  'normalFanIn',
  'sides',
  'normaliseImages',
  'imageShape',
  'isVgg',
  'readVgg',
  'vggTensorNames',
  'smoothFill',
]);

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

function applied(net: nets.Net, params: Params, x: NDArray): Promise<NDArray> {
  return runtime.compile((p: SymbolicParams, batch: Tensor) => net.apply(p, batch))(params, x);
}

test('every layer and every network has a row', () => {
  const files = [
    'activations',
    'auto-encoder',
    'dcgan',
    'gabor',
    'ggcn-v0',
    'labelled',
    'layers',
    'mlp',
    'net',
    'onnx',
    'pyramid',
    'resnet50',
    'smooth-fill',
    'upsampling',
    'vgg',
    'wide-resnet',
  ];
  expect(implementations('nets')).toEqual(files);
  const exported = [
    layers,
    encoders,
    filling,
    dcgan,
    gabor,
    v0,
    labels,
    perceptron,
    nets,
    onnx,
    scales,
    resnet,
    upsampling,
    vgg,
    residual,
  ]
    .flatMap(exportedFunctions)
    .filter((name) => !PARTS.has(name));
  expectRows(ROWS, [...exported, 'classifierFilters', 'classifierNet']);
});

const CASES = Object.values(ROWS).flatMap((cases) => cases.map((item) => [item.label, item] as const));

describe.each(CASES)('%s', (label, { layer: make, input, output }) => {
  const net = make(input);

  test('declares the shape it gives, for any batch', async () => {
    expect([net.inputShape, net.outputShape]).toEqual([input, output]);
    for (const n of [1, 3]) {
      const y = await applied(net, net.init(createStream(1)), createStream(label).normal([n, ...input]));
      expect(y.shape).toEqual([n, ...output]);
      expect(nonFinite(y)).toEqual([]);
    }
  });

  test('draws its parameters from its key alone', () => {
    const fresh = net.init(createStream(1));
    expectSameBits(net.init(createStream(1)), fresh);
    expect(nonFinite(fresh)).toEqual([]);
    const weights = Object.keys(typesOf(fresh)).filter((path) => /(^|\.)[vw]$/.test(path));
    expect(differences(net.init(createStream(2)), fresh)).toEqual(weights);
  });
});

test('the layers of a chain draw weights of their own', () => {
  const [first, second] = chain(dense(3), dense(3))([3]).init(createStream(1)) as readonly Params[];
  expect(differences(first, second)).toEqual(['w']);
});

describe('what layers compute', () => {
  test('dense is x·w + b', async () => {
    const params = { w: ndarray([1, 2, 3, 4, 5, 6], [3, 2]), b: ndarray([10, 20]) };
    expect(numbersOf(await applied(dense(2)([3]), params, ndarray([1, 0, -1], [1, 3])))).toEqual([6, 16]);
  });

  test('conv is the cross-correlation of its filters, with its bias', async () => {
    const params = { w: ndarray([0, 0, 0, 0, 2, 0, 0, 0, 1], [1, 1, 3, 3]), b: ndarray([100]) };
    const net = conv({ channels: 1, kernel: 3 })([1, 2, 2]);
    expect(numbersOf(await applied(net, params, ndarray([1, 2, 3, 4], [1, 1, 2, 2])))).toEqual([106, 104, 106, 108]);
  });

  test('pool takes the largest value of each window, flatten keeps the order', async () => {
    const x = ndarray([1, 5, 2, 0, 3, 4, 9, 8], [1, 2, 2, 2]);
    expect(numbersOf(await applied(chain(pool([1, 2]), flatten())([2, 2, 2]), [[], []], x))).toEqual([5, 2, 4, 9]);
  });

  test('a pyramid answers an image with its filters on the image and on the means of its blocks, by the same weights', async () => {
    const bank = chain(conv({ channels: 2, kernel: 3 }), square);
    const [fine, coarse] = [[1, 4, 8] as const, [1, 2, 4] as const];
    const params = bank(fine).init(createStream(1));
    const small = createStream(2).normal([2, ...coarse]);
    // Every pixel of the small image is a block of four in the large one.
    const at = (i: number): number => Math.floor(i / 32) * 8 + Math.floor((i % 32) / 16) * 4 + Math.floor((i % 8) / 2);
    const large = ndarray(
      Float32Array.from({ length: 64 }, (_, i) => (small.data as Float32Array)[at(i)] as number),
      [2, ...fine],
    );
    const both = numbersOf(await applied(pyramid(bank, 2)(fine), params, large));
    const [direct, half] = [await applied(bank(fine), params, large), await applied(bank(coarse), params, small)].map(
      numbersOf,
    ) as [number[], number[]];
    const repeated = Array.from({ length: 128 }, (_, i) => half[Math.floor(i / 32) * 8 + at(i % 32)] as number);
    const of = (n: number): number[] => direct.slice(64 * n, 64 * n + 64).concat(repeated.slice(64 * n, 64 * n + 64));
    const expected = [0, 1].flatMap(of);
    // A mean of four equal float32 numbers, then sums of nine products of about 1.
    both.forEach((value, i) => expect(Math.abs(value - (expected[i] as number)), `at ${i}`).toBeLessThan(1e-5));
  });

  test.each([
    [12, 2],
    [3, 1],
  ])('normalFanIn of fan-in %d and gain %d draws from N(0, gain/fanIn)', (fanIn, gain) => {
    const values = normalFanIn(createStream(1), [50, 40], fanIn, gain) as NDArray;
    expect(values.shape).toEqual([50, 40]);
    expectScores(gaussianScores(numbersOf(values), 0, gain / fanIn));
  });
});

test.each<[string, () => unknown, readonly string[]]>([
  ['conv of points', () => conv({ channels: 1, kernel: 3 })([5]), ['conv', '[channels, height, width]', '[5]']],
  [
    'conv of an image smaller than the kernel',
    () => conv({ channels: 1, kernel: 5, padding: 0 })([1, 4, 9]),
    ['conv', '5×5', '4×9', 'padding 0'],
  ],
  ['dense of images', () => dense(3)([1, 4, 4]), ['dense', '[1, 4, 4]', 'flatten()']],
  ['pool of points', () => pool(2)([5]), ['pool', '[channels, height, width]', '[5]']],
  ['pool of an image smaller than the window', () => pool(4)([2, 8, 3]), ['pool', '4×4', '8×3']],
  ['gaborBank of points', () => gaborBank()([2]), ['gaborBank', '[channels, height, width]', '[2]']],
  [
    'gaborBank of waves that pixels cannot show',
    () => gaborBank({ wavelengths: [4, 2] }),
    ['gaborBank', 'more than 2 pixels', 'got 2'],
  ],
  [
    'a pyramid of images that do not halve as often',
    () => pyramid(square, 3)([1, 6, 4]),
    ['pyramid', '[1, 6, 4]', '3 scales', 'multiples of 4'],
  ],
  [
    'a pyramid of filters that shrink images unevenly',
    () => pyramid(conv({ channels: 1, kernel: 3, padding: 0 }), 2)([1, 8, 8]),
    ['pyramid', '[6, 6]', '[2, 2]', '1/2'],
  ],
  [
    'a dcganGenerator of images that do not halve',
    () => dcganGenerator({ output: [1, 9, 9] }),
    ['dcganGenerator', 'halve evenly', '[1, 9, 9]'],
  ],
  ['a dcganDiscriminator of points', () => dcganDiscriminator({ features: 1 })([2]), ['dcganDiscriminator', '[2]']],
  ['a dcganGenerator of images', () => dcganGenerator({ output: [1, 8, 8] })([2, 2]), ['dcganGenerator', '[2, 2]']],
  [
    'a chain whose layers do not fit',
    () => chain(conv({ channels: 2, kernel: 3 }), dense(3))([1, 4, 4]),
    ['dense', '[2, 4, 4]', 'flatten()'],
  ],
  [
    'a chain with the parameters of another',
    () => applied(chain(dense(3), square)([2]), chain(dense(3))([2]).init(createStream(1)), ndarray([1, 2], [1, 2])),
    ['chain', '2 layers', 'of 1'],
  ],
])('%s is refused in a clear sentence', async (_, call, fragments) => {
  expectSentence(await messageOf(call), ...fragments);
});
