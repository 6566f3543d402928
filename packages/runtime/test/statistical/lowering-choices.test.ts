import { type NDArray, type Tensor, conv2d, grad, leakyRelu, matmul } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, describe, expect, test } from 'vitest';

interface Params {
  readonly filters: readonly Tensor[];
  readonly readout: Tensor;
}

/** Convolutions of stride 2 and then one of stride 1, and a linear read-out. */
function energy({ filters, readout }: Params, x: Tensor): Tensor {
  const h = filters.reduce((y, w, i) => leakyRelu(conv2d(y, w, i < 2 ? { stride: 2, padding: 1 } : { padding: 1 })), x);
  return matmul(h.reshape([x.shape[0] as number, -1]), readout).sum();
}

const draw = createStream('lowering choices');
const normal = (...shape: number[]): NDArray => draw.normal(shape);
const params = {
  filters: [normal(32, 3, 4, 4), normal(64, 32, 4, 4), normal(64, 64, 3, 3)],
  readout: normal(64 * 8 * 8, 1),
};
const images = normal(64, 3, 32, 32);

/** The standard operator for every convolution, as a graph is written without any choice. */
const NAIVE = new Set(['direct', 'conv', 'conv-transpose', 'dilated-conv']);
const ours = nodeRuntime({ threads: 2 });
const naive = nodeRuntime({
  threads: 2,
  choose: (_, forms) => forms.find((form) => NAIVE.has(form)) ?? (forms[0] as string),
});
const ROUNDS = 15;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

async function milliseconds(f: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await f();
  return performance.now() - start;
}

// Never against the clock: both are timed in turns in one run, so a slow or busy machine slows both.
describe('the forms that lowering chooses are faster than the standard operators', () => {
  afterAll(() => Promise.all([ours.dispose(), naive.dispose()]));

  const steps: Readonly<Record<string, (theta: Params, x: Tensor) => unknown>> = {
    'for the gradient in the image': grad(energy, 1),
    'for the gradient in the parameters': grad(energy),
  };
  test.each(Object.entries(steps))('%s', async (name, step) => {
    const contenders = [ours, naive].map((runtime) => runtime.compile(step, { name }));
    const times: number[][] = [[], []];
    for (let round = -3; round < ROUNDS; round++) {
      for (const [i, contender] of contenders.entries()) {
        const time = await milliseconds(() => contender(params, images));
        if (round >= 0) times[i]?.push(time);
      }
    }
    const ratio = median(times[0] as number[]) / median(times[1] as number[]);
    console.log(`${name}: ${ratio.toFixed(2)} of the time of the standard operators`);
    expect(ratio).toBeLessThan(0.9);
  });
});
