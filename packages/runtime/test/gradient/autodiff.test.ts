import {
  type NDArray,
  type Tensor,
  ShapeError,
  constant,
  conv2d,
  cos,
  erf,
  exp,
  gelu,
  grad,
  item,
  jvp,
  less,
  log,
  matmul,
  ndarray,
  pow,
  reciprocal,
  relu,
  sigmoid,
  silu,
  sin,
  softplus,
  sqrt,
  stopGradient,
  tanh,
  trace,
  valueAndGrad,
  vjp,
  zeros,
} from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { DIFFERENCE_LIMIT } from './check-op.ts';
import { COMPOSITE_CASES } from './composite-cases.ts';
import { PRIMITIVE_CASES } from './op-cases.ts';
import { interpreter } from './runtimes.ts';

const runtime = interpreter();
afterAll(() => runtime.dispose());
const random = createStream('autodiff');

const values = ({ data }: NDArray): number[] => Array.from(data, Number);
const dot = (a: NDArray, b: NDArray): number => values(a).reduce((sum, v, i) => sum + v * Number(b.data[i]), 0);
const scalar = (value: number): NDArray => ndarray(Float64Array.of(value), []);
const shifted = (x: NDArray, v: NDArray, step: number): NDArray =>
  ndarray(
    Float64Array.from(values(x), (value, i) => value + step * Number(v.data[i])),
    x.shape,
  );

/** Double rounding in sums of a few hundred terms of order one: the two sides differ in the order of operations only. */
const ROUNDING = 1e-12;

function expectClose(actual: readonly number[], expected: readonly number[], limit: number): void {
  const scale = expected.reduce((largest, v) => Math.max(largest, Math.abs(v)), 0) || 1;
  const worst = expected.reduce((most, v, i) => Math.max(most, Math.abs((actual[i] as number) - v)), 0);
  expect(actual).toHaveLength(expected.length);
  expect(worst / scale).toBeLessThan(limit);
}

describe('forward mode', () => {
  const cases = [...Object.values(PRIMITIVE_CASES).flat(), ...COMPOSITE_CASES].filter(({ name, f, inputs }) => {
    const [y] = trace(name, f, inputs).graph.outputs;
    return [...inputs, y].every((x) => x?.dtype === 'float32');
  });

  test.each(cases)(
    '$name: ⟨u, J·v⟩ equals ⟨Jᵀ·u, v⟩, and J·v the finite difference',
    async ({ name, f, inputs, notTheSlope }) => {
      const stream = createStream(name);
      const v = inputs.map((x) => stream.normal(x.shape));
      const forward = runtime.compile((x: readonly Tensor[], along: readonly Tensor[]) =>
        jvp((y: readonly Tensor[]) => f(...y), x, along),
      );
      const backward = runtime.compile((x: readonly Tensor[], u: Tensor) =>
        vjp((y: readonly Tensor[]) => f(...y), x)[1](u),
      );
      const [y, column] = await forward(inputs, v);
      const u = stream.normal(y.shape);
      const row = await backward(inputs, u);
      const right = row.reduce((sum, g, i) => sum + dot(g, v[i] as NDArray), 0);
      const size = values(column).reduce((sum, c, i) => sum + Math.abs(c * Number(u.data[i])), 0);
      expect(Math.abs(dot(column, u) - right)).toBeLessThanOrEqual(ROUNDING * size);
      if (notTheSlope !== undefined) return;
      const step = 1e-5;
      const [ahead] = await forward(
        inputs.map((x, i) => shifted(x, v[i] as NDArray, step)),
        v,
      );
      const [behind] = await forward(
        inputs.map((x, i) => shifted(x, v[i] as NDArray, -step)),
        v,
      );
      const difference = values(ahead).map((value, i) => (value - Number(behind.data[i])) / (2 * step));
      expectClose(values(column), difference, DIFFERENCE_LIMIT);
    },
  );

  test('gives zeros for results that are not floats', async () => {
    const along = runtime.compile((x: Tensor, v: Tensor) => jvp((y: Tensor) => less(y, 0), x, v)[1]);
    expect(values(await along(ndarray([-1, 1]), ndarray([1, 1])))).toEqual([0, 0]);
  });

  test('goes through a tree of arguments and of results', async () => {
    const f = ({ a, b }: { a: Tensor; b: Tensor }): { product: Tensor; list: Tensor[] } => ({
      product: a.mul(b),
      list: [a],
    });
    const along = runtime.compile((x: { a: Tensor; b: Tensor }, v: { a: Tensor; b: Tensor }) => jvp(f, x, v)[1]);
    const { product, list } = await along({ a: scalar(2), b: scalar(3) }, { a: scalar(10), b: scalar(100) });
    expect([item(product), item(list[0] as NDArray)]).toEqual([10 * 3 + 2 * 100, 10]);
  });

  test('gives zeros where the result does not depend on the argument', async () => {
    const along = runtime.compile((x: Tensor, v: Tensor) => jvp((y: Tensor) => stopGradient(y).square(), x, v));
    const [value, column] = await along(ndarray([3]), ndarray([1]));
    expect([values(value), values(column)]).toEqual([[9], [0]]);
  });

  test('nests in itself: d²/dε² f(x + εv) is vᵀHv', async () => {
    const f = (x: Tensor): Tensor => sin(x).mul(exp(x)).sum();
    const inner = (x: Tensor, v: Tensor): Tensor => jvp(f, x, v)[1];
    const twice = runtime.compile((x: Tensor, v: Tensor) => jvp((y: Tensor) => inner(y, v), x, v)[1]);
    // (sin x · eˣ)″ = 2 cos x · eˣ
    const [x, v] = [0.7, 1.3];
    expectClose([item(await twice(scalar(x), scalar(v)))], [2 * Math.cos(x) * Math.exp(x) * v * v], ROUNDING);
  });
});

