import type { NDArray, Tensor } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { checkPairs } from './rows.ts';

/**
 * Mean squared error of each item against its reference, over all its values, in double precision.
 *
 * @param x `[n, …]`
 * @param reference `[n, …]`, item by item
 * @returns `[n]`; their mean is the MSE of the set
 * @throws RangeError when the shapes differ or there are no items
 */
export async function meanSquaredErrors(runtime: Runtime, x: NDArray, reference: NDArray): Promise<Float64Array> {
  const n = checkPairs('MSE', x, reference);
  const compute = runtime.compile((a: Tensor, b: Tensor) => a.sub(b).square().reshape([n, -1]).mean(1), {
    name: 'mean squared error',
    precision: 'double',
  });
  try {
    return (await compute(x, reference)).data as Float64Array;
  } finally {
    await compute.dispose();
  }
}
