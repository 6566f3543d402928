import {
  type NDArray,
  type Tensor,
  concat,
  constant,
  float32Data,
  formatShape,
  ndarray,
  slice,
  softmax,
  transpose,
} from '@brownian/graph';
import type { LoadedModel, Runtime } from '@brownian/runtime';
import { resize } from '../data/resize.ts';
import type { FeatureNetwork, NetworkIdentity, NetworkOutputs } from './feature-network.ts';
import { blocksOf, rowsOf } from './rows.ts';

/** What an image model that was made elsewhere expects, and what it gives. */
export interface ImageModelSpec {
  /** Height and width of its input; images of other sizes are resized bilinearly. */
  readonly size: readonly [height: number, width: number];
  /** Order of its input's axes. Default nchw. */
  readonly layout?: 'nchw' | 'nhwc';
  /** Its colour channels. Grey images are repeated for a colour model; a grey model refuses colour images. Default rgb. */
  readonly channels?: 'rgb' | 'bgr' | 'grey';
  /** The values it expects for black and for white, before `mean` and `std`. */
  readonly range: readonly [black: number, white: number];
  /** Subtracted from each channel, in the model's order of channels. Default 0. */
  readonly mean?: readonly number[];
  /** Each channel is then divided by this. Default 1. */
  readonly std?: readonly number[];
  /** Whether shrinking averages over all pixels covered, as Pillow does. Default true. */
  readonly antialias?: boolean;
  /** Name of the output that is compared: `[n, d]`, or with further axes, which are made one. */
  readonly features: string;
  /** Name of an output `[n, classes]` of probabilities. */
  readonly probabilities?: string;
  /** Name of an output `[n, classes]` of logits, for a model without probabilities. */
  readonly logits?: string;
}

function inChannels(x: Tensor, order: 'rgb' | 'bgr' | 'grey'): Tensor {
  const given = x.shape[1] as number;
  const wanted = order === 'grey' ? 1 : 3;
  if (given !== wanted && given !== 1) {
    const counted = wanted === 1 ? 'one channel' : 'three channels';
    throw new RangeError(`The model takes images of ${counted} (${order}), these have ${given}.`);
  }
  if (given === 1) return wanted === 1 ? x : concat([x, x, x], 1);
  if (order === 'rgb') return x;
  const channel = (c: number): Tensor => slice(x, [undefined, [c, c + 1]]);
  return concat([channel(2), channel(1), channel(0)], 1);
}

/**
 * Images in [-1, 1] as a model wants them: channels, size, range, mean and standard deviation, layout, in this order.
 *
 * @param x `[n, channels, height, width]`
 * @throws RangeError when x is no batch of images or has channels the model does not take
 */
export function modelInput(x: Tensor, spec: ImageModelSpec): Tensor {
  if (x.shape.length !== 4)
    throw new RangeError(`An image model takes images [n, channels, height, width], got ${formatShape(x.shape)}.`);
  const sized = resize(inChannels(x, spec.channels ?? 'rgb'), spec.size, { antialias: spec.antialias ?? true });
  const [black, white] = spec.range;
  const count = sized.shape[1] as number;
  const perChannel = (values: readonly number[]): Tensor => constant(ndarray(values, [count, 1, 1]));
  let scaled = sized.mul((white - black) / 2).add((white + black) / 2);
  if (spec.mean !== undefined) scaled = scaled.sub(perChannel(spec.mean));
  if (spec.std !== undefined) scaled = scaled.div(perChannel(spec.std));
  return spec.layout === 'nhwc' ? transpose(scaled, [0, 2, 3, 1]) : scaled;
}

