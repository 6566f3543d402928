import {
  type Graph,
  type NDArray,
  type Precision,
  type TreeShape,
  constant,
  flatten,
  formatShape,
  optimize,
  sizeOf,
  trace,
  unflatten,
} from '@brownian/graph';
import { evaluateConstant } from './interpreter/interpret.ts';
import type { Backend, CompileOptions, Compiled, Executable, LoadedModel, Runtime, ToArrays } from './types.ts';

/** A result that is not a finite number: the computation diverged or left its domain. */
export class NonFiniteError extends Error {
  override readonly name = 'NonFiniteError';
  /** The compiled function. */
  readonly functionName: string;
  /** The output that was not finite, such as `params.w1`. */
  readonly output: string;

  constructor(functionName: string, output: string, value: number, index: number, size: number) {
    super(
      `${functionName}: output "${output}" has ${value} at position ${index} of ${size}; the computation diverged.`,
    );
    this.functionName = functionName;
    this.output = output;
  }
}

/** Position of the first NaN or infinity, or −1. */
function firstNonFinite(data: Float32Array | Float64Array): number {
  // A sum is finite only if all terms are: one pass without branches, and a second only when something is wrong.
  let sum = 0;
  // oxlint-disable-next-line oxc/erasing-op -- NaN and ∞ times 0 are NaN, which is the point.
  for (let i = 0; i < data.length; i++) sum += (data[i] as number) * 0;
  return sum === 0 ? -1 : data.findIndex((v) => !Number.isFinite(v));
}

function checkFinite(name: string, outputNames: readonly string[], outputs: readonly NDArray[]): void {
  outputs.forEach(({ data }, i) => {
    if (!(data instanceof Float32Array || data instanceof Float64Array)) return;
    const at = firstNonFinite(data);
    if (at >= 0) throw new NonFiniteError(name, outputNames[i] as string, data[at] as number, at, data.length);
  });
}

interface Entry {
  readonly graph: Graph;
  readonly result: TreeShape;
  readonly executable: Promise<Executable>;
  /** Runs that have not ended: a session is released after them. */
  readonly running: Set<Promise<NDArray[]>>;
}

async function runEntry({ executable, running }: Entry, feeds: readonly NDArray[]): Promise<NDArray[]> {
  const outputs = executable.then((loaded) => loaded.run(feeds));
  running.add(outputs);
  try {
    return await outputs;
  } finally {
    running.delete(outputs);
  }
}

/** Numbers objects, so that frozen arguments can take part in a cache key. */
function identities(): (value: object) => number {
  const ids = new WeakMap<object, number>();
  let next = 0;
  return (value) => {
    const id = ids.get(value) ?? next++;
    ids.set(value, id);
    return id;
  };
}

/** The arguments that are fed at each call, in order, with frozen ones left out. */
function fedArguments(args: readonly unknown[], frozen: ReadonlySet<number>): unknown[] {
  return args.filter((_, i) => !frozen.has(i));
}

function traceWithFrozen(
  name: string,
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
  frozen: ReadonlySet<number>,
): ReturnType<typeof trace> {
  const builtIn = new Map([...frozen].map((i) => [i, asConstants(args[i])]));
  const positions = args.flatMap((_, i) => (frozen.has(i) ? [] : [i]));
  const inner = (...fed: never[]): unknown => {
    const all = args.map((_, i) => (frozen.has(i) ? builtIn.get(i) : fed[positions.indexOf(i)]));
    return fn(...(all as never[]));
  };
  return trace(name, inner, fedArguments(args, frozen));
}

function asConstants(tree: unknown): unknown {
  const { leaves, structure } = flatten<NDArray>(tree);
  return unflatten(
    structure,
    leaves.map((leaf) => constant(leaf)),
  );
}

/** What the functions of one runtime share. */
interface Sessions {
  /** How to dispose of each function that may hold sessions. */
  readonly functions: Set<() => Promise<void>>;
  readonly load: (graph: Graph, precision: Precision) => Promise<Executable>;
  readonly release: (executable: Executable) => Promise<void>;
}

/** What to feed, and a key that calls have in common when one session serves them. */
function keyAndFeeds(
  name: string,
  args: readonly unknown[],
  frozen: ReadonlySet<number>,
  identity: (value: object) => number,
): { key: string; feeds: NDArray[] } {
  const { leaves, paths } = flatten<NDArray>(fedArguments(args, frozen));
  const shapes = leaves.map(({ dtype, shape, data }, i) => {
    if (data.length !== sizeOf(shape))
      throw new TypeError(`${name}: argument "${paths[i]}" of shape ${formatShape(shape)} has ${data.length} values.`);
    return `${paths[i]}:${dtype}${formatShape(shape)}`;
  });
  const builtIn = [...frozen].map((i) => {
    const arg = args[i];
    if (typeof arg !== 'object' || arg === null)
      throw new TypeError(`${name}: argument ${i} is frozen and takes arrays, got ${typeof arg}.`);
    return `#${identity(arg)}`;
  });
  return { key: [...builtIn, ...shapes].join(' '), feeds: leaves };
}

