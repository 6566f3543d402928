import type { DType, Graph, MapLeaves, NDArray, Precision, Tensor } from '@brownian/graph';

/** Trees of concrete arrays where the traced function has trees of tensors. */
export type ToArrays<T> = MapLeaves<T, Tensor, NDArray>;

/** A graph made ready to run by a backend. Runs may be issued concurrently; a backend that cannot overlap them queues. */
export interface Executable {
  /** Runs once. `inputs` are in the order of the graph's inputs, the result in the order of its outputs. */
  run(inputs: readonly NDArray[]): Promise<NDArray[]>;
  dispose(): Promise<void>;
}

/** One way to execute graphs: ONNX Runtime in Node, in a browser, or the float64 interpreter. */
export interface Backend {
  /** Names the backend and its device, such as `onnxruntime-node (cpu, 2 threads)`. */
  readonly name: string;
  /** Makes a graph ready to run. A backend that has but one precision, such as the interpreter, uses that. */
  load(graph: Graph, precision?: Precision): Promise<Executable>;
  /** Makes the bytes of an `.onnx` file ready to run. Left out where there is no ONNX Runtime. */
  loadModel?(bytes: Uint8Array): Promise<LoadedModel>;
}

/** An input or output of a model that was made elsewhere. */
export interface ModelValue {
  readonly name: string;
  /** The dtype here of what the file declares; undefined for types that have none, such as strings. */
  readonly dtype: DType | undefined;
  /** Sizes of the axes; a name where the file leaves one open, such as the batch. */
  readonly shape: readonly (number | string)[];
}

/** A model that was made elsewhere and exported to ONNX. */
export interface LoadedModel {
  readonly inputs: readonly ModelValue[];
  readonly outputs: readonly ModelValue[];
  /**
   * Runs once.
   *
   * @param feeds an array for every input, by name
   * @param fetches names of the outputs to compute. Default: all
   * @throws TypeError when an input is missing or of another dtype, or when there is no such output
   */
  run(feeds: Readonly<Record<string, NDArray>>, fetches?: readonly string[]): Promise<Record<string, NDArray>>;
  dispose(): Promise<void>;
}

/** Options of {@link Runtime.compile}. */
export interface CompileOptions {
  /** Name used in errors and printed graphs. Default: the function's own name. */
  readonly name?: string;
  /**
   * Positions of arguments whose values are built into the model when it is first called with them. Calling with another
   * object in such a position compiles again. Worth it when many calls share the values (sampling, fixed filters).
   */
  readonly frozen?: readonly number[];
  /** Check every output for NaN and infinities after each run. Default true. */
  readonly checkFinite?: boolean;
  /**
   * `double` computes in 64 bits and returns `Float64Array` storage, for statistics that float32 would spoil. Of matrix
   * products, elementwise operations, reductions and what moves values; ONNX Runtime has no convolution in 64 bits, and
   * in a page no 64 bits on WebGPU, only in WASM. Default: single.
   */
  readonly precision?: Precision;
}

/** A compiled function: traced once per combination of input shapes, then run on the runtime's device. */
export interface Compiled<Args extends readonly unknown[], Result> {
  (...args: { [K in keyof Args]: ToArrays<Args[K]> }): Promise<ToArrays<Result>>;
  /** The optimised graph for arguments of these shapes, for printing and tests. */
  graph(...args: { [K in keyof Args]: ToArrays<Args[K]> }): Graph;
  /** Releases every session of this function. */
  dispose(): Promise<void>;
}

/** Compiles functions for one backend and owns what they hold. */
export interface Runtime {
  readonly name: string;
  compile<Args extends readonly unknown[], Result>(
    fn: (...args: Args) => Result,
    options?: CompileOptions,
  ): Compiled<Args, Result>;
  /**
   * Loads a model that was made elsewhere.
   *
   * @param bytes of an `.onnx` file
   * @param name what errors call it
   * @throws Error when the bytes are no ONNX model, or when the backend is the interpreter, which only runs traced graphs
   */
  loadModel(bytes: Uint8Array, name: string): Promise<LoadedModel>;
  /** Sessions made and not yet disposed of: 0 after {@link Runtime.dispose}. */
  readonly openSessions: number;
  dispose(): Promise<void>;
}

/** The position of a stream: what a checkpoint stores. */
export interface StreamState {
  /** Two 32-bit words that name the stream. */
  readonly key: readonly [number, number];
  /** How many draws have been made. */
  readonly count: number;
}

/**
 * A seeded, counted, splittable source of random draws on the host. Draw number i of a stream depends on the stream's key and
 * on i alone, so a saved position replays exactly.
 */
export interface Stream {
  /** Standard normal values, float32. */
  normal(shape: readonly number[]): NDArray;
  /** Uniform values in [low, high), float32. */
  uniform(shape: readonly number[], low?: number, high?: number): NDArray;
  /** Integers in [low, high), int32. */
  integers(shape: readonly number[], low: number, high: number): NDArray;
  /** The integers 0..n-1 in random order, int32. */
  permutation(n: number): NDArray;
  /** One uniform number in [0, 1), of double precision. */
  next(): number;
  /** An independent stream named by `label`; making it does not advance this one. */
  split(label: string | number): Stream;
  /** The position, to be stored; {@link Stream.restore} returns to it. */
  state(): StreamState;
  restore(state: StreamState): void;
}
