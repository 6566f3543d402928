import { type Graph, type Tensor, sizeOf, topologicalOrder } from '@brownian/graph';
import type { CompileOptions, Compiled, Runtime } from '@brownian/runtime';

/** Multiplications and additions of one node of the convolution family or a matmul; 0 for anything else. */
function nodeFlops(node: Tensor): number {
  const [a, b] = node.inputs as readonly [Tensor, Tensor];
  switch (node.primitive) {
    case 'matmul':
      return 2 * sizeOf(node.shape) * (a.shape.at(-1) as number);
    // Every member of the family multiplies each of the convolution's outputs by each weight of its filter.
    case 'conv2d':
      return 2 * sizeOf(node.shape) * sizeOf(b.shape.slice(1));
    case 'conv2dInputGrad':
      return 2 * sizeOf(a.shape) * sizeOf(b.shape.slice(1));
    case 'conv2dFilterGrad':
      return 2 * sizeOf(b.shape) * sizeOf(node.shape.slice(1));
    default:
      return 0;
  }
}

/**
 * Floating-point operations that a graph needs in its convolutions and matmuls: 2 · outputs · weights per output, whatever form
 * they are lowered to. Padding counts as data, as usual.
 */
export function graphFlops(graph: Graph): number {
  return topologicalOrder(graph.outputs).reduce((sum, node) => sum + nodeFlops(node), 0);
}

/** A runtime that adds up what the functions compiled on it compute while it is counting. */
export interface CountingRuntime extends Runtime {
  /** The FLOPs of every call made while `run` runs. */
  count(run: () => Promise<unknown>): Promise<number>;
}

/** Counts over another runtime. A function is taken to have the same shapes in all its calls. */
export function countingRuntime(runtime: Runtime): CountingRuntime {
  let counting = false;
  let total = 0;
  function compile<Args extends readonly unknown[], Result>(
    fn: (...args: Args) => Result,
    options?: CompileOptions,
  ): Compiled<Args, Result> {
    const compiled = runtime.compile(fn, options);
    let flops: number | undefined;
    const counted = (...args: Parameters<Compiled<Args, Result>>): ReturnType<Compiled<Args, Result>> => {
      if (counting) total += flops ??= graphFlops(compiled.graph(...(args as never)));
      return compiled(...(args as never));
    };
    return Object.assign(counted, {
      graph: (...args: Parameters<Compiled<Args, Result>>) => compiled.graph(...(args as never)),
      dispose: () => compiled.dispose(),
    }) as Compiled<Args, Result>;
  }
  return {
    name: runtime.name,
    compile,
    loadModel: (bytes, name) => runtime.loadModel(bytes, name),
    get openSessions() {
      return runtime.openSessions;
    },
    dispose: () => runtime.dispose(),
    count: async (run) => {
      total = 0;
      counting = true;
      await run();
      counting = false;
      return total;
    },
  };
}
