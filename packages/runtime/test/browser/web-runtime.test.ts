import { type NDArray, type Tensor, ndarray } from '@brownian/graph';
import { ProviderError, webRuntime } from '@brownian/runtime/web';
import { afterEach, describe, expect, test, vi } from 'vitest';

const values = ({ data }: NDArray): number[] => Array.from(data, Number);
const x = ndarray([1, 2, 3]);

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('a web runtime is refused in one sentence', () => {
  test.each([0, -1, 1.5, NaN])('for %d threads', async (threads) => {
    await expect(webRuntime({ threads })).rejects.toThrow(
      new RangeError(`threads must be a positive integer, got ${threads}.`),
    );
  });

  test('for WebGPU without an adapter', async () => {
    vi.spyOn(navigator.gpu, 'requestAdapter').mockResolvedValue(null);
    await expect(webRuntime({ provider: 'webgpu' })).rejects.toThrow(
      new ProviderError('This browser offers no WebGPU adapter; use the provider "wasm".'),
    );
  });

  test('for threads in a page that is not isolated', async () => {
    vi.stubGlobal('crossOriginIsolated', false);
    const refused = webRuntime({ threads: 2 });
    await expect(refused).rejects.toThrow(ProviderError);
    await expect(refused).rejects.toThrow(/^WASM threads need a cross-origin isolated page \(headers .*\)\.$/);
  });
});

describe('threads', () => {
  test('may be two in an isolated page', async () => {
    const runtime = await webRuntime({ threads: 2 });
    expect(runtime.name).toMatch(/^onnxruntime-web \S+ \(wasm, 2 threads\)$/);
    const double = runtime.compile((a: Tensor) => a.add(a));
    expect(values(await double(x))).toEqual([2, 4, 6]);
    await runtime.dispose();
  });

  test('cannot be another number later', async () => {
    await webRuntime({ threads: 2 });
    await expect(webRuntime({ threads: 1 })).rejects.toThrow(
      new ProviderError('ONNX Runtime already runs with 2 threads in this page; the number cannot change.'),
    );
    await expect(webRuntime({ threads: 2 })).resolves.toBeDefined();
  });
});

describe.each(['wasm', 'webgpu'] as const)('sessions on %s', (provider) => {
  const options = provider === 'wasm' ? { provider, threads: 2 } : { provider };

  test('are counted while they are open, and none is left after dispose', async () => {
    const runtime = await webRuntime(options);
    const [f, g] = [runtime.compile((a: Tensor) => a.neg()), runtime.compile((a: Tensor) => a.add(1))];
    await f(x);
    await f(ndarray([1]));
    await g(x);
    expect(runtime.openSessions).toBe(3);
    await f.dispose();
    expect(runtime.openSessions).toBe(1);
    expect(values(await f(x))).toEqual([-1, -2, -3]);
    await runtime.dispose();
    expect(runtime.openSessions).toBe(0);
  });

  test('wait for one another: calls that overlap give right results, and those begun before dispose end', async () => {
    const [one, other] = [await webRuntime(options), await webRuntime(options)];
    const f = one.compile((a: Tensor, b: Tensor) => a.mul(b).add(1));
    const g = other.compile((a: Tensor) => a.sub(2));
    const calls = Array.from({ length: 8 }, (_, i) => [f(x, ndarray([i], [])), g(ndarray([i, -i]))] as const);
    const [results] = await Promise.all([Promise.all(calls.flat()), one.dispose(), other.dispose()]);
    expect(results.map(values)).toEqual(
      calls.flatMap((_, i) => [
        [1 + i, 1 + 2 * i, 1 + 3 * i],
        [i - 2, -i - 2],
      ]),
    );
    expect([one.openSessions, other.openSessions]).toEqual([0, 0]);
  });
});

test('a runtime names its provider and version', async () => {
  expect((await webRuntime({ provider: 'webgpu' })).name).toMatch(/^onnxruntime-web \d+\.\d+\.\d+ \(webgpu\)$/);
});
