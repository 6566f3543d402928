import type { Backend, Executable } from '../types.ts';
import { prepareInterpretation } from './interpret.ts';

/**
 * Runs graphs on the float64 interpreter: no native code, double precision, slow. For tests, for debugging, and where
 * ONNX Runtime cannot be loaded.
 *
 * @example
 * const runtime = createRuntime(interpreterBackend());
 * const energy = runtime.compile((x: Tensor) => x.square().sum());
 * item(await energy(ndarray([3, 4]))); // 25
 */
export function interpreterBackend(): Backend {
  return {
    name: 'interpreter (float64)',
    async load(graph): Promise<Executable> {
      const run = prepareInterpretation(graph);
      let disposed = false;
      return {
        async run(inputs) {
          if (disposed) throw new Error(`Graph "${graph.name}" has been disposed of; load it again to run it.`);
          return run(inputs);
        },
        async dispose() {
          disposed = true;
        },
      };
    },
  };
}
