import { type NDArray, type Tensor, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import type { SymbolicParams } from '../src/interfaces.ts';
import { DataError } from '../src/data/errors.ts';
import type { Layer } from '../src/nets/net.ts';
import {
  VGG_ORIGINAL_INPUT,
  VGG_TORCHVISION_INPUT,
  type VggInput,
  type VggWeights,
  readVgg,
  vggFilters,
  vggTensorNames,
  vggTrunk,
} from '../src/nets/vgg.ts';
import { differences, numbersOf } from './support/trees.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

const SHAPES = [
  [64, 3, 3, 3],
  [64, 64, 3, 3],
  [128, 64, 3, 3],
  [128, 128, 3, 3],
];
const ORIGINAL = ['conv1_1', 'conv1_2', 'conv2_1', 'conv2_2'];
const TORCHVISION = ['features.0', 'features.2', 'features.5', 'features.7'];

/** Weights that keep the size of responses, in the original's naming. */
function tensors(layers: readonly string[] = ORIGINAL): Map<string, NDArray> {
  const draw = createStream('vgg');
  return new Map(
    layers.flatMap((layer, i): (readonly [string, NDArray])[] => {
      const shape = SHAPES[i] as [number, number, number, number];
      const scale = Math.sqrt(2 / (shape[1] * 9)) / (i === 0 ? 60 : 1);
      const w = draw.normal(shape);
      const scaled = { ...w, data: (w.data as Float32Array).map((v) => v * scale) };
      return [
        [`${layer}.weight`, scaled],
        [`${layer}.bias`, draw.normal([shape[0]])],
      ];
    }),
  );
}

async function responses(layer: Layer, x: NDArray): Promise<number[]> {
  const net = layer(x.shape.slice(1));
  const y = await runtime.compile((image: Tensor) => net.apply([], image))(x);
  expect(y.shape).toEqual([x.shape[0], ...net.outputShape]);
  return numbersOf(y);
}

/** The same function of the image with weights for another input: channels in the other order, each scaled, and a shifted bias. */
function converted(weights: VggWeights, to: VggInput): VggWeights {
  const [{ w, b }, ...rest] = weights.convolutions;
  const from = weights.input;
  const data = new Float32Array(w.data.length);
  const bias = Float32Array.from(b.data as Float32Array);
  for (let o = 0; o < 64; o++) {
    for (let c = 0; c < 3; c++) {
      const source = from.channels === to.channels ? c : 2 - c;
      // u_from = (levels v − mean)/std with v = (u_to std' + mean')/levels'.
      const level = from.levels / to.levels;
      const scale = (level * (to.std[c] as number)) / (from.std[source] as number);
      const shift = (level * (to.mean[c] as number) - (from.mean[source] as number)) / (from.std[source] as number);
      for (let i = 0; i < 9; i++) {
        const value = Number(w.data[(o * 3 + source) * 9 + i]);
        data[(o * 3 + c) * 9 + i] = value * scale;
        bias[o] = (bias[o] as number) + value * shift;
      }
    }
  }
  return { convolutions: [{ w: ndarray(data, w.shape), b: ndarray(bias) }, ...rest] as never, input: to };
}

const weights = readVgg(tensors(), 'a file');
const image = createStream('image').uniform([2, 3, 8, 6], -1, 1);

describe('reading VGG-16', () => {
  test('the naming of the original and that of torchvision say what the input is', () => {
    expect(weights.input).toBe(VGG_ORIGINAL_INPUT);
    const other = readVgg(tensors(TORCHVISION), 'a file');
    expect(other.input).toBe(VGG_TORCHVISION_INPUT);
    expect(differences(other.convolutions, weights.convolutions)).toEqual([]);
  });

  test('needs eight arrays of all that a file has, by name', () => {
    const names = [...tensors(TORCHVISION).keys(), 'features.10.weight', 'classifier.0.weight'];
    expect(vggTensorNames(names, 'f')).toEqual([...tensors(TORCHVISION).keys()]);
    expect(() => vggTensorNames(names.slice(1), 'some.safetensors')).toThrow(DataError);
    expect(() => vggTensorNames(names.slice(1), 'some.safetensors')).toThrow('some.safetensors has no VGG-16');
  });

  test('names an array of another shape', () => {
    const wrong = tensors().set('conv2_1.weight', ndarray(new Float32Array(4), [2, 2]));
    expect(() => readVgg(wrong, 'f')).toThrow(
      'f: conv2_1.weight is float32[2, 2], VGG-16 has float32[128, 64, 3, 3] there.',
    );
  });
});

describe('the filters of VGG-16', () => {
  test('are the trunk applied to the input that the weights are for', async () => {
    const { mean } = VGG_ORIGINAL_INPUT;
    const [n, c, area] = [2, 3, 48];
    const bgr = Float64Array.from({ length: n * c * area }, (_, i) => {
      const [item, channel, at] = [Math.floor(i / (c * area)), Math.floor(i / area) % c, i % area];
      const v = (image.data as Float32Array)[(item * c + (2 - channel)) * area + at] as number;
      return 127.5 * (v + 1) - (mean[channel] as number);
    });
    const trunk = vggTrunk()([3, 8, 6]);
    const [a, b, d, e] = weights.convolutions;
    const params = [{ ...a }, [], { ...b }, [], [], { ...d }, [], { ...e }, []];
    const apply = runtime.compile((p: SymbolicParams, x: Tensor) => trunk.apply(p, x));
    const expected = numbersOf(await apply(params, ndarray(bgr, image.shape)));
    const found = await responses(vggFilters(weights), image);
    const largest = Math.max(...expected);
    // The first filters are rounded to float32 once more, after scaling.
    found.forEach((value, i) => expect(Math.abs(value - (expected[i] as number)) / largest).toBeLessThan(1e-6));
  });

  test('of equivalent weights for another input give the same responses, zeros around the image included', async () => {
    // torchvision's order and scale about the original's mean: zeros are the same colour, so borders agree as well.
    const [b, g, r] = VGG_ORIGINAL_INPUT.mean;
    const input: VggInput = { ...VGG_TORCHVISION_INPUT, mean: [r / 255, g / 255, b / 255] };
    const found = await responses(vggFilters(converted(weights, input)), image);
    const expected = await responses(vggFilters(weights), image);
    const largest = Math.max(...expected);
    expect(largest).toBeGreaterThan(1);
    found.forEach((value, i) => expect(Math.abs(value - (expected[i] as number)) / largest).toBeLessThan(1e-6));
  });

  test('converted to torchvision’s own input agree wherever zeros around the image are not seen', async () => {
    const other = converted(weights, VGG_TORCHVISION_INPUT);
    const wide = createStream('wide').uniform([1, 3, 6, 6], -1, 1);
    const [found, expected] = await Promise.all([other, weights].map((w) => responses(vggFilters(w, 'relu1_1'), wide)));
    const inside = (i: number): boolean => [i % 6, Math.floor(i / 6) % 6].every((at) => at > 0 && at < 5);
    const apart = (found as number[]).map((v, i) => Math.abs(v - ((expected as number[])[i] as number)));
    expect(Math.max(...apart.filter((_, i) => inside(i)))).toBeLessThan(1e-5);
    // The two means differ by .001 to .002, so zeros are not quite the same colour.
    expect(Math.max(...apart)).toBeLessThan(0.1);
  });

  test('take a grey image as one of three equal channels', async () => {
    const grey = createStream('grey').uniform([1, 1, 4, 4], -1, 1);
    const values = grey.data as Float32Array;
    const colour = ndarray(Float32Array.from([...values, ...values, ...values]), [1, 3, 4, 4]);
    expect(await responses(vggFilters(weights), grey)).toEqual(await responses(vggFilters(weights), colour));
    expect(() => vggFilters(weights)([2, 4, 4])).toThrow('images of 1 or 3 channels, got [2, 4, 4]');
  });

  test('stop at the layer that is asked for', () => {
    const shapes = (['relu1_1', 'relu1_2', 'pool1', 'relu2_1', 'relu2_2'] as const).map(
      (through) => vggFilters(weights, through)([3, 8, 6]).outputShape,
    );
    expect(shapes).toEqual([
      [64, 8, 6],
      [64, 8, 6],
      [64, 4, 3],
      [128, 4, 3],
      [128, 4, 3],
    ]);
  });
});
