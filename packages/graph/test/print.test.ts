import { describe, expect, test } from 'vitest';
import {
  type Tensor,
  constant,
  conv2d,
  grad,
  jvp,
  leakyRelu,
  matmul,
  ndarray,
  optimize,
  printGraph,
  tanh,
  topologicalOrder,
} from '@brownian/graph';
import { f32, graphOf, type } from './graphs.ts';

describe('printed graphs', () => {
  test('name inputs, number nodes, and give attributes and types', () => {
    const graph = graphOf((x, i) => ({ y: conv2d(x, x, { padding: 1 }), i }), f32(1, 2, 3, 3), type('int32', 2));
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "f(%0 arg0: float32[1, 2, 3, 3], %1 arg1: int32[2])
        %2 = conv2d(%0, %0) stride=[1, 1] padding=[1, 1, 1, 1] dilation=[1, 1] : float32[1, 1, 3, 3]
        return i = %1, y = %2
      "
    `);
  });

  test('show a constant by its first values', () => {
    const long = ndarray(Float32Array.from({ length: 100 }, (_, i) => i / 3));
    const graph = graphOf((x) => [x.add(constant(long)), constant(ndarray(BigInt64Array.of(1n)))], f32(100));
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "f(%0 arg0: float32[100])
        %1 = constant() [0, 0.333333, 0.666667, 1, 1.33333, 1.66667, … 100 values] : float32[100]
        %2 = add(%0, %1) : float32[100]
        %3 = constant() [1] : int64[1]
        return 0 = %2, 1 = %3
      "
    `);
  });

  test('do not depend on what was traced before', () => {
    const f = (x: Tensor): Tensor => tanh(x).square();
    expect(printGraph(graphOf(f as never, f32(3)))).toBe(printGraph(graphOf(f as never, f32(3))));
  });
});

interface Params {
  readonly bias: Tensor;
  readonly filters: Tensor;
  readonly readout: Tensor;
}

/** Φ(x) = leakyRelu(filters ∗ x + bias) · readout, the smallest descriptor. */
function potential({ filters, bias, readout }: Params, x: Tensor): Tensor {
  const h = leakyRelu(conv2d(x, filters, { stride: 2, padding: 1, bias }), 0.2);
  return matmul(h.reshape([x.shape[0] as number, -1]), readout).reshape([-1]);
}

const params = { bias: f32(4), filters: f32(4, 1, 4, 4), readout: f32(64, 1) };
const images = f32(2, 1, 8, 8);
const energy = (theta: Params, x: Tensor): Tensor => potential(theta, x).sum();

describe('golden graphs of a small wGCN', () => {
  test('the Langevin step', () => {
    const step = (theta: Params, x: Tensor, noise: Tensor): Tensor =>
      x.add(grad(energy, 1)(theta, x).sub(x.div(0.09)).mul(0.002)).add(noise.mul(0.06));
    const graph = optimize(graphOf(step as never, params, images, images));
    expect(printGraph(graph)).toMatchSnapshot();
  });

  test('the gradient of the JKO penalty, E‖∇ₓΦ‖², in the parameters', () => {
    const penalty = (theta: Params, x: Tensor): Tensor => grad(energy, 1)(theta, x).square().sum().mul(0.5);
    const graph = optimize(graphOf(grad(penalty) as never, params, images));
    expect(printGraph(graph)).toMatchSnapshot();
  });

  test('the same penalty as a directional derivative leaves no dummy cotangent behind', () => {
    const directional = (theta: Params, x: Tensor): Params => {
      const g = grad(energy, 1)(theta, x);
      const along = (at: Params): Tensor => jvp((y: Tensor) => energy(at, y), x, g)[1];
      return grad(along)(theta);
    };
    const graph = optimize(graphOf(directional as never, params, images));
    expect(printGraph(graph)).not.toContain('cotangent');
    const leaves = topologicalOrder(graph.outputs).filter((node) => node.primitive === 'input');
    expect(graph.inputs).toEqual(expect.arrayContaining(leaves));
  });
});

describe('forward mode', () => {
  test('a Jacobian-vector product is as short as the derivative by hand', () => {
    const graph = optimize(graphOf((x, v) => jvp((y: Tensor) => tanh(y), x, v)[1], f32(3), f32(3)));
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "f(%0 arg0: float32[3], %1 arg1: float32[3])
        %2 = constant() [1] : float32[]
        %3 = tanh(%0) : float32[3]
        %4 = mul(%3, %3) : float32[3]
        %5 = sub(%2, %4) : float32[3]
        %6 = mul(%1, %5) : float32[3]
        return result = %6
      "
    `);
  });
});
