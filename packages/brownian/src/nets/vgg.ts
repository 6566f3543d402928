import {
  type NDArray,
  type Shape,
  type Tensor,
  constant,
  expand,
  formatShape,
  ndarray,
  relu,
  sameShape,
} from '@brownian/graph';
import { DataError } from '../data/errors.ts';
import type { Params } from '../interfaces.ts';
import { conv, pointwise, pool } from './layers.ts';
import { type Layer, type Net, chain, withWeights } from './net.ts';

/** What a VGG network was trained to see: (levels · v − mean) / std per channel, v the intensity in 0..1. */
export interface VggInput {
  /** Order of its three input channels. */
  readonly channels: 'rgb' | 'bgr';
  /** Value of full intensity before the mean is taken off. */
  readonly levels: number;
  /** Per channel, in the order of `channels`. */
  readonly mean: readonly [number, number, number];
  /** Per channel, in the order of `channels`. */
  readonly std: readonly [number, number, number];
}

/** The input of the original weights (Simonyan and Zisserman 2015): BGR, 0..255, less the mean colour. */
export const VGG_ORIGINAL_INPUT: VggInput = {
  channels: 'bgr',
  levels: 255,
  mean: [103.939, 116.779, 123.68],
  std: [1, 1, 1],
};
/** The input of torchvision's weights: RGB in 0..1, standardised. */
export const VGG_TORCHVISION_INPUT: VggInput = {
  channels: 'rgb',
  levels: 1,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/** One convolution: `w [out, in, 3, 3]` and `b [out]`. */
export interface VggConvolution {
  readonly w: NDArray;
  readonly b: NDArray;
}

/** The first four convolutions of VGG-16, and the input that they are for. */
export interface VggWeights {
  /** conv1_1, conv1_2, conv2_1, conv2_2. */
  readonly convolutions: readonly [VggConvolution, VggConvolution, VggConvolution, VggConvolution];
  readonly input: VggInput;
}

/** Where the responses are taken. */
export type VggLayer = 'relu1_1' | 'relu1_2' | 'pool1' | 'relu2_1' | 'relu2_2';

const SHAPES: readonly Shape[] = [
  [64, 3, 3, 3],
  [64, 64, 3, 3],
  [128, 64, 3, 3],
  [128, 128, 3, 3],
];

/** Names of the four convolutions in files, by who wrote them. */
const NAMINGS: readonly { readonly layers: readonly string[]; readonly input: VggInput }[] = [
  { layers: ['conv1_1', 'conv1_2', 'conv2_1', 'conv2_2'], input: VGG_ORIGINAL_INPUT },
  { layers: ['features.0', 'features.2', 'features.5', 'features.7'], input: VGG_TORCHVISION_INPUT },
];

const tensorNames = (layers: readonly string[]): string[] =>
  layers.flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]);

function namingOf(names: ReadonlySet<string>): (typeof NAMINGS)[number] | undefined {
  return NAMINGS.find(({ layers }) => tensorNames(layers).every((name) => names.has(name)));
}

/** Whether arrays of these names can be the weights of VGG-16. */
export function isVgg(names: Iterable<string>): boolean {
  return namingOf(new Set(names)) !== undefined;
}

/**
 * The names, among those in a file, of the arrays that {@link readVgg} needs: one megabyte of some 550.
 *
 * @throws DataError when the file has no VGG-16 under a naming that is known
 */
export function vggTensorNames(names: readonly string[], file: string): string[] {
  const naming = namingOf(new Set(names));
  if (naming !== undefined) return tensorNames(naming.layers);
  const known = NAMINGS.map(({ layers }) => `${layers[0]}.weight`).join(' or ');
  throw new DataError(
    `${file} has no VGG-16: it must have ${known} and what follows, in the naming of the original or of torchvision.`,
  );
}

/**
 * The weights of VGG-16 up to relu2_2, from the arrays of a file: `conv1_1.weight` … for weights of the original (BGR, 0..255),
 * `features.0.weight` … for torchvision's (RGB, standardised). The naming decides the input.
 *
 * @param file names the file in errors
 * @throws DataError when arrays are missing or have other shapes
 */
export function readVgg(tensors: ReadonlyMap<string, NDArray>, file: string): VggWeights {
  const names = vggTensorNames([...tensors.keys()], file);
  const take = (name: string, shape: Shape): NDArray => {
    const array = tensors.get(name) as NDArray;
    if (array.dtype === 'float32' && sameShape(array.shape, shape)) return array;
    throw new DataError(
      `${file}: ${name} is ${array.dtype}${formatShape(array.shape)}, VGG-16 has float32${formatShape(shape)} there.`,
    );
  };
  const convolution = (i: number): VggConvolution => {
    const shape = SHAPES[i] as Shape;
    return { w: take(names[2 * i] as string, shape), b: take(names[2 * i + 1] as string, shape.slice(0, 1)) };
  };
  const { input } = namingOf(new Set(tensors.keys())) as (typeof NAMINGS)[number];
  return { convolutions: [convolution(0), convolution(1), convolution(2), convolution(3)], input };
}

