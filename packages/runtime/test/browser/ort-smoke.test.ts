// Checks the browser itself and how ONNX Runtime is loaded into it, with nothing of this project between.
import * as ort1 from 'onnxruntime-web/wasm';
import * as ort2 from 'onnxruntime-web/webgpu';
import { describe, expect, it, vi } from 'vitest';

/** A protobuf field of wire type 2 (string or message). Lengths here stay below 128, so one byte holds them. */
function field(number: number, content: string | readonly number[]): number[] {
  const bytes = typeof content === 'string' ? [...new TextEncoder().encode(content)] : content;
  return [(number << 3) | 2, bytes.length, ...bytes];
}

/** A protobuf field of wire type 0. */
function integer(number: number, value: number): number[] {
  return [number << 3, value];
}

/** ValueInfoProto: a float32 tensor of shape [3]. */
function float3(name: string): number[] {
  const shape = field(2, field(1, integer(1, 3)));
  return [...field(1, name), ...field(2, field(1, [...integer(1, 1), ...shape]))];
}

/** ModelProto of y = x + x. Field numbers are those of onnx.proto3. */
function doubling(): Uint8Array {
  const add = [...field(1, 'x'), ...field(1, 'x'), ...field(2, 'y'), ...field(4, 'Add')];
  const graph = [...field(1, add), ...field(2, 'doubling'), ...field(11, float3('x')), ...field(12, float3('y'))];
  return Uint8Array.from([...integer(1, 8), ...field(7, graph), ...field(8, integer(2, 17))]);
}

type Ort = typeof ort1;

async function double(ort: Ort, provider: 'wasm' | 'webgpu', values: number[]): Promise<number[]> {
  const session = await ort.InferenceSession.create(doubling(), { executionProviders: [provider] });
  const x = new ort.Tensor('float32', values, [values.length]);
  const { y } = await session.run({ x });
  const data = await y?.getData();
  await session.release();
  return Array.from(data as Float32Array);
}

/** How many workers the action starts. */
async function workersStarted(action: () => Promise<void>): Promise<number> {
  let count = 0;
  class CountedWorker extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      count++;
    }
  }
  vi.stubGlobal('Worker', CountedWorker);
  try {
    await action();
  } finally {
    vi.unstubAllGlobals();
  }
  return count;
}

// numThreads is read when a module starts its first session, so each thread count has a module of its own.
describe('ONNX Runtime in the browser', () => {
  it('has a cross-origin isolated page, which threads need', () => {
    expect(crossOriginIsolated).toBe(true);
  });

  it('runs on WASM with one thread', async () => {
    ort1.env.wasm.numThreads = 1;
    const workers = await workersStarted(async () => {
      expect(await double(ort1, 'wasm', [1, 2, -3])).toEqual([2, 4, -6]);
    });
    expect(workers).toBe(0);
  });

  it('runs on WASM with two threads', async () => {
    ort2.env.wasm.numThreads = 2;
    const workers = await workersStarted(async () => {
      expect(await double(ort2, 'wasm', [1, 2, -3])).toEqual([2, 4, -6]);
    });
    expect(workers).toBe(1); // the calling thread is the other one
  });

  it('has a WebGPU adapter', async () => {
    expect(await navigator.gpu.requestAdapter()).not.toBeNull();
  });

  it('runs on WebGPU', async () => {
    const kernels = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups');
    expect(await double(ort2, 'webgpu', [1, 2, -3])).toEqual([2, 4, -6]);
    expect(kernels).toHaveBeenCalled(); // and did not fall back to the CPU
    kernels.mockRestore();
  });
});
