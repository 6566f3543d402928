import { type NDArray, ndarray, sizeOf } from '@brownian/graph';
import { describe, expect, test } from 'vitest';
import { between, bool, expectClose, f64, i32, i64, inner, random, run, source } from './interpreter-support.ts';

/** Both sides of an adjointness test sum at most some hundred products of numbers below 1. */
const SUM_TOLERANCE = 1e-13;

const seeds = Array.from({ length: 40 }, (_, seed) => seed + 1);

function expectEqualSums(a: number, b: number): void {
  expect(Math.abs(a - b)).toBeLessThan(SUM_TOLERANCE);
}

describe('reductions', () => {
  const x = f64(
    Array.from({ length: 24 }, (_, i) => i),
    [2, 3, 4],
  );

  test.each([
    [[], Array.from({ length: 24 }, (_, i) => i), [2, 3, 4]],
    [[0], [12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34], [3, 4]],
    [[1], [12, 15, 18, 21, 48, 51, 54, 57], [2, 4]],
    [[2], [6, 22, 38, 54, 70, 86], [2, 3]],
    [[0, 2], [60, 92, 124], [3]],
    [[0, 1, 2], [276], []],
  ])('sum over axes %j', (axes, expected, shape) => {
    expect(run('sum', [x], { axes })).toEqual(f64(expected, shape));
  });

  test.each([
    [[0], [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23], [3, 4]],
    [[1, 2], [11, 23], [2]],
  ])('max over axes %j', (axes, expected, shape) => {
    expect(run('max', [x], { axes })).toEqual(f64(expected, shape));
  });

  test('max of negative numbers, of −∞ and of NaN', () => {
    const rows = f64([-3, -2, -Infinity, -Infinity, NaN, 5], [3, 2]);
    expect(run('max', [rows], { axes: [1] }).data).toEqual(Float64Array.of(-2, -Infinity, NaN));
  });

  test('a sum over nothing is zero', () => {
    expect(run('sum', [f64([], [2, 0])], { axes: [1] })).toEqual(f64([0, 0]));
    expect(run('sum', [f64([], [0, 2])], { axes: [1] })).toEqual(f64([], [0]));
    expect(run('max', [f64([], [0, 2])], { axes: [1] })).toEqual(f64([], [0]));
  });
});

