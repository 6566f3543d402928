import { type Tensor, matmul } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { seeded } from '../data.ts';
import { writeArrays } from '../exchange.ts';
import { type CountingRuntime, countingRuntime } from '../flops.ts';
import { WORKLOADS } from '../workloads/table.ts';
import type { Case } from '../workload.ts';
import { type Handlers, milliseconds, peakBytes, serve, timed } from './serve.ts';

const SIZE = 1024;

/** GFLOP/s of a 1024³ MatMul, the best of several. */
async function matmulPeak(runtime: Runtime): Promise<number> {
  const multiply = runtime.compile((a: Tensor, b: Tensor) => matmul(a, b), { name: 'MatMul', checkFinite: false });
  const [a, b] = [seeded('a').normal([SIZE, SIZE]), seeded('b').normal([SIZE, SIZE])];
  let best = Infinity;
  for (let i = 0; i < 20; i++) best = Math.min(best, await milliseconds(() => multiply(a, b)));
  await multiply.dispose();
  return (2 * SIZE ** 3) / best / 1e6;
}

function handlers(runtime: CountingRuntime): Handlers {
  let current: Case | undefined;
  const ready = (): Case => {
    if (current === undefined) throw new Error('Nothing is prepared.');
    return current;
  };
  return {
    prepare: async ({ workload: name, file, tune }) => {
      await current?.dispose();
      const workload = WORKLOADS.find((candidate) => candidate.name === name);
      if (workload === undefined) throw new RangeError(`There is no workload "${name}".`);
      current = await workload.setup(runtime);
      if (!tune) return {};
      const prepared = current;
      writeArrays(file, prepared.given);
      const flops = await runtime.count(() => prepared.step());
      const estimate = await milliseconds(() => prepared.step());
      prepared.reset();
      return { flops, estimate };
    },
    run: async (request) => {
      const made = ready();
      const result = await timed(() => made.step(), request);
      made.reset();
      return result;
    },
    check: async ({ draws: drawsFile, out }) => {
      const { draws, results } = await ready().check();
      writeArrays(drawsFile, draws);
      writeArrays(out, Object.fromEntries(Object.entries(results).map(([name, { value }]) => [name, value])));
      return {
        tolerances: Object.fromEntries(Object.entries(results).map(([name, { tolerance }]) => [name, tolerance])),
      };
    },
    memory: () => Promise.resolve({ peak: peakBytes() }),
    peak: async () => ({ gflops: await matmulPeak(runtime) }),
  };
}

const runtime = countingRuntime(nodeRuntime({ threads: Number(process.argv[2] ?? 2) }));
await serve(`Brownian on ${runtime.name}`, handlers(runtime));
await runtime.dispose();
