import { type NDArray, type Tensor, float32Data, ndarray, toOnnx, trace } from '@brownian/graph';
import { type LoadedModel, createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { resize } from '../../src/data/resize.ts';
import { classifierNet, predict } from '../../src/metrics/classifier.ts';
import { classifierNetwork, identityNetwork } from '../../src/metrics/feature-network.ts';
import { type ImageModelSpec, modelInput, modelNetwork } from '../../src/metrics/model-network.ts';
import { expectSentence, messageOf } from '../support/rows.ts';
import { numbersOf } from '../support/trees.ts';

const runtime = nodeRuntime({ threads: 1 });
const oracle = createRuntime(interpreterBackend());
afterAll(async () => {
  await Promise.all([runtime.dispose(), oracle.dispose()]);
});
afterEach(() => {
  if (runtime.openSessions > 0) throw new Error(`A test left ${runtime.openSessions} sessions open.`);
});

const identity = { name: 'tiny', hash: 'f00d' };

describe('resizing', () => {
  const resized = async (x: NDArray, size: readonly [number, number], antialias: boolean): Promise<number[]> => {
    const f = oracle.compile((a: Tensor) => resize(a, size, { antialias }));
    const values = numbersOf(await f(x));
    await f.dispose();
    return values;
  };
  const row = (...values: number[]): NDArray => ndarray(values, [1, 1, 1, values.length]);

  test('grows by linear interpolation between pixel centres, with borders repeated', async () => {
    expect(await resized(row(0, 4), [1, 4], true)).toEqual([0, 1, 3, 4]);
    expect(await resized(row(0, 4), [1, 4], false)).toEqual([0, 1, 3, 4]);
  });

  test('shrinks over all pixels, or between the nearest two', async () => {
    const x = row(1, 0, 0, 0, 0, 0, 0, 8);
    // By 4: a triangle of half-width 4 about 2 weighs pixels .5, 1.5, … by 2.5 3.5 3.5 2.5 1.5 .5 over 14.
    const [left, right] = (await resized(x, [1, 2], true)) as [number, number];
    expect(left).toBeCloseTo(2.5 / 14, 12);
    expect(right).toBeCloseTo((8 * 2.5) / 14, 12);
    expect(await resized(x, [1, 2], false)).toEqual([0, 0]);
  });

  test('keeps constants and linear images, and leaves an image of that size alone', async () => {
    const ramp = ndarray(
      Float64Array.from({ length: 64 }, (_, i) => (i % 8) + 2 * Math.floor(i / 8)),
      [1, 1, 8, 8],
    );
    for (const antialias of [true, false]) {
      for (const value of await resized(ndarray(new Float64Array(35).fill(3), [1, 1, 5, 7]), [11, 3], antialias))
        expect(value).toBeCloseTo(3, 12);
      expect(await resized(ramp, [8, 8], antialias)).toEqual(numbersOf(ramp));
    }
    const small = await resized(ramp, [4, 4], false);
    // Centres of 4×4 pixels lie at .5, 2.5, … of the 8×8: the ramp there.
    expect(small[5]).toBeCloseTo(2.5 + 2 * 2.5, 12);
  });

  test('refuses sizes and shapes that are none', async () => {
    expectSentence(await messageOf(() => resized(row(1, 2), [0, 4], true)), '[0, 4]');
    expectSentence(await messageOf(() => resized(ndarray([1, 2]), [1, 4], true)), '[2]');
  });
});

describe('what a model is fed', () => {
  const input = async (x: NDArray, spec: Partial<ImageModelSpec>): Promise<NDArray> => {
    const f = oracle.compile((a: Tensor) => modelInput(a, { size: [1, 2], range: [-1, 1], features: 'f', ...spec }));
    const result = await f(x);
    await f.dispose();
    return result;
  };
  const colour = ndarray([-1, 1, 0, 0.5, 1, -1], [1, 3, 1, 2]);

  test('is scaled from [-1, 1] to its range, then by mean and standard deviation', async () => {
    expect(numbersOf(await input(colour, { range: [0, 1] }))).toEqual([0, 1, 0.5, 0.75, 1, 0]);
    expect(numbersOf(await input(colour, { range: [0, 255], channels: 'bgr' }))).toEqual([
      255, 0, 127.5, 191.25, 0, 255,
    ]);
    const scaled = await input(colour, { range: [0, 4], mean: [1, 2, 3], std: [1, 2, 0.5] });
    expect(numbersOf(scaled)).toEqual([-1, 3, 0, 0.5, 2, -6]);
  });

  test('has its axes in the model’s order', async () => {
    const last = await input(colour, { layout: 'nhwc' });
    expect([last.shape, numbersOf(last)]).toEqual([
      [1, 1, 2, 3],
      [-1, 0, 1, 1, 0.5, -1],
    ]);
  });

  test('repeats grey for colour, and refuses colour for grey', async () => {
    const grey = ndarray([-1, 1], [1, 1, 1, 2]);
    expect(numbersOf(await input(grey, {}))).toEqual([-1, 1, -1, 1, -1, 1]);
    expect((await input(grey, { channels: 'grey' })).shape).toEqual([1, 1, 1, 2]);
    expectSentence(await messageOf(() => input(colour, { channels: 'grey' })), 'one channel (grey)', 'have 3');
    expectSentence(await messageOf(() => input(ndarray([1, 2], [1, 2]), {})), '[1, 2]');
  });
});

describe('a network of an ONNX model', () => {
  /** Sums over pixels as features `[n, 3, 1, 1]`, and twice those as logits `[n, 3]`. */
  const bytes = toOnnx(
    trace(
      'sums',
      (x: Tensor) => {
        const sums = x.sum([2, 3]);
        return { features: sums.reshape([2, 3, 1, 1]), logits: sums.mul(2) };
      },
      [{ dtype: 'float32', shape: [2, 3, 2, 2] }],
    ).graph,
    { target: 'cpu' },
  );
  const load = (): Promise<LoadedModel> => runtime.loadModel(bytes, 'sums.onnx');
  const x = ndarray(
    Float32Array.from({ length: 8 }, (_, i) => i / 8),
    [2, 1, 2, 2],
  );

  test('gives features and the softmax of logits in one pass', async () => {
    const model = await load();
    const [features, logits] = model.outputs.map(({ name }) => name) as [string, string];
    const network = modelNetwork(runtime, model, { size: [2, 2], range: [0, 1], features, logits }, identity);
    expect(network).toMatchObject({ ...identity, hasClasses: true });
    const outputs = await network.outputs(x);
    expect(outputs.features.shape).toEqual([2, 3]);
    // Σ (v + 1)/2 over four pixels: (0 + 1 + 2 + 3)/16 + 2 and (4 + 5 + 6 + 7)/16 + 2, three times each.
    expect(numbersOf(outputs.features)).toEqual([2.375, 2.375, 2.375, 3.375, 3.375, 3.375]);
    for (const p of float32Data(outputs.probabilities as NDArray)) expect(p).toBeCloseTo(1 / 3, 6);
    await network.dispose();

    const plain = modelNetwork(runtime, await load(), { size: [2, 2], range: [0, 1], features }, identity);
    expect(plain.hasClasses).toBe(false);
    expect(await plain.outputs(x)).toEqual({ features: outputs.features });
    await plain.dispose();
  });

  test('of a large input is given a million pixels at once, whatever the batch', async () => {
    const size = [1000, 500] as const;
    const means = (y: Tensor): { features: Tensor; logits: Tensor } => {
      const channels = y.mean([2, 3]);
      return { features: channels, logits: channels };
    };
    // Its batch is fixed: more or fewer than two images would be an error.
    const { graph } = trace('means', means, [{ dtype: 'float32', shape: [2, 3, ...size] }]);
    const model = await runtime.loadModel(toOnnx(graph, { target: 'cpu' }), 'means.onnx');
    const [features, logits] = model.outputs.map(({ name }) => name) as [string, string];
    const network = modelNetwork(runtime, model, { size, range: [-1, 1], features, logits }, identity);
    const flatImages = ndarray(
      Float32Array.from({ length: 16 }, (_, i) => Math.floor(i / 4) / 4),
      [4, 1, 2, 2],
    );
    const outputs = await network.outputs(flatImages);
    expect(outputs.features.shape).toEqual([4, 3]);
    // The mean of half a million equal float32 numbers, each below 1.
    numbersOf(outputs.features).forEach((value, i) => expect(value).toBeCloseTo(Math.floor(i / 3) / 4, 5));
    expect(outputs.probabilities?.shape).toEqual([4, 3]);
    await network.dispose();
  });

  test('is refused when model and description do not fit together', async () => {
    const model = await load();
    const features = model.outputs[0]?.name as string;
    const spec = { size: [2, 2], range: [-1, 1], features } as const;
    const refusal = (edit: Partial<ImageModelSpec>): Promise<string> =>
      messageOf(() => modelNetwork(runtime, model, { ...spec, ...edit }, identity));
    expectSentence(await refusal({ features: 'pool' }), 'tiny has no output "pool"', features);
    expectSentence(await refusal({ size: [4, 2] }), '[3, 2, 2]', '[3, 4, 2]');
    expectSentence(await refusal({ layout: 'nhwc' }), '[2, 2, 3]');
    expectSentence(await refusal({ mean: [1] }), '"mean" needs 3 numbers', 'got 1');
    await model.dispose();
  });
});

describe('a classifier as a feature network', () => {
  const net = classifierNet([1, 12, 12], 4);
  const params = net.init(createStream(1));
  const x = createStream(2).normal([5, 1, 12, 12]);

  test('gives what the last layer reads, and the classes it reads off it', async () => {
    const network = classifierNetwork(runtime, net, params, identity);
    const { features, probabilities } = await network.outputs(x);
    expect(features.shape).toEqual([5, net.featureSize]);
    const logits = float32Data(await predict(runtime, net, params, x));
    const p = float32Data(probabilities as NDArray);
    for (let i = 0; i < 5; i++) {
      const raised = Array.from(logits.subarray(4 * i, 4 * i + 4), Math.exp);
      const total = raised.reduce((a, b) => a + b, 0);
      // float32 of a network of five layers.
      raised.forEach((v, c) => expect(p[4 * i + c]).toBeCloseTo(v / total, 5));
    }
    await network.dispose();
  });
});

test('the identity network gives the items themselves, flat', async () => {
  const x = createStream(3).normal([4, 2, 3]);
  const { features, probabilities } = await identityNetwork().outputs(x);
  expect([features.shape, numbersOf(features), probabilities]).toEqual([[4, 6], numbersOf(x), undefined]);
});
