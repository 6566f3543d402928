import { type Tensor, matmul, ndarray, toOnnx, trace } from '@brownian/graph';
import { createRuntime, interpreterBackend } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, describe, expect, test } from 'vitest';

const runtime = nodeRuntime({ threads: 1 });
afterAll(() => runtime.dispose());

/** A model of two outputs: a product with built-in weights, and its square. */
const bytes = toOnnx(
  trace(
    'tiny',
    (x: Tensor, w: Tensor) => {
      const y = matmul(x, w);
      return { features: y, squares: y.square() };
    },
    [
      { dtype: 'float32', shape: [2, 3] },
      { dtype: 'float32', shape: [3, 1] },
    ],
  ).graph,
  { target: 'cpu' },
);
const feeds = { arg0: ndarray([1, 2, 3, 4, 5, 6], [2, 3]), arg1: ndarray([1, 0, -1], [3, 1]) };

describe('a model made elsewhere', () => {
  test('tells what it takes and gives, and runs by name', async () => {
    const model = await runtime.loadModel(bytes, 'tiny.onnx');
    expect(model.inputs).toMatchObject([
      { name: 'arg0', dtype: 'float32', shape: [2, 3] },
      { name: 'arg1', dtype: 'float32', shape: [3, 1] },
    ]);
    const names = model.outputs.map(({ name }) => name);
    expect(names).toHaveLength(2);
    const results = await model.run(feeds);
    expect(names.map((name) => Array.from(results[name]?.data as Float32Array))).toEqual([
      [-2, -2],
      [4, 4],
    ]);
    const some = await model.run(feeds, [names[1] as string]);
    expect(Object.keys(some)).toEqual([names[1]]);
    await model.dispose();
  });

  test('is counted among the open sessions until it, or the runtime, is disposed of', async () => {
    const own = nodeRuntime({ threads: 1 });
    const first = await own.loadModel(bytes, 'a');
    await own.loadModel(bytes, 'b');
    expect(own.openSessions).toBe(2);
    await first.dispose();
    await first.dispose();
    expect(own.openSessions).toBe(1);
    await own.dispose();
    expect(own.openSessions).toBe(0);
  });

  test('refuses in a sentence what does not fit', async () => {
    const model = await runtime.loadModel(bytes, 'tiny.onnx');
    await expect(model.run({ arg0: feeds.arg0 })).rejects.toThrow(
      'The model\'s input "arg1" must be float32, got nothing.',
    );
    await expect(model.run({ ...feeds, arg1: ndarray(Int32Array.of(1, 2, 3), [3, 1]) })).rejects.toThrow(
      'The model\'s input "arg1" must be float32, got int32.',
    );
    await expect(model.run(feeds, ['logits'])).rejects.toThrow(/^The model has no output "logits"; it has .+, .+\.$/);
    await model.dispose();
  });

  test('must be an ONNX model, and there must be an ONNX Runtime', async () => {
    const before = runtime.openSessions;
    await expect(runtime.loadModel(Uint8Array.of(1, 2, 3), 'photo.png')).rejects.toThrow(
      /^photo\.png is not an ONNX model that onnxruntime-node .* can load \(.*\)\.$/s,
    );
    expect(runtime.openSessions).toBe(before);
    await expect(createRuntime(interpreterBackend()).loadModel(bytes, 'tiny.onnx')).rejects.toThrow(
      'tiny.onnx: the interpreter (float64) runs traced graphs only; load ONNX files with nodeRuntime or webRuntime.',
    );
  });
});