describe('higher orders', () => {
  const third = (f: (x: Tensor) => Tensor): ((x: Tensor) => Tensor) => grad(grad(grad((x: Tensor) => f(x))));
  const s = (x: number): number => 1 / (1 + Math.exp(-x));
  const cases: readonly (readonly [name: string, f: (x: Tensor) => Tensor, third: (x: number) => number])[] = [
    ['exp', exp, Math.exp],
    ['log', log, (x) => 2 / x ** 3],
    ['sqrt', sqrt, (x) => 0.375 * x ** -2.5],
    ['reciprocal', reciprocal, (x) => -6 / x ** 4],
    ['sin', sin, (x) => -Math.cos(x)],
    ['cos', cos, Math.sin],
    ['x⁵', (x) => pow(x, 5), (x) => 60 * x * x],
    ['tanh', tanh, (x) => (6 * Math.tanh(x) ** 2 - 2) / Math.cosh(x) ** 2],
    ['sigmoid', sigmoid, (x) => s(x) * (1 - s(x)) * (1 - 6 * s(x) + 6 * s(x) ** 2)],
    ['softplus', softplus, (x) => s(x) * (1 - s(x)) * (1 - 2 * s(x))],
    ['erf', erf, (x) => ((8 * x * x - 4) / Math.sqrt(Math.PI)) * Math.exp(-x * x)],
    ['gelu', gelu, (x) => (x ** 3 - 4 * x) * (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI))],
    ['x·|x| by a product', (x) => x.mul(sqrt(x.square())), () => 0],
  ];

  test.each(cases)('the third derivative of %s is the one of the books', async (_, f, expected) => {
    const derivative = runtime.compile(third(f));
    const x = Math.fround(0.8);
    expect(Math.abs(item(await derivative(scalar(x))) - expected(x))).toBeLessThan(1e3 * ROUNDING);
  });

  test('Hessian times vector is the same forward over reverse, and reverse over reverse', async () => {
    const f = (x: Tensor, w: Tensor): Tensor =>
      silu(conv2d(x, w, { padding: 1 }))
        .square()
        .sum();
    const gradient = grad(f);
    const forward = runtime.compile((x: Tensor, w: Tensor, v: Tensor) => jvp((y: Tensor) => gradient(y, w), x, v)[1]);
    const reverse = runtime.compile((x: Tensor, w: Tensor, v: Tensor) =>
      grad((y: Tensor) => gradient(y, w).mul(v).sum())(x),
    );
    const [x, w, v] = [random.normal([2, 2, 3, 3]), random.normal([2, 2, 3, 3]), random.normal([2, 2, 3, 3])];
    expectClose(values(await forward(x, w, v)), values(await reverse(x, w, v)), ROUNDING);
  });

  test('the two forms of the JKO gradient agree: ∇θ‖∇ₓΦ‖²/2, and ∇θ of the derivative along a constant ∇ₓΦ', async () => {
    const energy = (w: Tensor, x: Tensor): Tensor => silu(conv2d(x, w)).sum();
    const double = runtime.compile(grad((w: Tensor, x: Tensor) => grad(energy, 1)(w, x).square().sum().mul(0.5)));
    const directional = runtime.compile((w: Tensor, x: Tensor) => {
      const g = grad(energy, 1)(w, x);
      return grad((at: Tensor) => jvp((y: Tensor) => energy(at, y), x, g)[1])(w);
    });
    const [w, x] = [random.normal([3, 2, 3, 3]), random.normal([2, 2, 5, 5])];
    expectClose(values(await directional(w, x)), values(await double(w, x)), ROUNDING);
  });
});

