import { type Primitive, type PrimitiveAttributes, sizeOf } from '@brownian/graph';
import { describe, expect, test } from 'vitest';
import { erf } from '../src/interpreter/erf.ts';
import { bool, f64, i32, i64, random, run, source } from './interpreter-support.ts';

describe('erf', () => {
  // mpmath with 60 digits.
  test.each([
    [1e-10, 1.1283791670955126e-10],
    [0.1, 0.1124629160182849],
    [0.25, 0.27632639016823696],
    [0.46875, 0.49261347321793797],
    [0.5, 0.5204998778130465],
    [0.75, 0.7111556336535151],
    [1, 0.8427007929497149],
    [1.5, 0.9661051464753108],
    [2, 0.9953222650189527],
    [2.5, 0.999593047982555],
    [3, 0.9999779095030014],
    [4, 0.9999999845827421],
    [4.5, 0.9999999998033839],
    [5.5, 0.9999999999999927],
    [5.9, 0.9999999999999999],
    [6, 1],
    [Infinity, 1],
  ])('of ±%d', (x, expected) => {
    expect(Math.abs(erf(x) / expected - 1)).toBeLessThan(5e-16);
    expect(erf(-x)).toBe(-erf(x));
  });

  test('agrees with its series on a grid that crosses all regions', () => {
    // erf(x) = 2/√π·exp(−x²)·Σ 2ⁿx²ⁿ⁺¹/(2n+1)!!: all terms positive, so nothing cancels; exp(−x²) loses x² ulps.
    const series = (x: number): number => {
      let [term, total] = [x, x];
      for (let n = 1; n < 200; n++) total += term *= (2 * x * x) / (2 * n + 1);
      return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * total;
    };
    for (let x = 0.001; x < 6; x += 0.0137) expect(Math.abs(erf(x) / series(x) - 1)).toBeLessThan(1e-15 * (1 + x * x));
  });

  test('passes NaN on', () => expect(erf(NaN)).toBeNaN());
});

describe('extreme operands', () => {
  const cases: readonly [Primitive, readonly number[], readonly number[], PrimitiveAttributes['leakyRelu' | 'relu']][] =
    [
      ['softplus', [800, -800, 40, -40, Infinity, -Infinity], [800, 0, 40, 4.248354255291589e-18, Infinity, 0], {}],
      ['sigmoid', [800, -700, -40, Infinity, -Infinity], [1, 9.85967654375977e-305, 4.248354255291589e-18, 1, 0], {}],
      ['sign', [NaN, 1e-300, -Infinity], [NaN, 1, -1], {}],
      ['relu', [NaN, Infinity, -Infinity], [NaN, Infinity, 0], {}],
      ['leakyRelu', [NaN, Infinity, -Infinity], [NaN, Infinity, -Infinity], { slope: 0.1 }],
      ['log', [-1], [NaN], {}],
      ['sqrt', [-1], [NaN], {}],
    ];
  test.each(cases)('%s of %j', (primitive, x, expected, attributes) => {
    const { data } = run(primitive, [f64(x)], attributes);
    expected.forEach((want, i) => {
      const error = Object.is(data[i], want) ? 0 : Math.abs(Number(data[i]) / want - 1);
      expect(error, `element ${i}: ${data[i]}, expected ${want}`).toBeLessThan(1e-15);
    });
  });

  test('maximum and minimum pass NaN on', () => {
    const [x, y] = [f64([NaN, 1, 2]), f64([1, NaN, 3])];
    expect(run('maximum', [x, y], {}).data).toEqual(Float64Array.of(NaN, NaN, 3));
    expect(run('minimum', [x, y], {}).data).toEqual(Float64Array.of(NaN, NaN, 2));
  });

  test('comparisons with NaN are false', () => {
    for (const primitive of ['less', 'lessEqual', 'equal'] as const) {
      expect(run(primitive, [f64([NaN, 1]), f64([1, NaN])], {}).data).toEqual(Uint8Array.of(0, 0));
    }
  });
});

describe('integers', () => {
  const [min32, max32] = [-(2 ** 31), 2 ** 31 - 1];
  const [min64, max64] = [-(2n ** 63n), 2n ** 63n - 1n];

  test.each([
    ['add', [max32, 1], [1, 2], [min32, 3]],
    ['sub', [min32, 1], [1, 2], [max32, -1]],
    ['mul', [123456789, -3], [987654321, 5], [-67153019, -15]],
    ['div', [7, -7], [2, 2], [3, -3]],
    ['pow', [3, -1], [4, -3], [81, -1]],
    ['maximum', [1, -5], [2, -6], [2, -5]],
    ['minimum', [1, -5], [2, -6], [1, -6]],
  ] as const)('int32 %s', (primitive, x, y, expected) => {
    expect(run(primitive, [i32(x), i32(y)], {})).toEqual(i32(expected));
  });

  test.each([
    ['add', [max64, 1n], [1n, 2n], [min64, 3n]],
    ['sub', [min64, 1n], [1n, 2n], [max64, -1n]],
    ['mul', [max64, -3n], [2n, 5n], [-2n, -15n]],
    ['div', [7n, -7n], [2n, 2n], [3n, -3n]],
    ['pow', [3n, 7n], [40n, -1n], [12157665459056928801n - 2n ** 64n, 0n]],
    ['maximum', [1n, -5n], [2n, -6n], [2n, -5n]],
    ['minimum', [1n, -5n], [2n, -6n], [1n, -6n]],
  ] as const)('int64 %s', (primitive, x, y, expected) => {
    expect(run(primitive, [i64(x), i64(y)], {})).toEqual(i64(expected));
  });

  test('compare and select in every dtype', () => {
    expect(run('less', [i64([max64 - 1n, 2n]), i64([max64, 2n])], {})).toEqual(bool([1, 0]));
    expect(run('equal', [i32([1, 2]), i32([1, 3])], {})).toEqual(bool([1, 0]));
    expect(run('select', [bool([1, 0]), i64([max64, 2n]), i64([3n, 4n])], {})).toEqual(i64([max64, 4n]));
    expect(run('select', [bool([1, 0]), bool([1, 1]), bool([0, 0])], {})).toEqual(bool([1, 0]));
  });

  test('do not divide by zero', () => {
    expect(() => run('div', [i32([5]), i32([0])], {})).toThrow('div: the integer 5 is divided by zero');
    expect(() => run('div', [i64([5n]), i64([0n])], {})).toThrow('div: the integer 5 is divided by zero');
    expect(() => run('pow', [i64([0n]), i64([-1n])], {})).toThrow('pow: the integer 0 has no power -1');
  });
});

