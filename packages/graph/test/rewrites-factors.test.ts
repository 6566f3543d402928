import { describe, expect, test } from 'vitest';
import type { Tensor } from '@brownian/graph';
import { beforeAndAfter, f32, graphOf } from './graphs.ts';

const of = (f: (...x: Tensor[]) => unknown, ...args: readonly unknown[]): string => beforeAndAfter(graphOf(f, ...args));

describe('rewrites of constant factors', () => {
  test('signs cancel in a product; other factors may keep it from overflow or underflow', () => {
    expect(of((x, y) => x.neg().mul(y.mul(-1)), f32(3), f32(3))).toMatchInlineSnapshot(`
      "  %2 = neg(%0) : float32[3]
        %3 = constant() [-1] : float32[]
        %4 = mul(%1, %3) : float32[3]
        %5 = mul(%2, %4) : float32[3]
        return result = %5
        =>
        %2 = mul(%0, %1) : float32[3]
        return result = %2"
    `);
    expect(of((x) => [x.mul(1e10).square(), x.mul(1e-10).square()], f32(3))).toMatchInlineSnapshot(`
      "  %1 = constant() [10000000000] : float32[]
        %2 = mul(%0, %1) : float32[3]
        %3 = mul(%2, %2) : float32[3]
        %4 = constant() [1e-10] : float32[]
        %5 = mul(%0, %4) : float32[3]
        %6 = mul(%5, %5) : float32[3]
        return 0 = %3, 1 = %6
        =>
        %1 = constant() [10000000000] : float32[]
        %2 = mul(%0, %1) : float32[3]
        %3 = mul(%2, %2) : float32[3]
        %4 = constant() [1e-10] : float32[]
        %5 = mul(%0, %4) : float32[3]
        %6 = mul(%5, %5) : float32[3]
        return 0 = %3, 1 = %6"
    `);
  });
  test('factors below 1 stay inside a sum, which they may keep from overflow', () => {
    expect(of((x) => [x.mul(1e-3).sum(0), x.neg().sum(0)], f32(3))).toMatchInlineSnapshot(`
      "  %1 = constant() [0.001] : float32[]
        %2 = mul(%0, %1) : float32[3]
        %3 = sum(%2) axes=[0] : float32[]
        %4 = neg(%0) : float32[3]
        %5 = sum(%4) axes=[0] : float32[]
        return 0 = %3, 1 = %5
        =>
        %1 = constant() [0.001] : float32[]
        %2 = mul(%0, %1) : float32[3]
        %3 = sum(%2) axes=[0] : float32[]
        %4 = sum(%0) axes=[0] : float32[]
        %5 = neg(%4) : float32[]
        return 0 = %3, 1 = %5"
    `);
  });
  test('factors move out of sums, and on to a number that is there', () => {
    expect(of((x) => x.mul(2).sum(0), f32(3))).toMatchInlineSnapshot(`
      "  %1 = constant() [2] : float32[]
        %2 = mul(%0, %1) : float32[3]
        %3 = sum(%2) axes=[0] : float32[]
        return result = %3
        =>
        %1 = sum(%0) axes=[0] : float32[]
        %2 = constant() [2] : float32[]
        %3 = mul(%1, %2) : float32[]
        return result = %3"
    `);
    expect(of((x, t) => x.mul(t).mul(0.5), f32(3), f32())).toMatchInlineSnapshot(`
      "  %2 = mul(%0, %1) : float32[3]
        %3 = constant() [0.5] : float32[]
        %4 = mul(%2, %3) : float32[3]
        return result = %4
        =>
        %2 = constant() [0.5] : float32[]
        %3 = mul(%1, %2) : float32[]
        %4 = mul(%0, %3) : float32[3]
        return result = %4"
    `);
  });
  test('−(c·x) is (−c)·x', () => {
    expect(of((x) => x.mul(3).neg(), f32(3))).toMatchInlineSnapshot(`
      "  %1 = constant() [3] : float32[]
        %2 = mul(%0, %1) : float32[3]
        %3 = neg(%2) : float32[3]
        return result = %3
        =>
        %1 = constant() [-3] : float32[]
        %2 = mul(%0, %1) : float32[3]
        return result = %2"
    `);
  });
  test('constant factors stay apart where float32 does not hold their product', () => {
    expect(of((x) => [x.mul(1e30).mul(1e30), x.mul(1e-30).mul(1e-30)], f32(3))).toMatchInlineSnapshot(`
      "  %1 = constant() [1e+30] : float32[]
        %2 = mul(%0, %1) : float32[3]
        %3 = constant() [1e+30] : float32[]
        %4 = mul(%2, %3) : float32[3]
        %5 = constant() [1e-30] : float32[]
        %6 = mul(%0, %5) : float32[3]
        %7 = constant() [1e-30] : float32[]
        %8 = mul(%6, %7) : float32[3]
        return 0 = %4, 1 = %8
        =>
        %1 = constant() [1e+30] : float32[]
        %2 = mul(%1, %1) : float32[]
        %3 = mul(%0, %2) : float32[3]
        %4 = constant() [1e-30] : float32[]
        %5 = mul(%4, %4) : float32[]
        %6 = mul(%0, %5) : float32[3]
        return 0 = %3, 1 = %6"
    `);
  });
});
