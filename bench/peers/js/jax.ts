import type { NDArray } from '@brownian/graph';
import { requirePeer } from './modules.ts';
import type { Kind, Ops } from './ops.ts';
import { serveTwins } from './serve-twins.ts';

/** What is used of an array of jax-js. Every use of one consumes a reference, and `ref` makes another. */
interface JaxArray {
  readonly ref: JaxArray;
  readonly shape: readonly number[];
  add(other: JaxArray | number): JaxArray;
  sub(other: JaxArray): JaxArray;
  mul(other: JaxArray | number): JaxArray;
  div(other: JaxArray): JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  data(): Promise<Float32Array>;
  dataSync(): Float32Array;
  dispose(): void;
}

type Unary = (x: JaxArray) => JaxArray;
type Pads = readonly (readonly [number, number])[];
type Scalar = (x: JaxArray) => JaxArray;
type ScalarOfMany = (xs: readonly JaxArray[]) => JaxArray;

/** What is used of jax-js. */
interface Jax {
  init(device: string): Promise<string[]>;
  defaultDevice(device: string): string;
  readonly jit: <F>(f: F) => F;
  readonly grad: (f: Scalar) => Scalar;
  readonly valueAndGrad: (f: ScalarOfMany) => (xs: readonly JaxArray[]) => [JaxArray, JaxArray[]];
  readonly numpy: {
    array(data: Float32Array): JaxArray;
    sqrt: Unary;
    absolute: Unary;
    tanh: Unary;
    transpose: Unary;
    maximum(a: JaxArray, b: number): JaxArray;
    minimum(a: JaxArray, b: number): JaxArray;
    sum(x: JaxArray, axes?: readonly number[]): JaxArray;
    max(x: JaxArray, axes: readonly number[]): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    concatenate(xs: readonly JaxArray[], axis: number): JaxArray;
  };
  readonly nn: { relu: Unary; silu: Unary; softplus: Unary; leakyRelu(x: JaxArray, slope: number): JaxArray };
  readonly lax: {
    convGeneralDilated(x: JaxArray, w: JaxArray, strides: readonly number[], padding: Pads): JaxArray;
    convTranspose(
      x: JaxArray,
      w: JaxArray,
      strides: readonly number[],
      padding: Pads,
      options: { transposeKernel: boolean },
    ): JaxArray;
  };
}

function pads(padding: number): Pads {
  return [
    [padding, padding],
    [padding, padding],
  ];
}

function shaped(kind: Kind, shape: readonly number[]): readonly number[] {
  return kind === 'image' && shape[0] === 1 && shape.length === 4 ? shape.slice(1) : shape;
}

/**
 * A dense layer as a convolution over the whole image: the second derivative of matmul comes out wrong for some sizes (36×8; jax-js
 * 0.1.25). `w` is `[units, c·h·w]` and is consumed.
 */
function denseOfImages(lax: Jax['lax'], w: JaxArray, x: JaxArray): JaxArray {
  const [n, ...image] = x.shape as readonly [number, number, number, number];
  const filters = w.reshape([w.shape[0] as number, ...image]);
  return lax.convGeneralDilated(x.ref, filters, [1, 1], pads(0)).reshape([n, -1]);
}

function operations({ numpy: np, nn, lax, jit, grad, valueAndGrad }: Jax): Ops<JaxArray> {
  const other = (b: JaxArray | number): JaxArray | number => (typeof b === 'number' ? b : b.ref);
  return {
    input: ({ data, shape }) =>
      np.array(data instanceof Float32Array ? data : Float32Array.from(data as Float64Array)).reshape(shape),
    output: async (x, kind = 'plain'): Promise<NDArray> => ({
      dtype: 'float32',
      shape: shaped(kind, x.shape),
      data: await x.ref.data(),
    }),
    dispose: (xs) => xs.forEach((x) => x.dispose()),
    compile: (f) => {
      const compiled = jit((xs: readonly JaxArray[]) => f(xs));
      return (xs) => {
        const results = compiled(xs.map((x) => x.ref));
        for (const result of results) result.ref.dataSync(); // work is done when it is asked for
        return results;
      };
    },
    grad: (f) => (x) => grad((at) => f(at))(x.ref),
    valueAndGrad: (f) => (xs) => valueAndGrad((at) => f(at))(xs.map((x) => x.ref)),
    add: (a, b) => a.ref.add(other(b)),
    sub: (a, b) => a.ref.sub(b.ref),
    mul: (a, b) => a.ref.mul(other(b)),
    div: (a, b) => a.ref.div(b.ref),
    maximum: (a, b) => np.maximum(a.ref, b),
    minimum: (a, b) => np.minimum(a.ref, b),
    sqrt: (x) => np.sqrt(x.ref),
    abs: (x) => np.absolute(x.ref),
    relu: (x) => nn.relu(x.ref),
    leakyRelu: (x) => nn.leakyRelu(x.ref, 0.2),
    silu: (x) => nn.silu(x.ref),
    tanh: (x) => np.tanh(x.ref),
    softplus: (x) => nn.softplus(x.ref),
    sum: (x, axes) => np.sum(x.ref, axes),
    shape: (x) => x.shape,
    reshape: (x, shape) => x.ref.reshape(shape),
    concat: (xs) =>
      np.concatenate(
        xs.map((x) => x.ref),
        0,
      ),
    transpose: (x) => np.transpose(x.ref),
    matmul: (a, b) => np.matmul(a.ref, b.ref),
    conv2d: (x, w, stride, padding) => lax.convGeneralDilated(x.ref, w.ref, [stride, stride], pads(padding)),
    convTranspose2d: (x, w, stride, padding) =>
      lax.convTranspose(x.ref, w.ref, [stride, stride], pads(padding), { transposeKernel: true }),
    maxPool: (x) => {
      const [n, c, h, w] = x.shape as readonly [number, number, number, number];
      return np.max(x.ref.reshape([n, c, h / 2, 2, w / 2, 2]), [3, 5]);
    },
    perChannel: (x) => x.ref.reshape([1, -1, 1, 1]),
    notChannels: [0, 2, 3],
    denseOfImages: (x, w) => denseOfImages(lax, np.transpose(w.ref), x),
    flatten: (x) => x.ref.reshape([x.shape[0] as number, -1]),
  };
}

const jax = requirePeer('@jax-js/jax') as Jax;
await jax.init('wasm');
jax.defaultDevice('wasm');
await serveTwins('jax-js (WASM)', operations(jax));
