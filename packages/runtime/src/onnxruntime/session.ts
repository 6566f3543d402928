import {
  type DType,
  type Graph,
  type LoweringOptions,
  type NDArray,
  type Precision,
  encodeModel,
  formatShape,
  lower,
  sameShape,
} from '@brownian/graph';
import type { InferenceSession, Tensor as OrtTensor, TensorConstructor } from 'onnxruntime-common';
import type { Executable, LoadedModel, ModelValue } from '../types.ts';

/** What Node and the web have in common: both packages export these. */
export interface OrtModule {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorConstructor;
}

function toOrt({ Tensor }: OrtModule, array: NDArray, precision: Precision): OrtTensor {
  if (array.dtype === 'float32' && precision === 'double') {
    const data = array.data instanceof Float64Array ? array.data : Float64Array.from(array.data as Float32Array);
    return new Tensor('float64', data, array.shape);
  }
  const data = array.data instanceof Float64Array ? Float32Array.from(array.data) : array.data;
  return new Tensor(array.dtype, data as Float32Array, array.shape);
}

/** Doubles keep their storage and are `float32` by dtype, as the interpreter's results are. */
function fromOrt(tensor: OrtTensor): NDArray {
  return { dtype: dtypeOf(tensor.type) ?? 'float32', shape: tensor.dims, data: tensor.data as NDArray['data'] };
}

function dtypeOf(type: OrtTensor.Type): DType | undefined {
  if (type === 'float64') return 'float32';
  return type === 'float32' || type === 'int32' || type === 'int64' || type === 'bool' ? type : undefined;
}

/** ONNX Runtime's rewrite of scaled products puts the scale into an attribute, which is float32: not for doubles. */
function withinPrecision(
  session: InferenceSession.SessionOptions,
  { precision }: LoweringOptions,
): InferenceSession.SessionOptions {
  if (precision !== 'double') return session;
  return {
    ...session,
    extra: { ...session.extra, optimization: { disable_specified_optimizers: 'MatMulScaleFusion' } },
  };
}

/** Lowers a graph to ONNX, makes a session of it, and feeds and reads it by position. */
export async function loadSession(
  ort: OrtModule,
  graph: Graph,
  options: LoweringOptions,
  session: InferenceSession.SessionOptions,
): Promise<Executable> {
  const { model, feeds } = lower(graph, options);
  const loaded = await ort.InferenceSession.create(encodeModel(model), withinPrecision(session, options));
  return {
    run: async (inputs) => {
      const given: Record<string, OrtTensor> = {};
      feeds.forEach((position, i) => {
        const { name } = model.inputs[i] as (typeof model.inputs)[number];
        const { shape, dtype } = graph.inputs[position] as (typeof graph.inputs)[number];
        const array = inputs[position];
        if (array === undefined || array.dtype !== dtype || !sameShape(array.shape, shape)) {
          throw new TypeError(
            `${graph.name}: input "${name}" must be ${dtype}${formatShape(shape)}, got ${array ? array.dtype + formatShape(array.shape) : 'nothing'}.`,
          );
        }
        given[name] = toOrt(ort, array, options.precision ?? 'single');
      });
      const results = await loaded.run(given);
      return model.outputs.map(({ name }) => fromOrt(results[name] as OrtTensor));
    },
    dispose: () => loaded.release(),
  };
}

function describeValue(value: InferenceSession.ValueMetadata): ModelValue & { readonly precision: Precision } {
  const { name } = value;
  if (!value.isTensor) return { name, dtype: undefined, shape: [], precision: 'single' };
  const precision = value.type === 'float64' ? 'double' : 'single';
  return { name, dtype: dtypeOf(value.type), shape: value.shape, precision };
}

/** Makes a session of the bytes of an `.onnx` file and feeds and reads it by name. */
export async function loadOnnx(
  ort: OrtModule,
  bytes: Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<LoadedModel> {
  const session = await ort.InferenceSession.create(bytes, options);
  const inputs = session.inputMetadata.map(describeValue);
  const outputs = session.outputMetadata.map(describeValue);
  return {
    inputs,
    outputs,
    run: async (feeds, fetches = session.outputNames) => {
      const unknown = fetches.find((name) => !session.outputNames.includes(name));
      if (unknown !== undefined)
        throw new TypeError(`The model has no output "${unknown}"; it has ${session.outputNames.join(', ')}.`);
      const given = inputs.map(({ name, dtype, precision }) => {
        const array = feeds[name];
        if (array === undefined || array.dtype !== dtype)
          throw new TypeError(`The model's input "${name}" must be ${dtype}, got ${array?.dtype ?? 'nothing'}.`);
        return [name, toOrt(ort, array, precision)] as const;
      });
      const results = await session.run(Object.fromEntries(given), fetches);
      return Object.fromEntries(fetches.map((name) => [name, fromOrt(results[name] as OrtTensor)]));
    },
    dispose: () => session.release(),
  };
}