/** Waits for the runs of each entry, then releases its session, if it ever got one. */
async function closeAll(entries: readonly Entry[], { release }: Sessions): Promise<void> {
  await Promise.all(
    entries.map(async ({ executable, running }) => {
      await Promise.allSettled(running);
      await executable.then(release, () => undefined);
    }),
  );
}

function compileFor<Args extends readonly unknown[], Result>(
  sessions: Sessions,
  fn: (...args: Args) => Result,
  options: CompileOptions,
): Compiled<Args, Result> {
  const name = options.name ?? (fn.name === '' ? 'anonymous function' : fn.name);
  const { precision = 'single' } = options;
  const frozen = new Set(options.frozen ?? []);
  const cache = new Map<string, Entry>();
  const identity = identities();

  const traced = (args: readonly unknown[]): { graph: Graph; result: TreeShape } => {
    const { graph, result } = traceWithFrozen(name, fn, args, frozen);
    return { graph: optimize(graph, { evaluate: evaluateConstant }), result };
  };
  const entryFor = (key: string, args: readonly unknown[]): Entry => {
    const known = cache.get(key);
    if (known !== undefined) return known;
    const { graph, result } = traced(args);
    const entry: Entry = { graph, result, executable: sessions.load(graph, precision), running: new Set() };
    cache.set(key, entry);
    // What failed to load holds nothing and is tried again at the next call; whoever called has the error already.
    entry.executable.catch(() => cache.get(key) === entry && cache.delete(key));
    return entry;
  };
  const dispose = async (): Promise<void> => {
    const entries = [...cache.values()];
    cache.clear();
    sessions.functions.delete(dispose);
    await closeAll(entries, sessions);
  };
  const call = async (...args: unknown[]): Promise<ToArrays<Result>> => {
    const { key, feeds } = keyAndFeeds(name, args, frozen, identity);
    const entry = entryFor(key, args);
    sessions.functions.add(dispose);
    const outputs = await runEntry(entry, feeds);
    if (options.checkFinite ?? true) checkFinite(name, entry.graph.outputNames, outputs);
    return unflatten<ToArrays<Result>>(entry.result, outputs);
  };
  const graph = (...args: unknown[]): Graph => traced(args).graph;
  return Object.assign(call, { graph, dispose }) as unknown as Compiled<Args, Result>;
}

/** Loads a model made elsewhere and keeps it among `models` until it is disposed of. */
async function openModel(
  backend: Backend,
  bytes: Uint8Array,
  name: string,
  models: Set<LoadedModel>,
): Promise<LoadedModel> {
  if (backend.loadModel === undefined) {
    throw new Error(
      `${name}: the ${backend.name} runs traced graphs only; load ONNX files with nodeRuntime or webRuntime.`,
    );
  }
  let loaded: LoadedModel;
  try {
    loaded = await backend.loadModel(bytes);
  } catch (error) {
    const reason = (error as Error).message;
    throw new Error(`${name} is not an ONNX model that ${backend.name} can load (${reason}).`, { cause: error });
  }
  const model: LoadedModel = {
    ...loaded,
    dispose: async () => {
      if (models.delete(model)) await loaded.dispose();
    },
  };
  models.add(model);
  return model;
}

/**
 * A runtime over a backend: tracing, optimisation, a cache per combination of shapes, and the count of open sessions.
 */
export function createRuntime(backend: Backend): Runtime {
  const open = new Set<Executable>();
  const models = new Set<LoadedModel>();
  const sessions: Sessions = {
    functions: new Set(),
    load: async (graph, precision) => {
      const executable = await backend.load(graph, precision);
      open.add(executable);
      return executable;
    },
    release: async (executable) => {
      if (open.delete(executable)) await executable.dispose();
    },
  };
  return {
    name: backend.name,
    compile: (fn, options = {}) => compileFor(sessions, fn, options),
    loadModel: (bytes, name) => openModel(backend, bytes, name, models),
    get openSessions() {
      return open.size + models.size;
    },
    dispose: async () => {
      await Promise.all([...sessions.functions].map((dispose) => dispose()));
      await Promise.all([...models].map((model) => model.dispose()));
    },
  };
}
