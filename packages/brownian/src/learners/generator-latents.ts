import { type NDArray, type Tensor, float32Data, ndarray } from '@brownian/graph';
import type { Compiled, Runtime, Stream } from '@brownian/runtime';
import type { LatentView, Params, SymbolicParams } from '../interfaces.ts';
import type { Generator } from '../nets/labelled.ts';
import { block } from './columns.ts';
import { encodeItems } from './encode.ts';

/** Items that are generated at once. */
const CHUNK = 250;

/** A generator's latents, with a weight for each label behind them if it takes labels: `[dim + classes]`. */
export interface GeneratorLatents {
  view<S>(paramsOf: (state: S) => Params): Omit<LatentView, 'decode' | 'encode' | 'encodeKnown'> & {
    decode(state: S, z: NDArray): Promise<NDArray>;
    encode(state: S, x: NDArray, draw: Stream): Promise<NDArray>;
    encodeKnown(state: S, x: NDArray, known: NDArray, draw: Stream): Promise<NDArray>;
  };
  dispose(): Promise<void>;
}

/** The latents of a generator: Gaussian noise and one label each; between two labels lie their mixtures. */
export function generatorLatents(runtime: Runtime, name: string, net: Generator): GeneratorLatents {
  const { classes } = net;
  const [dim] = net.inputShape as readonly [number];
  const generate: Compiled<[SymbolicParams, Tensor, readonly Tensor[]], Tensor> = runtime.compile(
    (params: SymbolicParams, z: Tensor, [weights]: readonly Tensor[]) => net.blend(params, z, weights),
    { name: `${name} latents` },
  );
  const draw = (n: number, stream: Stream): NDArray => {
    const noise = stream.normal([n, dim]);
    if (classes === 0) return noise;
    const labels = stream.integers([n], 0, classes).data;
    const data = new Float32Array(n * (dim + classes));
    for (let i = 0; i < n; i++) {
      data.set((noise.data as Float32Array).subarray(i * dim, (i + 1) * dim), i * (dim + classes));
      data[i * (dim + classes) + dim + Number(labels[i])] = 1;
    }
    return ndarray(data, [n, dim + classes]);
  };
  const decode = async (params: Params, z: NDArray): Promise<NDArray> => {
    const n = z.shape[0] as number;
    const size = net.outputShape.reduce((a, b) => a * b, 1);
    const data = new Float32Array(n * size);
    for (let from = 0; from < n; from += CHUNK) {
      const rows = [from, Math.min(n, from + CHUNK)] as const;
      const weights = classes === 0 ? [] : [block(z, rows, dim, dim + classes)];
      data.set(float32Data(await generate(params, block(z, rows, 0, dim), weights)), from * size);
    }
    return ndarray(data, [n, ...net.outputShape]);
  };
  const search = (params: Params, x: NDArray, stream: Stream, known?: NDArray): Promise<NDArray> =>
    encodeItems(runtime, params, x, { net, draw, decode: (z) => decode(params, z) }, stream, known);
  return {
    view: (paramsOf) => ({
      shape: [dim + classes],
      path: 'linear',
      ...(classes > 0 && { labelWeights: classes }),
      draw,
      decode: (state, z) => decode(paramsOf(state), z),
      encode: (state, x, stream) => search(paramsOf(state), x, stream),
      encodeKnown: (state, x, known, stream) => search(paramsOf(state), x, stream, known),
    }),
    dispose: () => generate.dispose(),
  };
}
