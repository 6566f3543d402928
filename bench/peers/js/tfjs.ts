import type { NDArray } from '@brownian/graph';
import { requirePeer } from './modules.ts';
import type { Kind, Ops } from './ops.ts';
import { serveTwins } from './serve-twins.ts';

/** What is used of a tensor of tfjs. */
interface TfTensor {
  readonly shape: readonly number[];
  data(): Promise<Float32Array>;
  dispose(): void;
}

type Unary = (x: TfTensor) => TfTensor;
type Binary = (a: TfTensor, b: TfTensor | number) => TfTensor;
type Images = [number, number, number, number];

/** What is used of tfjs. */
interface Tf {
  readonly version_core: string;
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<R>(f: () => R): R;
  readonly grad: (f: Unary) => Unary;
  valueAndGrads(
    f: (...xs: TfTensor[]) => TfTensor,
  ): (xs: readonly TfTensor[]) => { value: TfTensor; grads: TfTensor[] };
  tensor(data: Float32Array, shape: readonly number[]): TfTensor;
  transpose(x: TfTensor, permutation?: readonly number[]): TfTensor;
  readonly reshape: (x: TfTensor, shape: readonly number[]) => TfTensor;
  readonly sum: (x: TfTensor, axes?: readonly number[]) => TfTensor;
  concat(xs: readonly TfTensor[], axis: number): TfTensor;
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  readonly maximum: Binary;
  readonly minimum: Binary;
  readonly matMul: (a: TfTensor, b: TfTensor) => TfTensor;
  readonly sqrt: Unary;
  readonly abs: Unary;
  readonly relu: Unary;
  readonly sigmoid: Unary;
  readonly tanh: Unary;
  readonly softplus: Unary;
  leakyRelu(x: TfTensor, slope: number): TfTensor;
  readonly conv2d: (x: TfTensor, w: TfTensor, stride: number, padding: number | 'same' | 'valid') => TfTensor;
  conv2dTranspose(x: TfTensor, w: TfTensor, size: Images, stride: number, padding: 'same' | 'valid'): TfTensor;
  maxPool(x: TfTensor, size: number, stride: number, padding: 'valid'): TfTensor;
}

/** tfjs' order of axes (NHWC images, HWIO filters) from ours, and back. */
const TO: Readonly<Record<Kind, readonly number[] | undefined>> = {
  plain: undefined,
  image: [0, 2, 3, 1],
  filter: [2, 3, 1, 0],
};
const FROM: Readonly<Record<Kind, readonly number[] | undefined>> = {
  plain: undefined,
  image: [0, 3, 1, 2],
  filter: [3, 2, 0, 1],
};

function operations(tf: Tf): Ops<TfTensor> {
  const flatten = (x: TfTensor): TfTensor => tf.reshape(tf.transpose(x, FROM.image), [x.shape[0] as number, -1]);
  const ordered = (x: TfTensor, permutation: readonly number[] | undefined): TfTensor =>
    permutation === undefined ? x : tf.transpose(x, permutation);
  return {
    // Gradients of exp, sigmoid and tanh use the saved result as a constant, so their own gradients come out wrong: for
    // ‖∇ₓ Σ tanh(x·w)‖², 16.4 in a direction where differences give 21.3 (tfjs 4.22).
    firstOrderOnly: 'wrong second derivatives',
    input: ({ data, shape }, kind = 'plain') =>
      tf.tidy(() => ordered(tf.tensor(Float32Array.from(data as Float32Array), shape), TO[kind])),
    output: async (x, kind = 'plain'): Promise<NDArray> => {
      const y = ordered(x, FROM[kind]);
      const shape = kind === 'image' && y.shape[0] === 1 ? y.shape.slice(1) : y.shape;
      const data = Float32Array.from(await y.data());
      if (y !== x) y.dispose();
      return { dtype: 'float32', shape, data };
    },
    dispose: (xs) => xs.forEach((x) => x.dispose()),
    compile: (f) => (xs) => tf.tidy(() => f(xs)),
    grad: (f) => tf.grad(f),
    valueAndGrad: (f) => (xs) => {
      const { value, grads } = tf.valueAndGrads((...at) => f(at))(xs);
      return [value, grads];
    },
    add: tf.add,
    sub: tf.sub,
    mul: tf.mul,
    div: tf.div,
    maximum: tf.maximum,
    minimum: tf.minimum,
    sqrt: tf.sqrt,
    abs: tf.abs,
    relu: tf.relu,
    leakyRelu: (x) => tf.leakyRelu(x, 0.2),
    silu: (x) => tf.mul(x, tf.sigmoid(x)),
    tanh: tf.tanh,
    softplus: tf.softplus,
    sum: tf.sum,
    shape: (x) => x.shape,
    reshape: tf.reshape,
    concat: (xs) => tf.concat(xs, 0),
    matmul: tf.matMul,
    transpose: (x) => tf.transpose(x),
    conv2d: tf.conv2d,
    convTranspose2d: (x, w, stride, padding) => {
      const [n, height, width] = x.shape as Images;
      const [kh, kw, out] = w.shape as Images;
      const size: Images = [n, (height - 1) * stride + kh - 2 * padding, (width - 1) * stride + kw - 2 * padding, out];
      return tf.conv2dTranspose(x, w, size, stride, padding === 0 ? 'valid' : 'same');
    },
    maxPool: (x) => tf.maxPool(x, 2, 2, 'valid'),
    perChannel: (x) => x, // channels are last
    notChannels: [0, 1, 2],
    flatten,
    denseOfImages: (x, w) => tf.matMul(flatten(x), w),
  };
}

const [backend = 'cpu', threads = '2'] = process.argv.slice(2);
const tf = requirePeer('@tensorflow/tfjs') as Tf;
if (backend === 'wasm') {
  const wasm = requirePeer('@tensorflow/tfjs-backend-wasm') as { setThreadsCount(count: number): void };
  wasm.setThreadsCount(Number(threads));
}
if (!(await tf.setBackend(backend))) throw new Error(`tfjs could not start its ${backend} backend.`);
await tf.ready();
await serveTwins(`tfjs ${tf.version_core} (${backend})`, operations(tf));