describe('cast', () => {
  const floats = f64([-1.9, -0.5, 0, 0.5, 2.9]);
  test.each([
    [floats, 'int32', i32([-1, 0, 0, 0, 2])],
    [floats, 'int64', i64([-1n, 0n, 0n, 0n, 2n])],
    [floats, 'bool', bool([1, 1, 0, 1, 1])],
    [floats, 'float32', floats],
    [f64([NaN]), 'bool', bool([1])],
    [bool([0, 1]), 'float32', f64([0, 1])],
    [bool([0, 1]), 'int64', i64([0n, 1n])],
    [bool([0, 1]), 'int32', i32([0, 1])],
    [i32([-3, 0]), 'float32', f64([-3, 0])],
    [i32([-3, 0]), 'int64', i64([-3n, 0n])],
    [i32([-3, 0]), 'bool', bool([1, 0])],
    [i64([2n ** 53n, -1n]), 'float32', f64([2 ** 53, -1])],
    [i64([2n ** 32n + 5n, -1n]), 'int32', i32([5, -1])],
    [i64([2n ** 32n, 0n]), 'bool', bool([1, 0])],
  ] as const)('%# to %s', (x, to, expected) => {
    expect(run('cast', [x], { to })).toEqual(expected);
  });

  test.each([NaN, Infinity, 2 ** 63])('refuses %d as an integer', (value) => {
    expect(() => run('cast', [f64([value])], { to: 'int32' })).toThrow(`cast: ${value} has no int32 value`);
    expect(() => run('cast', [f64([value])], { to: 'int64' })).toThrow(`cast: ${value} has no int64 value`);
  });
});

describe('broadcasting', () => {
  test.each([
    [[2, 3], [3], [2, 3]],
    [
      [2, 1],
      [1, 3],
      [2, 3],
    ],
    [[], [2, 2], [2, 2]],
    [
      [3, 1, 2],
      [4, 1],
      [3, 4, 2],
    ],
    [
      [2, 3, 2],
      [2, 3, 2],
      [2, 3, 2],
    ],
    [[1, 1], [], [1, 1]],
    [
      [0, 3],
      [1, 3],
      [0, 3],
    ],
    [[2, 0], [1], [2, 0]],
    [[0], [1], [0]],
  ])('%j with %j', (left, right, joint) => {
    const next = source(1);
    const [x, y] = [random(left, next), random(right, next)];
    // The definition: an index of the result, with 0 on axes of length 1 and leading axes dropped.
    const read = (array: typeof x, index: readonly number[]): number => {
      const own = index.slice(index.length - array.shape.length);
      const at = own.reduce(
        (sum, i, axis) => sum * (array.shape[axis] as number) + (array.shape[axis] === 1 ? 0 : i),
        0,
      );
      return Number(array.data[at]);
    };
    const expected = Array.from({ length: sizeOf(joint) }, (_, flat) => {
      let rest = flat;
      const reversed = joint.toReversed().map((size) => [rest % size, (rest = Math.floor(rest / size))][0] as number);
      const index = reversed.toReversed();
      return read(x, index) - read(y, index);
    });
    expect(run('sub', [x, y], {})).toEqual(f64(expected, joint));
  });

  test('select takes three shapes', () => {
    const result = run('select', [bool([1, 0], [2, 1]), f64([1, 2, 3]), f64([9], [])], {});
    expect(result).toEqual(f64([1, 2, 3, 9, 9, 9], [2, 3]));
  });

  test('and reads any byte but 0 as true', () => {
    expect(run('and', [bool([2, 0], [2, 1]), bool([1, 4])], {})).toEqual(bool([1, 1, 0, 0], [2, 2]));
  });
});

test('arithmetic keeps double precision', () => {
  const next = source(7);
  const [x, y] = [Array.from({ length: 64 }, next), Array.from({ length: 64 }, next)];
  const product = x.map((value, i) => value * (y[i] as number));
  expect(run('mul', [f64(x), f64(y)], {})).toEqual(f64(product));
});
