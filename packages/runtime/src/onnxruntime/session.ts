import {
  type Graph,
  type LoweringOptions,
  type NDArray,
  encodeModel,
  formatShape,
  lower,
  sameShape,
} from '@brownian/graph';
import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from 'onnxruntime-common';
import type { Executable } from '../types.ts';

/** What Node and the web have in common: both packages export these. */
export interface OrtModule {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorConstructor;
}

function toOrt({ Tensor }: OrtModule, array: NDArray): OrtTensor {
  const data = array.data instanceof Float64Array ? Float32Array.from(array.data) : array.data;
  return new Tensor(array.dtype, data as Float32Array, array.shape);
}

function fromOrt(tensor: OrtTensor): NDArray {
  return { dtype: tensor.type as NDArray['dtype'], shape: tensor.dims, data: tensor.data as NDArray['data'] };
}

/** Lowers a graph to ONNX, makes a session of it, and feeds and reads it by position. */
export async function loadSession(
  ort: OrtModule,
  graph: Graph,
  options: LoweringOptions,
  session: InferenceSession.SessionOptions,
): Promise<Executable> {
  const { model, feeds } = lower(graph, options);
  const loaded = await ort.InferenceSession.create(encodeModel(model), session);
  return {
    run: async (inputs) => {
      const given: Record<string, OrtTensor> = {};
      feeds.forEach((position, i) => {
        const { name, shape, dtype } = model.inputs[i] as (typeof model.inputs)[number];
        const array = inputs[position];
        if (array === undefined || array.dtype !== dtype || !sameShape(array.shape, shape)) {
          throw new TypeError(
            `${graph.name}: input "${name}" must be ${dtype}${formatShape(shape)}, got ${array ? array.dtype + formatShape(array.shape) : 'nothing'}.`,
          );
        }
        given[name] = toOrt(ort, array);
      });
      const results = await loaded.run(given);
      return model.outputs.map(({ name }) => fromOrt(results[name] as OrtTensor));
    },
    dispose: () => loaded.release(),
  };
}
