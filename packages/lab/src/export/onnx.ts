import {
  type NDArray,
  type OnnxModel,
  type Tensor,
  encodeModel,
  float32Data,
  lower,
  openBatch,
  renameValues,
} from '@brownian/graph';
import { type Compiled, type LoadedModel, type Runtime, createStream } from '@brownian/runtime';
import type { ExportedFunction } from 'brownian';

/** An input or output of an exported file. */
export interface FileValue {
  readonly name: string;
  /** Sizes of the axes; `batch` for an open one. */
  readonly shape: readonly (number | string)[];
  readonly description: string;
}

/** A function of a model as an ONNX file. */
export interface OnnxExport {
  readonly name: string;
  readonly description: string;
  readonly bytes: Uint8Array;
  readonly inputs: readonly FileValue[];
  readonly outputs: readonly FileValue[];
  /** Items at a time; null for any number. */
  readonly batch: number | null;
  /** Nodes of the graph. */
  readonly nodes: number;
  /** Largest difference from the function as this library computes it, over the largest value. */
  readonly difference: number;
}

type Function = Compiled<Tensor[], readonly Tensor[]>;

function shapeAt(shape: readonly (number | 'batch')[], batch: number): number[] {
  return shape.map((size) => (size === 'batch' ? batch : size));
}

/** The model for a batch, in operators of the standard alone, so that it runs wherever ONNX does. */
function modelAt({ inputs, outputs }: ExportedFunction, compiled: Function, batch: number): OnnxModel {
  // Only shapes are looked at, and the largest batches would take gigabytes.
  const types = inputs.map(({ shape }): NDArray => ({
    dtype: 'float32',
    shape: shapeAt(shape, batch),
    data: new Float32Array(),
  }));
  const graph = compiled.graph(...types);
  const { model, feeds } = lower(graph, { target: 'wasm' });
  const names = new Map([
    ...model.inputs.map(({ name }, i) => [name, inputs[feeds[i] as number]?.name as string] as const),
    ...model.outputs.map(({ name }, i) => [name, outputs[i]?.name as string] as const),
  ]);
  return renameValues(model, names);
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** The largest difference between the file and the function on a batch of noise. */
async function differenceAt(
  { inputs, outputs }: ExportedFunction,
  compiled: Function,
  loaded: LoadedModel,
  batch: number,
): Promise<number> {
  const draw = createStream('export check').split(batch);
  const given = inputs.map(({ shape }) => draw.uniform(shapeAt(shape, batch), -1, 1));
  const wanted = await compiled(...given);
  const taken = new Set(loaded.inputs.map(({ name }) => name));
  const feeds = Object.fromEntries(
    inputs.flatMap(({ name }, i) => (taken.has(name) ? [[name, given[i] as NDArray] as const] : [])),
  );
  const found = await loaded.run(feeds);
  const differences = outputs.map(({ name }, i) => {
    const [a, b] = [float32Data(wanted[i] as NDArray), float32Data(found[name] as NDArray)];
    const gap = largest(a.map((value, j) => value - (b[j] as number)));
    return gap / Math.max(largest(a), Number.MIN_VALUE);
  });
  return Math.max(...differences);
}

/** Items at a time for functions that need a number and say none. */
const USUAL_BATCH = 64;
/** Batches that a file with an open batch is tried with. */
const TRIED: readonly number[] = [1, 3];

function described<T extends { readonly name: string; readonly shape: readonly (number | string)[] }>(
  values: readonly T[],
  given: readonly { readonly name: string; readonly description: string }[],
): FileValue[] {
  return values.map(({ name, shape }) => ({
    name,
    shape,
    description: given.find((value) => value.name === name)?.description ?? '',
  }));
}

/**
 * Writes a function as an ONNX model of standard operators (opset 18), of any batch where that can be, and tries it on noise.
 *
 * @param batch items at a time where the batch cannot be open; default: what the function says, or 64
 */
export async function exportFunction(runtime: Runtime, fn: ExportedFunction, batch?: number): Promise<OnnxExport> {
  const compiled = runtime.compile((...inputs: Tensor[]) => fn.apply(...inputs), { name: fn.name });
  const open = openBatch((items) => modelAt(fn, compiled, items));
  const size = open === undefined ? (batch ?? fn.batch ?? USUAL_BATCH) : null;
  const model = open ?? modelAt(fn, compiled, size as number);
  const bytes = encodeModel({ ...model, name: fn.name });
  const loaded = await runtime.loadModel(bytes, `${fn.name}.onnx`);
  try {
    const differences: number[] = [];
    for (const tried of size === null ? TRIED : [size])
      differences.push(await differenceAt(fn, compiled, loaded, tried));
    return {
      name: fn.name,
      description: fn.description,
      bytes,
      inputs: described(model.inputs, fn.inputs),
      outputs: described(model.outputs, fn.outputs),
      batch: size,
      nodes: model.nodes.length,
      difference: Math.max(...differences),
    };
  } finally {
    await Promise.all([loaded.dispose(), compiled.dispose()]);
  }
}
