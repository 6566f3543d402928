import { type Tensor, full, matmul } from '@brownian/graph';
import { type WebOptions, webRuntime } from '@brownian/runtime/web';
import { afterAll, expect, test, vi } from 'vitest';

const MIB = 2 ** 20;
/** Size of the values built into each model. */
const BUILT_IN = 8 * MIB;

/** Bytes that all memories of WASM modules take, which start from now on. A module's memory grows and never shrinks. */
function wasmMeter(): () => number {
  const memories: WebAssembly.Memory[] = [];
  const { Memory } = WebAssembly;
  vi.spyOn(WebAssembly, 'Memory').mockImplementation(function (descriptor: WebAssembly.MemoryDescriptor) {
    const memory = new Memory(descriptor);
    memories.push(memory);
    return memory;
  });
  return () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
}

/** Bytes of all GPU buffers that are made from now on and not destroyed. */
function gpuMeter(): () => number {
  const live = new Map<GPUBuffer, number>();
  const { createBuffer } = GPUDevice.prototype;
  vi.spyOn(GPUDevice.prototype, 'createBuffer').mockImplementation(function (this: GPUDevice, descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    live.set(buffer, descriptor.size);
    return buffer;
  });
  const { destroy } = GPUBuffer.prototype;
  vi.spyOn(GPUBuffer.prototype, 'destroy').mockImplementation(function (this: GPUBuffer) {
    live.delete(this);
    destroy.call(this);
  });
  return () => [...live.values()].reduce((sum, size) => sum + size, 0);
}

const meters = { wasm: wasmMeter(), gpu: gpuMeter() };
afterAll(() => {
  vi.restoreAllMocks();
});

/** Readings of the meters around a dispose. */
interface Round {
  readonly open: number;
  readonly after: number;
  readonly wasmAfter: number;
}

/** Builds the values into a model, runs it and disposes of it, `count` times. */
async function rounds(options: WebOptions, count: number): Promise<Round[]> {
  const runtime = await webRuntime(options);
  const found: Round[] = [];
  for (let i = 0; i < count; i++) {
    const f = runtime.compile((x: Tensor, w: Tensor) => matmul(x, w), { frozen: [1] });
    const { data } = await f(full([1, 1024], 1), full([1024, BUILT_IN / 4096], 1 / 1024));
    expect(data[0]).toBe(1);
    const open = meters.gpu();
    await f.dispose();
    expect(runtime.openSessions).toBe(0);
    found.push({ open, after: meters.gpu(), wasmAfter: meters.wasm() });
  }
  return found;
}

test('WASM memory that a disposed session held is used again', async () => {
  const found = await rounds({ provider: 'wasm' }, 12);
  const sizes = found.map(({ wasmAfter }) => wasmAfter);
  expect(sizes[0], 'the meter sees the model').toBeGreaterThan(BUILT_IN);
  // The first two rounds may find the heap too fragmented; of the ten that follow, none needs another byte.
  expect(new Set(sizes.slice(2)).size).toBe(1);
});

test('a disposed WebGPU session destroys its buffers, and WASM memory does not grow', async () => {
  const found = await rounds({ provider: 'webgpu' }, 4);
  for (const { open, after } of found) {
    expect(open, 'the model was on the GPU').toBeGreaterThanOrEqual(BUILT_IN);
    expect(after).toBe(0);
  }
  expect(new Set(found.slice(1).map(({ wasmAfter }) => wasmAfter)).size).toBe(1);
});
