import type { NDArray } from '@brownian/graph';

const DIRECTIONS = 32;

/** Sorted coordinates of points `[n, 2]` along a direction. */
function projected({ data, shape }: NDArray, angle: number): Float64Array {
  const [x, y] = [Math.cos(angle), Math.sin(angle)];
  return Float64Array.from(
    { length: shape[0] as number },
    (_, i) => x * (data[2 * i] as number) + y * (data[2 * i + 1] as number),
  ).toSorted();
}

/** Sliced Wasserstein-2 distance of two sets of equally many points: the root mean square, over directions, of that of their shadows. */
export function slicedDistance(a: NDArray, b: NDArray): number {
  let total = 0;
  for (let k = 0; k < DIRECTIONS; k++) {
    const angle = (Math.PI * k) / DIRECTIONS;
    const [left, right] = [projected(a, angle), projected(b, angle)];
    total += left.reduce((sum, value, i) => sum + (value - (right[i] as number)) ** 2, 0) / left.length;
  }
  return Math.sqrt(total / DIRECTIONS);
}
