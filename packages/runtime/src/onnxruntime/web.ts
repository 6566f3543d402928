import type { FormChooser } from '@brownian/graph';
import type * as Ort from 'onnxruntime-web/webgpu';
import { createRuntime } from '../compile.ts';
import type { Backend, Executable, LoadedModel, Runtime } from '../types.ts';
import { ProviderError } from './provider-error.ts';
import { loadOnnx, loadSession } from './session.ts';

/** Options of {@link webRuntime}. */
export interface WebOptions {
  /** `wasm` (default) or `webgpu`. */
  readonly provider?: 'wasm' | 'webgpu';
  /**
   * WASM threads; more than one needs a cross-origin isolated page. Default 1. ONNX Runtime reads it when its first session
   * starts: it is one number per provider and page.
   */
  readonly threads?: number;
  /**
   * Folder that ONNX Runtime's own files are served from, ending in `/`: each `.wasm` with the `.mjs` of the same name beside
   * it (`ort-wasm-simd-threaded` for `wasm`, `ort-wasm-simd-threaded.asyncify` for `webgpu`, from `onnxruntime-web/dist`).
   * Default: the `.mjs` is part of ONNX Runtime's module, and the `.wasm` is looked for beside that.
   */
  readonly wasmPaths?: string;
  /** Which form of a primitive to use where there are several; the default is the first that applies. */
  readonly choose?: FormChooser;
}

type OrtModule = typeof Ort;

/** Sessions of one page share a device and may not overlap: each call waits for the one before it. */
function queue(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task, task);
    last = result.catch(() => undefined);
    return result;
  };
}

const inTurn = queue();
const threadsInUse = new Map<string, number>();

async function checkGpu(): Promise<void> {
  const adapter =
    'gpu' in navigator ? await (navigator.gpu as { requestAdapter(): Promise<unknown> }).requestAdapter() : null;
  if (adapter === null) throw new ProviderError('This browser offers no WebGPU adapter; use the provider "wasm".');
}

function checkThreads(provider: string, threads: number): void {
  if (!Number.isInteger(threads) || threads < 1)
    throw new RangeError(`threads must be a positive integer, got ${threads}.`);
  if (threads > 1 && !globalThis.crossOriginIsolated) {
    throw new ProviderError(
      'WASM threads need a cross-origin isolated page (headers Cross-Origin-Opener-Policy and Cross-Origin-Embedder-Policy).',
    );
  }
  const before = threadsInUse.get(provider);
  if (before !== undefined && before !== threads) {
    throw new ProviderError(
      `ONNX Runtime already runs with ${before} thread${before === 1 ? '' : 's'} in this page; the number cannot change.`,
    );
  }
  threadsInUse.set(provider, threads);
}

function queued(executable: Executable): Executable {
  return {
    run: (inputs) => inTurn(() => executable.run(inputs)),
    dispose: () => inTurn(() => executable.dispose()),
  };
}

function queuedModel(model: LoadedModel): LoadedModel {
  return {
    ...model,
    run: (feeds, fetches) => inTurn(() => model.run(feeds, fetches)),
    dispose: () => inTurn(() => model.dispose()),
  };
}

function webBackend(ort: OrtModule, { provider = 'wasm', threads = 1, choose }: WebOptions): Backend {
  // Errors only: at each session ONNX Runtime warns that it leaves shape operators on the CPU, as it means to.
  const session = { executionProviders: [provider], graphOptimizationLevel: 'all', logSeverityLevel: 3 } as const;
  return {
    name: `onnxruntime-web ${ort.env.versions.web ?? ''} (${provider}${provider === 'wasm' ? `, ${threads} thread${threads === 1 ? '' : 's'}` : ''})`,
    loadModel: async (bytes) => queuedModel(await inTurn(() => loadOnnx(ort, bytes, session))),
    load: async (graph, precision = 'single') => {
      // Neither the GPU nor the WASM that comes with it has matrix products in 64 bits.
      if (precision === 'double' && provider === 'webgpu')
        throw new ProviderError(`${graph.name}: WebGPU has no double precision; compile it on a runtime on "wasm".`);
      const load = (): Promise<Executable> =>
        loadSession(ort, graph, { target: provider, precision, ...(choose && { choose }) }, session);
      return queued(await inTurn(load));
    },
  };
}

/**
 * A runtime on `onnxruntime-web`, for pages and workers. The same compile path as in Node: the graphs are the same, the
 * forms of some operators differ by target.
 *
 * @throws ProviderError when the page has no WebGPU adapter or may not use threads
 */
export async function webRuntime(options: WebOptions = {}): Promise<Runtime> {
  const { provider = 'wasm', threads = 1, wasmPaths } = options;
  if (provider === 'webgpu') await checkGpu();
  checkThreads(provider, threads);
  const ort: OrtModule =
    provider === 'webgpu' ? await import('onnxruntime-web/webgpu') : await import('onnxruntime-web/wasm');
  ort.env.wasm.numThreads = threads;
  if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = wasmPaths;
  return createRuntime(webBackend(ort, options));
}
