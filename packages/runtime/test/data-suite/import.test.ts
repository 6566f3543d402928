import { readFileSync } from 'node:fs';
import { type NDArray, type Tensor, float32Data, grad, importOnnx, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import * as ort from 'onnxruntime-node';
import { afterAll, expect, test } from 'vitest';

const path = new URL('../../../../../shared/data/imagenet-classifier/mobilenet_v1_0.75_224.onnx', import.meta.url);
const bytes = readFileSync(path);
const network = importOnnx(bytes, 'mobilenet.onnx');
const input = network.inputs[0]?.name as string;
const OUTPUTS = ['features768', 'probs1000'];
/** A feature map after the third depthwise convolution. */
const INNER = '/f/f.5/Clip_output_0';

const runtime = nodeRuntime({ threads: 2 });
const exact = createRuntime(interpreterBackend());
afterAll(async () => {
  await Promise.all([runtime.dispose(), exact.dispose()]);
});

const largest = (values: Iterable<number>): number => Math.max(...Array.from(values, Math.abs));

test('an ImageNet classifier gives the outputs that ONNX Runtime gives of the file itself', async () => {
  const x = createStream('images').uniform([2, 3, 224, 224], -1, 1);
  const imported = runtime.compile((image: Tensor) => network.apply({ [input]: image }, OUTPUTS));
  const found = await imported(x);
  const session = await ort.InferenceSession.create(bytes);
  const results = await session.run({ [input]: new ort.Tensor('float32', x.data as Float32Array, x.shape) });
  OUTPUTS.forEach((name, k) => {
    const expected = results[name]?.data as Float32Array;
    const apart = float32Data(found[k] as NDArray).map((value, i) => value - (expected[i] as number));
    expect(found[k]?.shape).toEqual(results[name]?.dims);
    // 27 layers of float32 sums in another order.
    expect(largest(apart) / largest(expected)).toBeLessThan(1e-5);
  });
  await session.release();
});

test('its gradient in the image is the slope, by central differences in double precision', async () => {
  const inner = (image: Tensor): Tensor =>
    network
      .apply({ [input]: image }, [INNER])[0]!
      .square()
      .sum();
  const x = createStream('small image').uniform([1, 3, 24, 20], -1, 1);
  const wide = Float64Array.from(x.data as Float32Array);
  const value = exact.compile(inner);
  const slope = (await exact.compile((image: Tensor) => grad(inner)(image))(ndarray(wide, x.shape))).data;
  const h = 1e-6;
  const size = largest(slope as Float64Array);
  expect(size).toBeGreaterThan(1e-3);
  for (const at of [0, 333, 700, wide.length - 1]) {
    const [up, down] = await Promise.all(
      [h, -h].map(async (by) => {
        const moved = wide.with(at, (wide[at] as number) + by);
        return Number((await value(ndarray(moved, x.shape))).data[0]);
      }),
    );
    // Rounding of a sum of some hundred over the step; no unit crosses a kink of ReLU6 within it.
    expect(Math.abs((slope[at] as number) - ((up as number) - (down as number)) / (2 * h))).toBeLessThan(
      1e-6 * size + 1e-6,
    );
  }
});

test('its gradient by ONNX Runtime is that in double precision', async () => {
  const features = (image: Tensor): Tensor =>
    network
      .apply({ [input]: image }, [INNER])[0]!
      .square()
      .sum();
  const x = createStream('small image').uniform([1, 3, 24, 20], -1, 1);
  const force = (image: Tensor): Tensor => grad(features)(image);
  const [found, expected] = [await runtime.compile(force)(x), await exact.compile(force)(x)];
  const apart = float32Data(found).map((value, i) => value - Number(expected.data[i]));
  // float32 sums through six layers and back.
  expect(largest(apart) / largest(float32Data(expected))).toBeLessThan(1e-4);
});