/** How many layers of the chain lead to each. */
const LENGTH: Readonly<Record<VggLayer, number>> = { relu1_1: 2, relu1_2: 4, pool1: 5, relu2_1: 7, relu2_2: 9 };

/**
 * The first four convolutions of VGG-16 (Simonyan and Zisserman 2015), each rectified, with a 2×2 max-pool after the second:
 * `[n, 3, h, w] → [n, 128, h/2, w/2]`. With fresh weights; {@link vggFilters} has trained ones.
 *
 * @param through the last layer. Default relu2_2.
 */
export function vggTrunk(through: VggLayer = 'relu2_2'): Layer {
  const stage = (channels: number): Layer[] => [conv({ channels, kernel: 3 }), pointwise(relu)];
  const layers = [...stage(64), ...stage(64), pool(2), ...stage(128), ...stage(128)];
  return chain(...layers.slice(0, LENGTH[through]));
}

/** How an image in [-1, 1], RGB, becomes the input: u = scale · (x − shift), channels in the order of the network. */
function inputMap({ levels, mean, std }: VggInput): { scale: number[]; shift: number[] } {
  return { scale: std.map((s) => levels / (2 * s)), shift: mean.map((m) => (2 * m) / levels - 1) };
}

/** Index of the red, green and blue channel in the network's order. */
function rgbOrder({ channels }: VggInput): readonly number[] {
  return channels === 'rgb' ? [0, 1, 2] : [2, 1, 0];
}

/** The first convolution for inputs x − shift in RGB: channels reordered and scaled, which zeros around the image do not see. */
function foldInput({ w, b }: VggConvolution, input: VggInput): { w: NDArray; b: NDArray } {
  const { scale } = inputMap(input);
  const order = rgbOrder(input);
  const [out, , kh, kw] = w.shape as readonly [number, number, number, number];
  const area = kh * kw;
  const data = new Float64Array(w.data.length);
  for (let i = 0; i < data.length; i++) {
    const from = order[Math.floor(i / area) % 3] as number;
    const filter = Math.floor(i / (3 * area));
    data[i] = Number(w.data[(filter * 3 + from) * area + (i % area)]) * (scale[from] as number);
  }
  return { w: ndarray(Float32Array.from(data), [out, 3, kh, kw]), b };
}

/** Takes the mean colour off images in [-1, 1]; a grey image is one whose three channels are equal. */
function centred(weights: VggWeights): (x: Tensor) => Tensor {
  const { shift } = inputMap(weights.input);
  const rgb = rgbOrder(weights.input).map((from) => shift[from] as number);
  const mean = ndarray(Float64Array.from(rgb), [3, 1, 1]);
  return (x) => {
    const [n, , h, w] = x.shape as readonly [number, number, number, number];
    return expand(x, [n, 3, h, w]).sub(constant(mean));
  };
}

/**
 * VGG-16's responses at relu2_2 as fixed filters, the "F" of pGCN (generalised GCN, section 5.1): `[n, c, h, w] → [n, 128, h/2, w/2]`
 * of images in [-1, 1], RGB or grey. The weights' own input (channel order, mean, scale) is put before the first convolution, so
 * equivalent weights of either naming give equal responses. Zeros around the image stand for the mean colour, as in training.
 *
 * @param through the last layer. Default relu2_2.
 * @throws RangeError for inputs that are not images of 1 or 3 channels
 */
export function vggFilters(weights: VggWeights, through: VggLayer = 'relu2_2'): Layer {
  const [first, second, third, fourth] = weights.convolutions;
  const layers: Params[] = [
    foldInput(first, weights.input),
    [],
    { ...second },
    [],
    [],
    { ...third },
    [],
    { ...fourth },
    [],
  ];
  const params = layers.slice(0, LENGTH[through]);
  const centre = centred(weights);
  return (inputShape) => {
    if (inputShape.length !== 3 || (inputShape[0] !== 1 && inputShape[0] !== 3))
      throw new RangeError(`vggFilters: inputs must be images of 1 or 3 channels, got ${formatShape(inputShape)}.`);
    const trunk: Net = withWeights(vggTrunk(through)([3, ...inputShape.slice(1)]), params);
    return { ...trunk, inputShape, apply: (none, x) => trunk.apply(none, centre(x)) };
  };
}