/** @throws RangeError in one sentence that names what is missing or does not fit */
function checkSpec(model: LoadedModel, spec: ImageModelSpec, name: string): void {
  const outputs = model.outputs.map((output) => output.name);
  for (const wanted of [spec.features, spec.probabilities, spec.logits]) {
    if (wanted !== undefined && !outputs.includes(wanted))
      throw new RangeError(`${name} has no output "${wanted}"; it has ${outputs.join(', ')}.`);
  }
  if (model.inputs.length !== 1) {
    const inputs = model.inputs.map((input) => input.name).join(', ');
    throw new RangeError(`${name} must have one input, the images; it has ${inputs || 'none'}.`);
  }
  const channels = spec.channels === 'grey' ? 1 : 3;
  for (const [key, values] of [['mean', spec.mean] as const, ['std', spec.std] as const]) {
    if (values !== undefined && values.length !== channels)
      throw new RangeError(`${name}: "${key}" needs ${channels} numbers, one for each channel, got ${values.length}.`);
  }
  const [height, width] = spec.size;
  const wanted = spec.layout === 'nhwc' ? [height, width, channels] : [channels, height, width];
  const declared = model.inputs[0]?.shape.slice(1) ?? [];
  if (declared.some((size, i) => typeof size === 'number' && size > 0 && size !== wanted[i])) {
    throw new RangeError(
      `${name} takes images of shape ${formatShape(declared as number[])}, its description says ${formatShape(wanted)}.`,
    );
  }
}

function flat({ dtype, shape, data }: NDArray): NDArray {
  const n = shape[0] as number;
  return { dtype, shape: [n, data.length / Math.max(n, 1)], data };
}

/** Pixels at the network's own size that it is given at once: its layers take many times the memory of its input. */
const PIXELS = 1e6;

/** Rows `[n, d]` of several arrays, one after the other. */
function joinRows(parts: readonly NDArray[]): NDArray {
  const [first] = parts as readonly [NDArray];
  const data = new Float32Array(parts.reduce((sum, { data: own }) => sum + own.length, 0));
  let at = 0;
  for (const own of parts) {
    data.set(float32Data(own), at);
    at += own.data.length;
  }
  return ndarray(data, [parts.reduce((sum, { shape }) => sum + (shape[0] as number), 0), first.shape[1] as number]);
}

/**
 * A feature network from a model that was made elsewhere, such as an Inception exported to ONNX.
 *
 * @param model from `runtime.loadModel`; disposed of with the network
 * @throws RangeError when the model does not have what the description says
 *
 * @example
 * const model = await runtime.loadModel(bytes, 'inception.onnx');
 * const spec = { size: [299, 299], range: [-1, 1], features: 'pool3', logits: 'logits' } as const;
 * const network = modelNetwork(runtime, model, spec, { name: 'Inception v3', hash });
 */
export function modelNetwork(
  runtime: Runtime,
  model: LoadedModel,
  spec: ImageModelSpec,
  identity: NetworkIdentity,
): FeatureNetwork {
  checkSpec(model, spec, identity.name);
  const input = model.inputs[0]?.name as string;
  const prepare = runtime.compile((x: Tensor) => modelInput(x, spec), { name: `input of ${identity.name}` });
  const toProbabilities = runtime.compile((logits: Tensor) => softmax(logits), { name: 'probabilities' });
  const classes = spec.probabilities ?? spec.logits;
  const part = Math.max(1, Math.floor(PIXELS / (spec.size[0] * spec.size[1])));
  const outputsOf = async (x: NDArray): Promise<NetworkOutputs> => {
    const fetches = classes === undefined ? [spec.features] : [spec.features, classes];
    const results = await model.run({ [input]: await prepare(x) }, fetches);
    const features = flat(results[spec.features] as NDArray);
    if (classes === undefined) return { features };
    const given = flat(results[classes] as NDArray);
    return { features, probabilities: spec.probabilities === undefined ? await toProbabilities(given) : given };
  };
  const outputs = async (x: NDArray): Promise<NetworkOutputs> => {
    const n = x.shape[0] as number;
    if (n <= part) return await outputsOf(x);
    const parts: NetworkOutputs[] = [];
    for (const [first, end] of blocksOf(n, part)) parts.push(await outputsOf(rowsOf(x, first, end)));
    const features = joinRows(parts.map((found) => found.features));
    const probabilities = parts.flatMap((found) => found.probabilities ?? []);
    return probabilities.length === 0 ? { features } : { features, probabilities: joinRows(probabilities) };
  };
  return {
    ...identity,
    hasClasses: classes !== undefined,
    outputs,
    dispose: async () => {
      await Promise.all([prepare.dispose(), toProbabilities.dispose(), model.dispose()]);
    },
  };
}
