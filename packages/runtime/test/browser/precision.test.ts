import { type Tensor, item, matmul, ndarray, toOnnx, trace } from '@brownian/graph';
import { ProviderError, webRuntime } from '@brownian/runtime/web';
import { describe, expect, test } from 'vitest';

const x = ndarray(Float64Array.of(1, 1e-12), [1, 2]);
const f = (a: Tensor, b: Tensor): Tensor => matmul(a, b).sub(1);

describe('double precision', () => {
  test('is there in WASM', async () => {
    const runtime = await webRuntime({ provider: 'wasm', threads: 2 });
    // Rounded at 2.2e-16, where float32 would give 0.
    const value = await runtime.compile(f, { precision: 'double' })(x, ndarray([1, 1], [2, 1]));
    expect(item(value)).toBeCloseTo(1e-12, 15);
    await runtime.dispose();
  });

  test('is refused on WebGPU, with the way out', async () => {
    const runtime = await webRuntime({ provider: 'webgpu' });
    const call = runtime.compile(f, { precision: 'double', name: 'f' })(x, ndarray([1, 1], [2, 1]));
    await expect(call).rejects.toThrow(
      new ProviderError('f: WebGPU has no double precision; compile it on a runtime on "wasm".'),
    );
    expect(runtime.openSessions).toBe(0);
    await runtime.dispose();
  });
});

describe.each(['wasm', 'webgpu'] as const)('on %s', (provider) => {
  const options = provider === 'wasm' ? { provider, threads: 2 } : { provider };

  test('models made elsewhere run', async () => {
    const runtime = await webRuntime(options);
    const { graph } = trace('twice', (a: Tensor) => ({ y: a.add(a) }), [{ dtype: 'float32', shape: [2] }]);
    const model = await runtime.loadModel(toOnnx(graph, { target: provider }), 'twice.onnx');
    const [input, output] = [model.inputs[0]?.name as string, model.outputs[0]?.name as string];
    const results = await model.run({ [input]: ndarray([1, 2]) });
    expect(Array.from(results[output]?.data as Float32Array)).toEqual([2, 4]);
    expect(runtime.openSessions).toBe(1);
    await runtime.dispose();
    expect(runtime.openSessions).toBe(0);
  });
});
