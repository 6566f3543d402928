import { webRuntime } from '@brownian/runtime/web';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { commands } from 'vitest/browser';
import { type ParameterValues, type TinyRun, tinyRun } from './tiny-run.ts';

declare module 'vitest/browser' {
  interface BrowserCommands {
    runInNode(file: string): Promise<string>;
  }
}

/**
 * What the parameters, of order 0.1 to 1, may differ by from Node's. float32 rounds them by 6e-8 at each of 20 updates, and an
 * update carries on what 5 Langevin steps made of such differences: 1e-7 on WASM and 1e-6 on the software WebGPU adapter.
 */
const TOLERANCE = 1e-4;
/** 20 updates of Adam at a rate of 3e-3 move a parameter by 0.06. A run that stands still must not agree. */
const LEAST_MOVE = 0.02;

/** The largest |a − b| over all parameters; NaN where the two do not have the same ones. */
function largestDifference(a: ParameterValues, b: ParameterValues): number {
  if (Object.keys(a).join() !== Object.keys(b).join()) return NaN;
  const differences = Object.entries(a).flatMap(([path, values]) => {
    const others = b[path] as readonly number[];
    return values.length === others.length ? values.map((value, i) => Math.abs(value - (others[i] as number))) : [NaN];
  });
  return differences.reduce((most, difference) => (difference <= most ? most : difference), 0);
}

let node: TinyRun;
beforeAll(async () => {
  node = JSON.parse(await commands.runInNode('packages/brownian/test/browser/node-run.ts')) as TinyRun;
});

test('the run in Node is on onnxruntime-node and moves every parameter', () => {
  expect(node.runtime).toContain('onnxruntime-node');
  const still = Object.keys(node.start).filter((path) => {
    const only = (values: ParameterValues): ParameterValues => ({ [path]: values[path] as readonly number[] });
    return !(largestDifference(only(node.start), only(node.end)) > LEAST_MOVE);
  });
  expect(still).toEqual([]);
});

describe.each(['wasm', 'webgpu'] as const)('wGCN on eight Gaussians in Chromium, on %s', (provider) => {
  test('starts from the parameters that it has in Node, and ends after 20 iterations with those that it has there', async () => {
    const kernels = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups');
    const runtime = await webRuntime({ provider });
    const page = await tinyRun(runtime);
    expect(page.runtime).toContain(`(${provider}`);
    expect(kernels.mock.calls.length > 0).toBe(provider === 'webgpu');
    kernels.mockRestore();
    expect(page.start).toEqual(node.start);
    const difference = largestDifference(page.end, node.end);
    const moved = largestDifference(page.end, page.start);
    const report = `differ from Node's by ${difference.toExponential(1)} at most, having moved by up to ${moved.toFixed(3)}`;
    console.info(`${page.runtime}: parameters ${report}`);
    expect(difference).toBeLessThan(TOLERANCE);
    expect(moved).toBeGreaterThan(LEAST_MOVE);
    expect(runtime.openSessions).toBe(0);
  });
});
