import type { NDArray } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { meanSquaredErrors } from './mse.ts';

/**
 * Peak signal-to-noise ratio 10 log₁₀(range²/MSE) of each item against its reference, in decibels.
 *
 * @param x `[n, …]`
 * @param reference `[n, …]`, item by item
 * @param range difference between the largest and smallest value a pixel can have: 2 for images in [-1, 1]
 * @returns `[n]`, infinite for equal items; the PSNR of a set is the mean of its items'
 * @throws RangeError when the shapes differ, there are no items, or the range is not positive
 */
export async function signalToNoise(
  runtime: Runtime,
  x: NDArray,
  reference: NDArray,
  range = 2,
): Promise<Float64Array> {
  if (!(range > 0)) throw new RangeError(`The range of PSNR must be positive, got ${range}.`);
  return (await meanSquaredErrors(runtime, x, reference)).map((error) => 10 * Math.log10((range * range) / error));
}
