import { describe, expect, test } from 'vitest';
import { transposeSteps } from '../src/onnx/transpose.ts';

/** Elements of an array of this shape in the order of a transpose, by definition. */
function transposed(data: readonly number[], shape: readonly number[], permutation: readonly number[]): number[] {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const sizes = permutation.map((axis) => shape[axis] as number);
  return data.map((_, at) => {
    let [rest, from] = [at, 0];
    for (let i = sizes.length - 1; i >= 0; i--) {
      const size = sizes[i] as number;
      from += (rest % size) * (strides[permutation[i] as number] as number);
      rest = Math.floor(rest / size);
    }
    return data[from] as number;
  });
}

const CASES: readonly (readonly [shape: number[], permutation: number[], steps: number])[] = [
  [[2, 3], [0, 1], 0],
  [[1, 5, 1, 4], [1, 0, 3, 2], 0],
  [[3, 4], [1, 0], 1],
  [[2, 3, 4, 5], [0, 2, 3, 1], 2],
  [[40, 33, 2, 17], [0, 2, 3, 1], 1],
  [[12, 3, 4], [2, 1, 0], 2],
  [[3, 4, 12], [2, 1, 0], 2],
  [[3, 4, 5], [2, 1, 0], 1],
  [[9, 2, 3, 2, 2], [3, 1, 0, 2, 4], 1],
  [[16, 8, 2, 2, 3, 3], [2, 4, 0, 3, 5, 1], 2],
  [[8, 3, 4, 4], [2, 3, 1, 0], 2],
  [[4, 4, 3, 8], [3, 2, 0, 1], 2],
];

describe('a transpose in steps', () => {
  test.each(CASES)(
    'of %j by %j takes %i and moves every element where the whole moves it',
    (shape, permutation, count) => {
      const data = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i);
      const steps = transposeSteps(shape, permutation);
      expect(steps).toHaveLength(count);
      const moved = steps.reduce((values, step) => transposed(values, step.shape, step.permutation), data);
      expect(moved).toEqual(transposed(data, shape, permutation));
    },
  );
});