describe('layout', () => {
  test('transposes three axes of any dtype', () => {
    const values = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    const moved = [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]; // [i, j, k] of [2, 3, 2] at [k, j, i]
    const permutation = [2, 1, 0];
    expect(run('transpose', [f64(values, [2, 3, 2])], { permutation })).toEqual(f64(moved, [2, 3, 2]));
    expect(run('transpose', [i32(values, [2, 3, 2])], { permutation })).toEqual(i32(moved, [2, 3, 2]));
    expect(run('transpose', [i64(values.map(BigInt), [2, 3, 2])], { permutation })).toEqual(
      i64(moved.map(BigInt), [2, 3, 2]),
    );
  });

  test('expands leading and inner axes, to size zero too', () => {
    expect(run('expand', [f64([1, 2], [2, 1])], { shape: [2, 2, 2] })).toEqual(
      f64([1, 1, 2, 2, 1, 1, 2, 2], [2, 2, 2]),
    );
    expect(run('expand', [f64([1], [1])], { shape: [0] })).toEqual(f64([], [0]));
    expect(run('expand', [bool([1], [])], { shape: [3] })).toEqual(bool([1, 1, 1]));
  });

  test('slices with steps, down to nothing', () => {
    const x = f64([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [3, 4]);
    expect(run('slice', [x], { start: [1, 1], stop: [3, 4], step: [1, 2] })).toEqual(f64([5, 7, 9, 11], [2, 2]));
    expect(run('slice', [x], { start: [0, 3], stop: [3, 4], step: [2, 1] })).toEqual(f64([3, 11], [2, 1]));
    expect(run('slice', [x], { start: [1, 0], stop: [1, 4], step: [1, 1] })).toEqual(f64([], [0, 4]));
  });

  test('concatenates along any axis, with empty parts', () => {
    const [x, y] = [f64([1, 2, 3, 4], [2, 1, 2]), f64([5, 6, 7, 8], [2, 1, 2])];
    expect(run('concat', [x, y], { axis: 0 }).data).toEqual(Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(run('concat', [x, y], { axis: 1 }).data).toEqual(Float64Array.of(1, 2, 5, 6, 3, 4, 7, 8));
    expect(run('concat', [x, f64([], [2, 0, 2]), y], { axis: 1 })).toEqual(f64([1, 2, 5, 6, 3, 4, 7, 8], [2, 2, 2]));
    expect(run('concat', [i64([1n]), i64([2n])], { axis: 0 })).toEqual(i64([1n, 2n]));
    expect(run('concat', [x], { axis: 2 })).toEqual(x);
  });

  test('pads nothing to zeros, and keeps scalars', () => {
    expect(run('pad', [f64([], [0])], { low: [1], high: [2], interior: [5] })).toEqual(f64([0, 0, 0]));
    expect(run('pad', [f64([3], [])], { low: [], high: [], interior: [] })).toEqual(f64([3], []));
  });

  test.each(seeds)('pad is the adjoint of slice, seed %d', (seed) => {
    const next = source(seed);
    const shape = Array.from({ length: between(next, 1, 3) }, () => between(next, 1, 6));
    const start = shape.map((size) => between(next, 0, size - 1));
    const step = shape.map(() => between(next, 1, 3));
    const stop = shape.map((size, axis) => between(next, (start[axis] as number) + 1, size));
    const x = random(shape, next);
    const sliced = run('slice', [x], { start, stop, step });
    const y = random(sliced.shape, next);
    const interior = step.map((s) => s - 1);
    const reach = sliced.shape.map((n, axis) => (start[axis] as number) + (n - 1) * (step[axis] as number) + 1);
    const high = shape.map((size, axis) => size - (reach[axis] as number));
    expectEqualSums(inner(sliced, y), inner(x, run('pad', [y], { low: start, high, interior })));
  });
});

describe('indexing', () => {
  test('gathers with indices of any rank, and any dtype', () => {
    const x = i64([10n, 11n, 20n, 21n, 30n, 31n], [3, 2]);
    expect(run('gather', [x, i32([2, 0], [1, 2])], { axis: 0 })).toEqual(i64([30n, 31n, 10n, 11n], [1, 2, 2]));
    expect(run('gather', [x, i64([1n], [])], { axis: 0 })).toEqual(i64([20n, 21n], [2]));
    expect(run('gather', [x, i32([1], [])], { axis: 1 })).toEqual(i64([11n, 21n, 31n], [3]));
    expect(run('gather', [x, i32([], [0])], { axis: 0 })).toEqual(i64([], [0, 2]));
    expect(run('gather', [f64([], [0, 2]), i32([], [0])], { axis: 0 })).toEqual(f64([], [0, 2]));
  });

  test('scatters nothing to zeros', () => {
    expect(run('scatterAdd', [f64([], [0]), i32([], [0])], { axis: 0, size: 2 })).toEqual(f64([0, 0]));
  });

  test.each([-1, 3])('refuses the index %d', (index) => {
    const x = f64([1, 2, 3], [1, 3]);
    const reason = `index ${index} is outside axis 1 of length 3: indices run from 0 to 2`;
    expect(() => run('gather', [x, i32([0, index])], { axis: 1 })).toThrow(`gather: ${reason}`);
    expect(() => run('gather', [x, i64([BigInt(index)])], { axis: 1 })).toThrow(RangeError);
    const updates = f64([1], [1, 1]);
    expect(() => run('scatterAdd', [updates, i32([index])], { axis: 1, size: 3 })).toThrow(`scatterAdd: ${reason}`);
  });

  test('refuses any index of an empty axis', () => {
    expect(() => run('gather', [f64([], [0]), i32([0])], { axis: 0 })).toThrow('axis 0 of length 0: an axis without');
  });

  test.each(seeds)('scatterAdd is the adjoint of gather, seed %d', (seed) => {
    const next = source(seed);
    const shape = Array.from({ length: between(next, 1, 3) }, () => between(next, 1, 5));
    const axis = between(next, 0, shape.length - 1);
    const size = shape[axis] as number;
    const at = Array.from({ length: between(next, 0, 2) }, () => between(next, 1, 4));
    const values = Array.from({ length: sizeOf(at) }, () => between(next, 0, size - 1));
    const indices = seed % 2 === 0 ? i32(values, at) : i64(values.map(BigInt), at);
    const x = random(shape, next);
    const picked = run('gather', [x, indices], { axis });
    const y = random(picked.shape, next);
    expectEqualSums(inner(picked, y), inner(x, run('scatterAdd', [y, indices], { axis, size })));
  });
});

describe('matmul', () => {
  /** Σₖ a[…, i, k]·b[…, k, j] for one pair of matrices, by the definition. */
  function product(a: NDArray, b: NDArray): NDArray {
    const [m, k] = a.shape.slice(-2) as [number, number];
    const n = b.shape.at(-1) as number;
    const entry = (i: number, j: number): number => {
      let total = 0;
      for (let l = 0; l < k; l++) total += Number(a.data[i * k + l]) * Number(b.data[l * n + j]);
      return total;
    };
    return f64(
      Array.from({ length: m * n }, (_, at) => entry(Math.floor(at / n), at % n)),
      [m, n],
    );
  }

  const matrix = (x: NDArray, index: number, rows: number, columns: number): NDArray =>
    ndarray(x.data.slice(index * rows * columns, (index + 1) * rows * columns), [rows, columns]);

  test.each([
    [[], [], [[0, 0]]],
    [
      [3],
      [3],
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    ],
    [
      [2],
      [],
      [
        [0, 0],
        [1, 0],
      ],
    ],
    [
      [],
      [2],
      [
        [0, 0],
        [0, 1],
      ],
    ],
    [
      [2, 1],
      [3],
      [
        [0, 0],
        [0, 1],
        [0, 2],
        [1, 0],
        [1, 1],
        [1, 2],
      ],
    ],
    [
      [1, 2],
      [2, 1],
      [
        [0, 0],
        [1, 0],
        [0, 1],
        [1, 1],
      ],
    ],
  ])('leading axes %j and %j', (left, right, pairs) => {
    const next = source(3);
    const [a, b] = [random([...left, 3, 4], next), random([...right, 4, 2], next)];
    const result = run('matmul', [a, b], {});
    expect(result.data.length).toBe(pairs.length * 6);
    pairs.forEach(([i, j], batch) => {
      const expected = product(matrix(a, i as number, 3, 4), matrix(b, j as number, 4, 2));
      expectClose(matrix(result, batch, 3, 2), expected, 1e-15); // four products below 1
    });
  });

  test('over an empty inner axis is zero, and with empty leading axes is empty', () => {
    expect(run('matmul', [f64([], [2, 0]), f64([], [0, 2])], {})).toEqual(f64([0, 0, 0, 0], [2, 2]));
    expect(run('matmul', [f64([], [0, 2, 2]), f64([1, 2, 3, 4], [2, 2])], {})).toEqual(f64([], [0, 2, 2]));
  });
});
