import {
  type NDArray,
  type OnnxModel,
  type Tensor,
  decodeModel,
  encodeModel,
  grad,
  lower,
  ndarray,
  openBatch,
  renameValues,
} from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import {
  ACTIVATIONS,
  LANGEVIN_DEFAULTS,
  builtIn,
  chain,
  conv,
  dcganGenerator,
  dense,
  descriptor,
  flatten,
  gaborBank,
  langevinStep,
  pointwise,
  pool,
} from '../../src/index.ts';
import { afterAll, describe, expect, test } from 'vitest';

const runtime = nodeRuntime({ threads: 1 });
afterAll(() => runtime.dispose());

type Fn = (x: Tensor) => Tensor;

/** The model of a function of items for a batch of a size. */
function modelOf(fn: Fn, item: readonly number[]): (size: number) => OnnxModel {
  const compiled = runtime.compile(fn);
  return (size) => {
    // Only the shape is looked at.
    const x = {
      dtype: 'float32',
      shape: [size, ...item],
      data: new Float32Array(size * item.reduce((a, b) => a * b, 1)),
    } as const;
    return lower(compiled.graph(x), { target: 'wasm' }).model;
  };
}

const silu = pointwise(ACTIVATIONS.silu);
const relu = pointwise(ACTIVATIONS.relu);
const key = createStream(1);
const conv16 = chain(
  conv({ channels: 4, kernel: 5, stride: 2, padding: 2 }),
  silu,
  flatten(),
  dense(6),
  silu,
)([2, 8, 8]);
const phi = descriptor(conv16, {});
const params = builtIn(phi.init(key));
const force: Fn = (x) => grad((at: Tensor) => phi.apply(params, at).sum())(x);
const pooled = chain(conv({ channels: 4, kernel: 3 }), relu, pool(2), conv({ channels: 3, kernel: 3 }))([2, 8, 8]);
const pooledPhi = descriptor(pooled, {});
const pooledParams = builtIn(pooledPhi.init(key));
const gabor = descriptor(gaborBank()([1, 8, 8]), { start: 'random' });
const gaborParams = builtIn(gabor.init(key));

const OPEN: Readonly<Record<string, readonly [Fn, readonly number[]]>> = {
  'a potential': [(x) => phi.apply(params, x), [2, 8, 8]],
  'a force': [force, [2, 8, 8]],
  'a force through pooling': [(x) => grad((at: Tensor) => pooledPhi.apply(pooledParams, at).sum())(x), [2, 8, 8]],
  'a force of fixed filters': [(x) => grad((at: Tensor) => gabor.apply(gaborParams, at).sum())(x), [1, 8, 8]],
  'a Langevin step that limits gradients': [
    (x) => langevinStep(phi, { ...LANGEVIN_DEFAULTS, gradientClip: 1, clip: [-1, 1] }, params, x, x.mul(0.1)).x,
    [2, 8, 8],
  ],
};

describe.each(Object.entries(OPEN))('%s', (_, [fn, item]) => {
  test('is one model for every batch, with the values of the compiled function', async () => {
    const open = openBatch(modelOf(fn, item)) as OnnxModel;
    expect(open.inputs[0]?.shape).toEqual(['batch', ...item]);
    expect(open.outputs[0]?.shape[0]).toBe('batch');
    expect(Object.keys(open.opsets)).toEqual(['']);
    const read = decodeModel(encodeModel(open), 'open');
    expect(read.inputs[0]?.shape).toEqual(['batch', ...item]);
    expect(read.nodes.every(({ domain }) => domain === '')).toBe(true);
    const loaded = await runtime.loadModel(encodeModel(open), 'open');
    const compiled = runtime.compile(fn);
    for (const size of [1, 2, 7]) {
      const x = createStream(size).uniform([size, ...item], -1, 1);
      const wanted = await compiled(x);
      const { [open.outputs[0]?.name as string]: found } = await loaded.run({ [open.inputs[0]?.name as string]: x });
      expect(found?.shape).toEqual(wanted.shape);
      // Both are float32 sums, in the orders of different kernels.
      const scale = Math.max(1e-6, ...(wanted.data as Float32Array).map(Math.abs));
      wanted.data.forEach((value, i) =>
        expect(Math.abs(Number(value) - Number((found as NDArray).data[i])) / scale).toBeLessThan(1e-5),
      );
    }
    await Promise.all([loaded.dispose(), compiled.dispose()]);
  });
});

describe('what depends on the batch as a whole has one size', () => {
  const generator = dcganGenerator({ output: [1, 8, 8], width: 4 })([3]);
  const weights = builtIn(generator.init(key));
  test.each<[string, Fn, readonly number[]]>([
    ['a mean over the batch', (x) => x.mean(0), [3]],
    ['batch normalisation', (z) => generator.apply(weights, z), [3]],
    ['an output of several rows per item', (x) => x.reshape([(x.shape[0] as number) * 3]), [3]],
  ])('%s', (_, fn, item) => {
    expect(openBatch(modelOf(fn, item))).toBeUndefined();
  });

  test('but not what has two axes of its size', () => {
    const pairs: Fn = (x) => x.reshape([1, x.shape[0] as number, 3]).sub(x.reshape([x.shape[0] as number, 1, 3]));
    expect(openBatch(modelOf(pairs, [3]))?.outputs[0]?.shape).toEqual(['batch', 'batch', 3]);
  });
});

describe('renaming', () => {
  const model = modelOf((x) => x.mul(2), [3])(2);
  test('gives inputs and outputs the names one wants', async () => {
    const [input, output] = [model.inputs[0]?.name as string, model.outputs[0]?.name as string];
    const named = renameValues(
      model,
      new Map([
        [input, 'x'],
        [output, 'twice'],
      ]),
    );
    const loaded = await runtime.loadModel(encodeModel(named), 'named');
    const { twice } = await loaded.run({ x: ndarray([1, 2, 3, 4, 5, 6], [2, 3]) });
    expect(Array.from(twice?.data as Float32Array)).toEqual([2, 4, 6, 8, 10, 12]);
  });

  test('refuses a name that is taken', () => {
    const [input, output] = [model.inputs[0]?.name as string, model.outputs[0]?.name as string];
    expect(() => renameValues(model, new Map([[output, input]]))).toThrow(`two values would be called "${input}"`);
  });
});
