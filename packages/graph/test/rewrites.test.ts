import { describe, expect, test } from 'vitest';
import {
  type Tensor,
  apply,
  cast,
  concat,
  constant,
  expand,
  max,
  operand,
  pad,
  pow,
  select,
  slice,
  stopGradient,
  transpose,
  zeros,
} from '@brownian/graph';
import { beforeAndAfter, f32, graphOf, type } from './graphs.ts';

const of = (f: (...x: Tensor[]) => unknown, ...args: readonly unknown[]): string => beforeAndAfter(graphOf(f, ...args));
const identity = (x: Tensor): Tensor => apply('identity', [x], {});

describe('rewrites', () => {
  test('markers of derivatives disappear', () => {
    expect(of((x) => identity(stopGradient(x)), f32(3))).toMatchInlineSnapshot(`
      "  %1 = stopGradient(%0) : float32[3]
        %2 = identity(%1) : float32[3]
        return result = %2
        =>
        return result = %0"
    `);
  });
  test('a cast to its own dtype disappears, another stays', () => {
    expect(of((x) => [cast(x, 'float32'), cast(x, 'int32')], f32(3))).toMatchInlineSnapshot(`
      "  %1 = cast(%0) to=float32 : float32[3]
        %2 = cast(%0) to=int32 : int32[3]
        return 0 = %1, 1 = %2
        =>
        %1 = cast(%0) to=int32 : int32[3]
        return 0 = %0, 1 = %1"
    `);
  });
  test('−(−x) is x', () => {
    expect(of((x) => x.neg().neg(), f32(3))).toMatchInlineSnapshot(`
      "  %1 = neg(%0) : float32[3]
        %2 = neg(%1) : float32[3]
        return result = %2
        =>
        return result = %0"
    `);
  });
  test('a transpose that only moves axes of size 1 is a reshape', () => {
    expect(of((x) => transpose(x, [0, 2, 3, 1]), f32(2, 1, 3, 4))).toMatchInlineSnapshot(`
      "  %1 = transpose(%0) permutation=[0, 2, 3, 1] : float32[2, 3, 4, 1]
        return result = %1
        =>
        %1 = reshape(%0) shape=[2, 3, 4, 1] : float32[2, 3, 4, 1]
        return result = %1"
    `);
  });
  test('a + b and b + a are one', () => {
    expect(of((x, y) => x.add(y).mul(y.add(x)), f32(3), f32(3))).toMatchInlineSnapshot(`
      "  %2 = add(%0, %1) : float32[3]
        %3 = add(%1, %0) : float32[3]
        %4 = mul(%2, %3) : float32[3]
        return result = %4
        =>
        %2 = add(%0, %1) : float32[3]
        %3 = mul(%2, %2) : float32[3]
        return result = %3"
    `);
  });
  test('−(a − b) is b − a', () => {
    expect(of((a, b) => a.sub(b).neg(), f32(3), f32(3))).toMatchInlineSnapshot(`
      "  %2 = sub(%0, %1) : float32[3]
        %3 = neg(%2) : float32[3]
        return result = %3
        =>
        %2 = sub(%1, %0) : float32[3]
        return result = %2"
    `);
  });
  test('x + 0 and 0 + x are x', () => {
    expect(of((x) => [x.add(0), operand(0).add(x)], f32(3))).toMatchInlineSnapshot(`
      "  %1 = constant() [0] : float32[]
        %2 = add(%0, %1) : float32[3]
        %3 = constant() [0] : float32[]
        %4 = add(%3, %0) : float32[3]
        return 0 = %2, 1 = %4
        =>
        return 0 = %0, 1 = %0"
    `);
  });
  test('x + 0 stays where it broadcasts', () => {
    expect(of((x) => x.add(constant(zeros([2, 3]))), f32(3))).toMatchInlineSnapshot(`
      "  %1 = constant() [0, 0, 0, 0, 0, 0] : float32[2, 3]
        %2 = add(%0, %1) : float32[2, 3]
        return result = %2
        =>
        %1 = constant() [0, 0, 0, 0, 0, 0] : float32[2, 3]
        %2 = add(%0, %1) : float32[2, 3]
        return result = %2"
    `);
  });
  test('a + (−b) and (−b) + a are a − b', () => {
    expect(of((a, b) => [a.add(b.neg()), b.neg().add(a)], f32(3), f32(3))).toMatchInlineSnapshot(`
      "  %2 = neg(%1) : float32[3]
        %3 = add(%0, %2) : float32[3]
        %4 = neg(%1) : float32[3]
        %5 = add(%4, %0) : float32[3]
        return 0 = %3, 1 = %5
        =>
        %2 = sub(%0, %1) : float32[3]
        return 0 = %2, 1 = %2"
    `);
  });
  test('x − 0 is x, 0 − x is −x, a − (−b) is a + b', () => {
    expect(of((a, b) => [a.sub(0), operand(0).sub(a), a.sub(b.neg())], f32(3), f32(3))).toMatchInlineSnapshot(`
      "  %2 = constant() [0] : float32[]
        %3 = sub(%0, %2) : float32[3]
        %4 = constant() [0] : float32[]
        %5 = sub(%4, %0) : float32[3]
        %6 = neg(%1) : float32[3]
        %7 = sub(%0, %6) : float32[3]
        return 0 = %3, 1 = %5, 2 = %7
        =>
        %2 = neg(%0) : float32[3]
        %3 = add(%0, %1) : float32[3]
        return 0 = %0, 1 = %2, 2 = %3"
    `);
  });
  test('0 − x of integers stays, for neg takes floats only', () => {
    expect(of((i) => operand(0, 'int32').sub(i), type('int32', 2))).toMatchInlineSnapshot(`
      "  %1 = constant() [0] : int32[]
        %2 = sub(%1, %0) : int32[2]
        return result = %2
        =>
        %1 = constant() [0] : int32[]
        %2 = sub(%1, %0) : int32[2]
        return result = %2"
    `);
  });
  test('x·1 is x, x·(−1) is −x, on either side', () => {
    expect(of((x) => [x.mul(1), operand(1).mul(x), x.mul(-1)], f32(3))).toMatchInlineSnapshot(`
      "  %1 = constant() [1] : float32[]
        %2 = mul(%0, %1) : float32[3]
        %3 = constant() [1] : float32[]
        %4 = mul(%3, %0) : float32[3]
        %5 = constant() [-1] : float32[]
        %6 = mul(%0, %5) : float32[3]
        return 0 = %2, 1 = %4, 2 = %6
        =>
        %1 = neg(%0) : float32[3]
        return 0 = %0, 1 = %0, 2 = %1"
    `);
  });
  test('x·0 stays: x may be infinite', () => {
    expect(of((x) => x.mul(0), f32(3))).toMatchInlineSnapshot(`
      "  %1 = constant() [0] : float32[]
        %2 = mul(%0, %1) : float32[3]
        return result = %2
        =>
        %1 = constant() [0] : float32[]
        %2 = mul(%0, %1) : float32[3]
        return result = %2"
    `);
  });
  test('constant factors join, through negation too', () => {
    expect(of((x) => operand(2).mul(x.mul(3).neg()), f32(3))).toMatchInlineSnapshot(`
      "  %1 = constant() [2] : float32[]
        %2 = constant() [3] : float32[]
        %3 = mul(%0, %2) : float32[3]
        %4 = neg(%3) : float32[3]
        %5 = mul(%1, %4) : float32[3]
        return result = %5
        =>
        %1 = constant() [-6] : float32[]
        %2 = mul(%0, %1) : float32[3]
        return result = %2"
    `);
  });
  test('division by a constant is a product', () => {
    expect(of((x) => x.div(4), f32(3))).toMatchInlineSnapshot(`
      "  %1 = constant() [4] : float32[]
        %2 = div(%0, %1) : float32[3]
        return result = %2
        =>
        %1 = constant() [0.25] : float32[]
        %2 = mul(%0, %1) : float32[3]
        return result = %2"
    `);
  });
  test('division stays for zero, for integers, and where the divisor broadcasts the dividend', () => {
    const divided = (x: Tensor, i: Tensor): Tensor[] => [x.div(0), i.div(2), x.div(constant([4, 4]))];
    expect(of(divided as never, f32(), type('int32', 2))).toMatchInlineSnapshot(`
      "  %2 = constant() [0] : float32[]
        %3 = div(%0, %2) : float32[]
        %4 = constant() [2] : int32[]
        %5 = div(%1, %4) : int32[2]
        %6 = constant() [4, 4] : float32[2]
        %7 = div(%0, %6) : float32[2]
        return 0 = %3, 1 = %5, 2 = %7
        =>
        %2 = constant() [0] : float32[]
        %3 = div(%0, %2) : float32[]
        %4 = constant() [2] : int32[]
        %5 = div(%1, %4) : int32[2]
        %6 = constant() [4, 4] : float32[2]
        %7 = div(%0, %6) : float32[2]
        return 0 = %3, 1 = %5, 2 = %7"
    `);
  });
  test('powers 1, 2 and ½ are cheaper operations', () => {
    expect(of((x) => [pow(x, 1), pow(x, 2), pow(x, 0.5), pow(x, 3)], f32(3))).toMatchInlineSnapshot(`
      "  %1 = constant() [1] : float32[]
        %2 = pow(%0, %1) : float32[3]
        %3 = constant() [2] : float32[]
        %4 = pow(%0, %3) : float32[3]
        %5 = constant() [0.5] : float32[]
        %6 = pow(%0, %5) : float32[3]
        %7 = constant() [3] : float32[]
        %8 = pow(%0, %7) : float32[3]
        return 0 = %2, 1 = %4, 2 = %6, 3 = %8
        =>
        %1 = mul(%0, %0) : float32[3]
        %2 = sqrt(%0) : float32[3]
        %3 = constant() [3] : float32[]
        %4 = pow(%0, %3) : float32[3]
        return 0 = %0, 1 = %1, 2 = %2, 3 = %4"
    `);
  });
  test('a reduction over no axis disappears', () => {
    expect(of((x) => [x.sum([]), max(x, [])], f32(3))).toMatchInlineSnapshot(`
      "  %1 = sum(%0) axes=[] : float32[3]
        %2 = max(%0) axes=[] : float32[3]
        return 0 = %1, 1 = %2
        =>
        return 0 = %0, 1 = %0"
    `);
  });
  test('reshapes join', () => {
    expect(of((x) => [x.reshape([2, 3]), x.reshape([6]).reshape([3, 2])], f32(2, 3))).toMatchInlineSnapshot(`
      "  %1 = reshape(%0) shape=[2, 3] : float32[2, 3]
        %2 = reshape(%0) shape=[6] : float32[6]
        %3 = reshape(%2) shape=[3, 2] : float32[3, 2]
        return 0 = %1, 1 = %3
        =>
        %1 = reshape(%0) shape=[3, 2] : float32[3, 2]
        return 0 = %0, 1 = %1"
    `);
  });
  test('transpositions join, in their order', () => {
    const both = (x: Tensor): Tensor[] => [
      transpose(transpose(x, [1, 2, 0]), [1, 0, 2]),
      transpose(transpose(x, [1, 2, 0]), [2, 0, 1]),
    ];
    expect(of(both as never, f32(2, 3, 4))).toMatchInlineSnapshot(`
      "  %1 = transpose(%0) permutation=[1, 2, 0] : float32[3, 4, 2]
        %2 = transpose(%1) permutation=[1, 0, 2] : float32[4, 3, 2]
        %3 = transpose(%0) permutation=[1, 2, 0] : float32[3, 4, 2]
        %4 = transpose(%3) permutation=[2, 0, 1] : float32[2, 3, 4]
        return 0 = %2, 1 = %4
        =>
        %1 = transpose(%0) permutation=[2, 1, 0] : float32[4, 3, 2]
        return 0 = %1, 1 = %0"
    `);
  });
  test('expansions join', () => {
    expect(of((x) => [expand(x, [3]), expand(expand(x, [2, 3]), [4, 2, 3])], f32(3))).toMatchInlineSnapshot(`
      "  %1 = expand(%0) shape=[3] : float32[3]
        %2 = expand(%0) shape=[2, 3] : float32[2, 3]
        %3 = expand(%2) shape=[4, 2, 3] : float32[4, 2, 3]
        return 0 = %1, 1 = %3
        =>
        %1 = expand(%0) shape=[4, 2, 3] : float32[4, 2, 3]
        return 0 = %0, 1 = %1"
    `);
  });
  test('a whole slice, an empty pad and a concat of one disappear', () => {
    expect(of((x) => [slice(x, [[0, 3]]), pad(x, [[0, 0]]), concat([x])], f32(3))).toMatchInlineSnapshot(`
      "  %1 = slice(%0) start=[0] stop=[3] step=[1] : float32[3]
        %2 = pad(%0) low=[0] high=[0] interior=[0] : float32[3]
        %3 = concat(%0) axis=0 : float32[3]
        return 0 = %1, 1 = %2, 2 = %3
        =>
        return 0 = %0, 1 = %0, 2 = %0"
    `);
  });
  test('operations that broadcast need no expanded operand', () => {
    expect(of((x, y) => expand(x, [2, 3]).mul(y), f32(3), f32(2, 3))).toMatchInlineSnapshot(`
      "  %2 = expand(%0) shape=[2, 3] : float32[2, 3]
        %3 = mul(%2, %1) : float32[2, 3]
        return result = %3
        =>
        %2 = mul(%0, %1) : float32[2, 3]
        return result = %2"
    `);
  });
  test('an expansion stays where it alone gives the result its shape', () => {
    expect(of((x) => expand(x, [2, 3]).add(x), f32(3))).toMatchInlineSnapshot(`
      "  %1 = expand(%0) shape=[2, 3] : float32[2, 3]
        %2 = add(%1, %0) : float32[2, 3]
        return result = %2
        =>
        %1 = expand(%0) shape=[2, 3] : float32[2, 3]
        %2 = add(%1, %0) : float32[2, 3]
        return result = %2"
    `);
  });
  test('of two expanded operands one stays', () => {
    const f = (c: Tensor, x: Tensor): Tensor => select(c, expand(x, [2, 3]), expand(x.neg(), [2, 3]));
    expect(of(f as never, type('bool', 3), f32(3))).toMatchInlineSnapshot(`
      "  %2 = expand(%1) shape=[2, 3] : float32[2, 3]
        %3 = neg(%1) : float32[3]
        %4 = expand(%3) shape=[2, 3] : float32[2, 3]
        %5 = select(%0, %2, %4) : float32[2, 3]
        return result = %5
        =>
        %2 = neg(%1) : float32[3]
        %3 = expand(%2) shape=[2, 3] : float32[2, 3]
        %4 = select(%0, %1, %3) : float32[2, 3]
        return result = %4"
    `);
  });
});
