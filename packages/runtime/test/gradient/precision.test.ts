import {
  type NDArray,
  type Tensor,
  conv2d,
  exp,
  grad,
  item,
  matmul,
  max,
  ndarray,
  select,
  less,
  transpose,
} from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, describe, expect, test } from 'vitest';

const runtime = nodeRuntime({ threads: 1 });
const oracle = createRuntime(interpreterBackend());
afterAll(async () => {
  await Promise.all([runtime.dispose(), oracle.dispose()]);
});

const doubles = (...values: number[]): NDArray => ndarray(Float64Array.from(values));

describe('a function compiled in double precision', () => {
  test('keeps differences that float32 cannot hold, in arguments, constants and results', async () => {
    const f = (x: Tensor): Tensor => x.add(1e-12).sub(1);
    const x = doubles(1);
    const wide = await runtime.compile(f, { precision: 'double' })(x);
    expect(wide.data).toBeInstanceOf(Float64Array);
    // 1 + 1e-12 is rounded at 2.2e-16.
    expect(item(wide)).toBeCloseTo(1e-12, 15);
    expect(item(await runtime.compile(f)(x))).toBe(0);
  });

  test('agrees with the float64 interpreter: products, reductions, choices and derivatives', async () => {
    const f = (a: Tensor, b: Tensor): Tensor => {
      // A scaled product, which ONNX Runtime would fuse with a scale in float32.
      const products = matmul(a, transpose(b)).mul(1 / 3);
      return grad((x: Tensor) =>
        exp(select(less(x, 0), x.mul(0.3), x.square().mul(-1)))
          .mul(max(x, 1).reshape([-1, 1]))
          .sum(),
      )(products);
    };
    const [a, b] = [createStream('a').normal([7, 5]), createStream('b').normal([4, 5])];
    const found = (await runtime.compile(f, { precision: 'double' })(a, b)).data as Float64Array;
    const expected = (await oracle.compile(f)(a, b)).data as Float64Array;
    // Both are in double precision; sums of five terms of size one.
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 13));
  });

  test('says which operation has no such kernel', async () => {
    const f = runtime.compile((x: Tensor, w: Tensor) => conv2d(x, w), { precision: 'double', name: 'smooth' });
    await expect(f(ndarray(new Float64Array(9), [1, 1, 3, 3]), ndarray([1], [1, 1, 1, 1]))).rejects.toThrow(
      /^smooth .*Conv/,
    );
    expect(runtime.openSessions).toBeGreaterThan(0);
  });
});
