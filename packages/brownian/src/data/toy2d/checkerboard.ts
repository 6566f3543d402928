import { type ToyDistribution, pointsOf } from './distribution.ts';

/** Unit squares on a side. */
const SIDE = 4;
const SQUARES_FILLED = (SIDE * SIDE) / 2;
/** Coordinates within a square stay below this, so that rounding to float32 cannot lead into the next one. */
const WITHIN = 1 - 2 ** -22;

/** Uniform on the eight unit squares of [-2, 2)² whose column and row numbers have an even sum; density 1/8 there. */
export const CHECKERBOARD: ToyDistribution = {
  name: 'checkerboard',
  sample: (stream, n) => {
    const square = stream.integers([n], 0, SQUARES_FILLED).data;
    const within = stream.uniform([n, 2], 0, WITHIN).data;
    return pointsOf(n, (i) => {
      const column = Number(square[i]) >> 1;
      const row = 2 * (Number(square[i]) & 1) + (column & 1);
      return [column - SIDE / 2 + Number(within[2 * i]), row - SIDE / 2 + Number(within[2 * i + 1])];
    });
  },
  logDensity: (x, y) => {
    const inside = (v: number): boolean => v >= -SIDE / 2 && v < SIDE / 2;
    const filled = (Math.floor(x) + Math.floor(y)) % 2 === 0;
    return inside(x) && inside(y) && filled ? -Math.log(SQUARES_FILLED) : -Infinity;
  },
};
