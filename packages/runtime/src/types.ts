import type { Graph, MapLeaves, NDArray, Tensor } from '@brownian/graph';

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
  load(graph: Graph): Promise<Executable>;
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
