import { type OnnxModel, apply, encodeModel, lower, trace, zeros } from '@brownian/graph';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import type { OrtModule } from './session.ts';

const DOMAIN = 'com.microsoft.nchwc';
const QUIET: InferenceSession.SessionOptions = { logSeverityLevel: 4, intraOpNumThreads: 1 };
/** Channels that ReorderInput takes at the least. */
const FEWEST = 4;

async function runOnce(
  ort: OrtModule,
  model: OnnxModel,
  feeds: readonly Float32Array[],
): Promise<{ dims: readonly number[]; data: Float32Array }> {
  const session = await ort.InferenceSession.create(encodeModel(model), QUIET);
  try {
    const given: Record<string, OrtTensor> = {};
    model.inputs.forEach(({ name, shape }, i) => {
      given[name] = new ort.Tensor('float32', feeds[i] as Float32Array, shape.map(Number));
    });
    const results = await session.run(given);
    const [output] = model.outputs;
    const { dims, data } = results[output?.name as string] as { dims: readonly number[]; data: unknown };
    return { dims, data: data as Float32Array };
  } finally {
    await session.release();
  }
}

/** How many channels ReorderInput puts into a block: it fills up fewer with zeros. */
async function sizeOfBlocks(ort: OrtModule): Promise<number> {
  const shape = [1, FEWEST, 1, 1];
  const model: OnnxModel = {
    name: 'block size',
    opsets: { '': 18, [DOMAIN]: 1 },
    nodes: [{ op: 'ReorderInput', domain: DOMAIN, inputs: ['x'], outputs: ['y'], attributes: {} }],
    initializers: [],
    inputs: [{ name: 'x', dtype: 'float32', shape }],
    // The number of channels is what is asked, so it is not stated; a size of 0 would be wrong, a name is free.
    outputs: [{ name: 'y', dtype: 'float32', shape: [] }],
  };
  const { dims } = await runOnce(ort, model, [new Float32Array(FEWEST)]);
  return dims[1] ?? 0;
}

/** Whether a convolution in such blocks gives what it gives without. */
async function agrees(ort: OrtModule, blockSize: number): Promise<boolean> {
  const geometry = { stride: [2, 1], padding: [1, 1, 0, 1], dilation: [1, 1] } as const;
  const args = [zeros([2, 5, 6, 2 * blockSize]), zeros([3, 2, 2 * blockSize, blockSize + 3])] as const;
  const { graph } = trace('blocked convolution', (x, w) => apply('conv2dChannelsLast', [x, w], geometry), args);
  const feeds = args.map(({ data }, i) => Float32Array.from(data as Float32Array, (_, k) => Math.sin(1 + i + 7 * k)));
  const [blocked, plain] = await Promise.all(
    [blockSize, undefined].map((size) => runOnce(ort, lower(graph, { target: 'cpu', blockSize: size }).model, feeds)),
  );
  // Sums of 12 · blockSize products of numbers up to 1, in another order.
  return (plain?.data ?? []).every((value, i) => Math.abs(value - (blocked?.data[i] ?? NaN)) < 1e-4);
}

/**
 * The number of channels in a block of ONNX Runtime's own blocked operators on this processor, or undefined if they are missing or
 * do not agree with the standard ones: they are internal to ONNX Runtime and may change.
 */
export async function probeBlockSize(ort: OrtModule): Promise<number | undefined> {
  try {
    const size = await sizeOfBlocks(ort);
    return size > 1 && (await agrees(ort, size)) ? size : undefined;
  } catch {
    return undefined;
  }
}
