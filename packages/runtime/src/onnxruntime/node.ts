import { type FormChooser, type Target, formatShape } from '@brownian/graph';
import * as ort from 'onnxruntime-node';
import { createRuntime } from '../compile.ts';
import type { Backend, Runtime } from '../types.ts';
import { ProviderError } from './provider-error.ts';
import { probeBlockSize } from './blocks.ts';
import { loadOnnx, loadSession } from './session.ts';

/** Options of {@link nodeRuntime}. */
export interface NodeOptions {
  /** Threads that one operator may use. Default: ONNX Runtime's choice, the number of cores. */
  readonly threads?: number;
  /** Execution provider: `cpu` (default), or what this build of onnxruntime-node lists, such as `cuda` or `coreml`. */
  readonly provider?: string;
  /** Which form of a primitive to use where there are several; the default is the first that applies. */
  readonly choose?: FormChooser;
}

let blockSize: Promise<number | undefined> | undefined;

function available(): string[] {
  return ort.listSupportedBackends().map((backend) => backend.name);
}

function checkOptions({ threads, provider = 'cpu' }: NodeOptions): void {
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1))
    throw new RangeError(`threads must be a positive integer, got ${threads}.`);
  if (!available().includes(provider)) {
    throw new ProviderError(
      `This build of onnxruntime-node has no execution provider "${provider}"; it has ${available().join(', ')}.`,
    );
  }
}

function nodeBackend(options: NodeOptions): Backend {
  const { threads, provider = 'cpu', choose } = options;
  checkOptions(options);
  const target: Target = provider === 'webgpu' ? 'webgpu' : 'cpu';
  const session = {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    // One plan for all buffers of a step takes nearly twice the memory of buffers given back as they fall free, and no less time.
    enableMemPattern: false,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    // Potentials far from data produce subnormal numbers, which are slow and mean nothing here.
    extra: { session: { set_denormal_as_zero: '1' } },
  } as const;
  const own = {
    ...session,
    extra: {
      ...session.extra,
      // The lowering places and splits transposes; ONNX Runtime would merge them into ones that its kernel is slow at.
      optimization: { disable_specified_optimizers: 'TransposeOptimizer;TransposeOptimizer_CPUExecutionProvider' },
    },
  };
  return {
    name: `onnxruntime-node ${ort.env.versions.node ?? ''} (${provider}${threads === undefined ? '' : `, ${threads} thread${threads === 1 ? '' : 's'}`})`,
    loadModel: (bytes) => loadOnnx(ort, bytes, session),
    load: async (graph, precision = 'single') => {
      try {
        const blocks = target === 'cpu' ? await (blockSize ??= probeBlockSize(ort)) : undefined;
        const lowering = { target, precision, blockSize: blocks, ...(choose && { choose }) };
        return await loadSession(ort, graph, lowering, own);
      } catch (error) {
        const shapes = graph.inputs.map((input) => formatShape(input.shape)).join(', ');
        throw new Error(
          `${graph.name} with inputs ${shapes} could not be loaded on ${provider}: ${(error as Error).message}`,
          { cause: error },
        );
      }
    },
  };
}

/**
 * A runtime on `onnxruntime-node`.
 *
 * @throws ProviderError when the execution provider is missing; RangeError on a bad thread count
 */
export function nodeRuntime(options: NodeOptions = {}): Runtime {
  return createRuntime(nodeBackend(options));
}