describe('what a gradient sees', () => {
  test('its argument, and not the same tensor in a closure', async () => {
    const f = runtime.compile((x: Tensor) => grad((y: Tensor) => y.mul(x).mul(x).sum())(x));
    expect(values(await f(ndarray([3])))).toEqual([9]);
  });

  test('a closure over the outer argument, when the outer gradient is taken', async () => {
    // d/dx [ d/dy (x·y²) at y = x ] = d/dx 2x² = 4x
    const f = runtime.compile(grad((x: Tensor) => grad((y: Tensor) => x.mul(y.square()))(x)));
    expect(item(await f(scalar(3)))).toBe(12);
  });

  test('nothing behind stopGradient, at any order', async () => {
    const f = runtime.compile(grad(grad((x: Tensor) => x.mul(x).mul(stopGradient(x.mul(x))))));
    // x²·c with c = x² held constant: 2c = 2x².
    expect(item(await f(scalar(3)))).toBe(18);
  });

  test('every leaf of stopGradient’s tree is stopped', async () => {
    const f = runtime.compile(
      grad((p: { a: Tensor; b: Tensor[] }) => {
        const still = stopGradient(p);
        return p.a.mul(still.a).add((still.b[0] as Tensor).mul(2));
      }),
    );
    const { a, b } = await f({ a: scalar(3), b: [scalar(5)] });
    expect([item(a), item(b[0] as NDArray)]).toEqual([3, 0]);
  });

  test('each use of a tensor that is used more than once', async () => {
    const f = runtime.compile(grad((x: Tensor) => exp(x).add(x.mul(x)).add(x).sum()));
    expectClose(values(await f(ndarray([1, -2]))), [Math.E + 3, Math.exp(-2) - 3], ROUNDING);
  });

  test('zeros of the right shapes for leaves that are not used', async () => {
    const f = runtime.compile(grad(({ used }: { used: Tensor; unused: Tensor }) => used.sum()));
    const { used, unused } = await f({ used: zeros([2]), unused: zeros([3, 4]) });
    expect([used.shape, values(used)]).toEqual([[2], [1, 1]]);
    expect([unused.shape, values(unused)]).toEqual([[3, 4], Array.from({ length: 12 }, () => 0)]);
  });

  test('nested trees, with the structure of the argument', async () => {
    interface Layer {
      readonly w: Tensor;
      readonly b: Tensor;
    }
    const loss = (layers: readonly Layer[], x: Tensor): Tensor =>
      layers.reduce((h, { w, b }) => relu(matmul(h, w).add(b)), x).sum();
    const f = runtime.compile(grad(loss));
    const layer = { w: ndarray([1, 2, 3, 4], [2, 2]), b: ndarray([10, 20]) };
    const gradient = await f([layer, layer], ndarray([1, 1], [1, 2]));
    expect(gradient.map(({ w, b }) => [values(w), values(b)])).toEqual([
      [
        [3, 7, 3, 7],
        [3, 7],
      ],
      [
        [14, 14, 26, 26],
        [1, 1],
      ],
    ]);
  });
});

