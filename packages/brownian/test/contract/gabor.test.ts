import { type NDArray, type Tensor, ndarray, sizeOf } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import type { Params, SymbolicParams } from '../../src/interfaces.ts';
import * as gabor from '../../src/nets/gabor.ts';
import type { Net } from '../../src/nets/net.ts';
import { numbersOf } from '../support/trees.ts';

const { gaborBank } = gabor;
const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

function applied(net: Net, params: Params, x: NDArray): Promise<NDArray> {
  return runtime.compile((p: SymbolicParams, batch: Tensor) => net.apply(p, batch))(params, x);
}

/** The filters of a bank, read off its response to a point of light: the impulse response, both signs put together. */
async function filtersOf(options: gabor.GaborOptions, channels: number): Promise<number[][]> {
  const size = 25;
  const image = new Float32Array(channels * size * size);
  for (let c = 0; c < channels; c++) image[(c * size + 12) * size + 12] = 1;
  const net = gaborBank(options)([channels, size, size]);
  const { data, shape } = await applied(net, net.init(createStream(1)), ndarray(image, [1, channels, size, size]));
  const count = (shape[1] as number) / 2;
  const plane = (k: number): number[] =>
    Array.from((data as Float64Array).slice(k * size * size, (k + 1) * size * size));
  return Array.from({ length: count }, (_, k) => plane(k).map((value, i) => value - (plane(k + count)[i] as number)));
}

describe('the Gabor bank', () => {
  test.each([1, 3])('has filters of zero mean and unit norm over the mean of %d channels', async (channels) => {
    const filters = await filtersOf({}, channels);
    expect(filters).toHaveLength(26);
    for (const filter of filters) {
      // Weights are float32: sums over at most 361 of them, each good to 6e-8 of at most 1.
      expect(Math.abs(filter.reduce((a, b) => a + b, 0))).toBeLessThan(1e-6);
      expect(Math.abs(Math.hypot(...filter) - 1)).toBeLessThan(1e-6);
    }
  });

  test('has no two filters alike: even and odd, at every orientation and wavelength', async () => {
    const filters = await filtersOf({}, 1);
    const cosines = filters.flatMap((a, i) =>
      filters.slice(0, i).map((b) => Math.abs(a.reduce((sum, value, k) => sum + value * (b[k] as number), 0))),
    );
    expect(Math.max(...cosines)).toBeLessThan(0.9);
  });

  test('answers a flat image with zero, away from the border', async () => {
    const net = gaborBank()([1, 25, 25]);
    const y = await applied(net, [], ndarray(new Float32Array(625).fill(1), [1, 1, 25, 25]));
    const centres = numbersOf(y).filter((_, i) => i % 625 === 312);
    expect(centres).toHaveLength(sizeOf(net.outputShape) / 625);
    // As the mean of the filters above.
    expect(Math.max(...centres)).toBeLessThan(1e-6);
  });
});
