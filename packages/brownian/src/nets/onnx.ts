import { type Shape, type Tensor, expand, formatShape, importOnnx, placeholder } from '@brownian/graph';
import type { Layer } from './net.ts';

/** Options of {@link onnxFilters}. */
export interface OnnxFilterOptions {
  /** Names the file in errors. Default `the ONNX model`. */
  readonly file?: string;
  /** The value of the network to take as responses: an output, or any value between. Default: its first output. */
  readonly output?: string;
}

/** Images of one channel for networks of three: every channel is the same. */
function withChannels(x: Tensor, channels: number | string | undefined): Tensor {
  const [n, c, ...rest] = x.shape as readonly [number, number, ...number[]];
  return c === 1 && typeof channels === 'number' ? expand(x, [n, channels, ...rest]) : x;
}

/**
 * A feature network of an ONNX file as fixed filters. Images go in as they are, `[n, c, h, w]` in [-1, 1], so the network must be one
 * that takes these; grey images are repeated over its channels. Its operators become part of the graph, with gradients.
 *
 * @param bytes the `.onnx` file
 * @throws OnnxError in one sentence: the bytes are no model, the output does not exist, or an operator cannot be imported, with the name
 * of its node. RangeError when the network does not have one image as its input.
 */
export function onnxFilters(bytes: Uint8Array, { file = 'the ONNX model', output }: OnnxFilterOptions = {}): Layer {
  const network = importOnnx(bytes, file);
  const [input, ...others] = network.inputs;
  if (input === undefined || others.length > 0 || input.dtype !== 'float32')
    throw new RangeError(`${file} has ${network.inputs.length} inputs; filters have one, images of float32.`);
  const wanted = output ?? network.outputs[0]?.name ?? '';
  const responses = (x: Tensor): Tensor =>
    network.apply({ [input.name]: withChannels(x, input.shape[1]) }, [wanted])[0] as Tensor;
  return (inputShape: Shape) => {
    const { shape, dtype } = responses(placeholder('x', { dtype: 'float32', shape: [1, ...inputShape] }));
    if (shape.length < 2 || shape[0] !== 1 || dtype !== 'float32')
      throw new RangeError(
        `"${wanted}" of ${file} is ${dtype}${formatShape(shape)} for one image; responses are float32 [1, channels, …].`,
      );
    return { inputShape, outputShape: shape.slice(1), init: () => [], apply: (_, x) => responses(x) };
  };
}