describe('valueAndGrad', () => {
  const f = (a: Tensor, b: Tensor): Tensor => a.square().mul(b).sum();

  test('gives the value beside the gradient in the first argument', async () => {
    const both = runtime.compile(valueAndGrad(f));
    const [value, gradient] = await both(ndarray([2, 3]), ndarray([5, 7]));
    expect([item(value), values(gradient)]).toEqual([83, [20, 42]]);
  });

  test('and in another argument', async () => {
    const both = runtime.compile(valueAndGrad(f, 1));
    const [value, gradient] = await both(ndarray([2, 3]), ndarray([5, 7]));
    expect([item(value), values(gradient)]).toEqual([83, [4, 9]]);
  });
});

describe('errors', () => {
  const x = ndarray([1, 2, 3]);
  const i = ndarray(Int32Array.of(1, 2));
  const run = (f: (x: Tensor, i: Tensor) => unknown) => async (): Promise<unknown> => runtime.compile(f as never)(x, i);

  test.each([
    [
      'a result that is not a scalar',
      (a: Tensor) => grad((y: Tensor) => y)(a),
      ShapeError,
      'grad: the function must return a float32 scalar, got float32[3]. Sum or average it first.',
    ],
    [
      'a result that is an integer',
      (a: Tensor, k: Tensor) => grad((_y: Tensor) => k)(a),
      ShapeError,
      'must return a float32 scalar, got int32[2]',
    ],
    [
      'a result that is not a tensor',
      (a: Tensor) => grad((_y: Tensor) => 3 as unknown as Tensor)(a),
      ShapeError,
      'must return a float32 scalar, got number',
    ],
    [
      'an argument of integers',
      (_: Tensor, k: Tensor) => grad((y: Tensor) => y.sum())(k),
      TypeError,
      'Derivatives are taken of float32 tensors; "the argument" is int32.',
    ],
    [
      'integers within a tree',
      (a: Tensor, k: Tensor) => grad((y: { a: Tensor; k: Tensor }) => y.a.sum())({ a, k }),
      TypeError,
      'float32 tensors; "k" is int32.',
    ],
    [
      'a concrete argument',
      () => grad((y: Tensor) => y.sum())(x as unknown as Tensor),
      TypeError,
      'is a concrete array. Trace the function with compile().',
    ],
    [
      'an argument that is not there',
      () => (grad((y: Tensor) => y.sum()) as () => Tensor)(),
      TypeError,
      'found undefined',
    ],
    [
      'a tangent of another shape',
      (a: Tensor) => jvp((y: Tensor) => y, a, constant([1, 2])),
      ShapeError,
      "jvp: the tangent must have the argument's shapes; leaf 0 of the argument is [3], of the tangent [2].",
    ],
    [
      'a tangent with leaves missing',
      (a: Tensor) => jvp((y: Tensor[]) => y, [a, a], [a]),
      ShapeError,
      'leaf 1 of the argument is [3], of the tangent missing.',
    ],
    [
      'a cotangent that would broadcast',
      (a: Tensor) => vjp((y: Tensor) => y.mul(2), a)[1](constant(1)),
      ShapeError,
      "vjp: the cotangent must have the result's shapes; leaf 0 of the result is [3], of the cotangent [].",
    ],
  ])('%s is refused', async (_, f, kind, message) => {
    await expect(run(f as never)()).rejects.toThrow(kind);
    await expect(run(f as never)()).rejects.toThrow(message);
  });
});
