import {
  type NDArray,
  type Shape,
  type Tensor,
  batchNorm,
  conv2d,
  convTranspose2d,
  formatShape,
  full,
  leakyRelu,
  relu,
  tanh,
  zeros,
} from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Params, SymbolicParams } from '../interfaces.ts';
import { normaliseImages } from './layers.ts';
import type { Layer } from './net.ts';

/** A convolution without bias, followed by batch normalisation with the batch's own statistics where there is `norm`. */
interface Block<T> {
  readonly w: T;
  readonly norm?: { readonly scale: T; readonly shift: T };
}

/** Standard deviation of fresh weights (Radford et al. 2016, section 4). */
const INITIAL_STD = 0.02;
/** Height or width at which the strided layers end, at most. */
const LARGEST_START = 7;

function block(shape: Shape, channels: number, norm: boolean, key: Stream): Block<NDArray> {
  const draws = key.normal(shape);
  const w = { ...draws, data: (draws.data as Float32Array).map((v) => v * INITIAL_STD) };
  return norm ? { w, norm: { scale: full([channels], 1), shift: zeros([channels]) } } : { w };
}

/** How a generator normalises: with the statistics of the batch, or each image by itself. */
export type Normalisation = 'batch' | 'image';

function normalised(x: Tensor, { norm }: Block<Tensor>, kind: Normalisation = 'batch'): Tensor {
  if (norm === undefined) return x;
  return kind === 'batch' ? batchNorm(x, norm).y : normaliseImages(x, norm);
}

function blocksOf(params: SymbolicParams): readonly Block<Tensor>[] {
  return params as unknown as readonly Block<Tensor>[];
}

interface Halvings {
  readonly count: number;
  readonly start: readonly [number, number];
  readonly channels: number;
}

/** How often an image is halved, and what is left of it: 32×32 three times to 4×4, 28×28 twice to 7×7; undefined where it does not halve evenly. */
function halvingsOf(shape: Shape): Halvings | undefined {
  const [channels = 0, height = 0, width = 0] = shape;
  let [h, w, count] = [height, width, 0];
  while (Math.max(h, w) > LARGEST_START && h % 2 === 0 && w % 2 === 0) [h, w, count] = [h / 2, w / 2, count + 1];
  return shape.length !== 3 || count === 0 || Math.max(h, w) > LARGEST_START
    ? undefined
    : { count, start: [h, w], channels };
}

function halvings(shape: Shape, net: string): Halvings {
  const found = halvingsOf(shape);
  if (found !== undefined) return found;
  throw new RangeError(
    `${net}: images [channels, height, width] must halve evenly until at most ${LARGEST_START} pixels are left, ` +
      `got ${formatShape(shape)}; scale them to 32 or 64 pixels, or take an mlp.`,
  );
}

/** Whether DCGAN's networks take items of this shape: images whose sides halve evenly until at most 7 pixels are left. */
export function fitsDcgan(shape: Shape): boolean {
  return halvingsOf(shape) !== undefined;
}

/** Options of {@link dcganDiscriminator}. */
export interface DcganDiscriminatorOptions {
  /** Length of the output. */
  readonly features: number;
  /** Channels of the first layer, doubled in each that follows. Default 64. */
  readonly width?: number;
  /** Batch normalisation in all layers but the first and last. Default true; a gradient penalty wants it left out. */
  readonly norm?: boolean;
}

/**
 * The DCGAN discriminator (Radford et al. 2016): convolutions 4×4 of stride 2 with leaky ReLU 0.2, 64-128-256 for 32×32 images,
 * then one over all that is left, to `features` numbers without a bound.
 *
 * @throws RangeError for items that are no images, or whose sides do not halve evenly
 */
export function dcganDiscriminator({ features, width = 64, norm = true }: DcganDiscriminatorOptions): Layer {
  return (inputShape) => {
    const { count, start, channels } = halvings(inputShape, 'dcganDiscriminator');
    const widths = [channels, ...Array.from({ length: count }, (_, i) => width * 2 ** i)];
    const initial = (key: Stream): Block<NDArray>[] => [
      ...widths.slice(1).map((to, i) => block([to, widths[i] as number, 4, 4], to, norm && i > 0, key.split(i))),
      block([features, widths.at(-1) as number, ...start], features, false, key.split(count)),
    ];
    return {
      inputShape,
      outputShape: [features],
      init: (key) => initial(key) as unknown as Params,
      apply: (params, x) => {
        const layers = blocksOf(params);
        const head = layers.at(-1) as Block<Tensor>;
        const trunk = layers
          .slice(0, -1)
          .reduce((h, layer) => leakyRelu(normalised(conv2d(h, layer.w, { stride: 2, padding: 1 }), layer), 0.2), x);
        return conv2d(trunk, head.w).reshape([x.shape[0] as number, features]);
      },
    };
  };
}

/** Options of {@link dcganGenerator}. */
export interface DcganGeneratorOptions {
  /** Shape of one image, `[channels, height, width]`. */
  readonly output: Shape;
  /** Channels of the last hidden layer, doubled in each before it. Default 128. */
  readonly width?: number;
  /** Default `batch`, as in the paper: an image then depends a little on the others of its batch. */
  readonly norm?: Normalisation;
}

/**
 * The DCGAN generator (Radford et al. 2016): transposed convolutions with batch normalisation and ReLU from latents `[latent]`
 * to images in (−1, 1), 4×4×512 → 8×8×256 → 16×16×128 → 32×32 for 32×32 images.
 *
 * @throws RangeError when the sides of the image do not halve evenly, or inputs are not flat
 */
export function dcganGenerator({ output, width = 128, norm = 'batch' }: DcganGeneratorOptions): Layer {
  const { count, start, channels } = halvings(output, 'dcganGenerator');
  return (inputShape) => {
    const [latent = 0] = inputShape;
    if (inputShape.length !== 1)
      throw new RangeError(`dcganGenerator: latents must be flat, got ${formatShape(inputShape)}.`);
    const widths = [latent, ...Array.from({ length: count }, (_, i) => width * 2 ** (count - 1 - i)), channels];
    const kernel = (i: number): readonly number[] => (i === 0 ? start : [4, 4]);
    const initial = (key: Stream): Block<NDArray>[] =>
      widths.slice(1).map((to, i) => block([widths[i] as number, to, ...kernel(i)], to, i < count, key.split(i)));
    return {
      inputShape,
      outputShape: output,
      init: (key) => initial(key) as unknown as Params,
      apply: (params, z) =>
        blocksOf(params).reduce(
          (h, layer, i) => {
            const y = normalised(convTranspose2d(h, layer.w, i === 0 ? {} : { stride: 2, padding: 1 }), layer, norm);
            return i < count ? relu(y) : tanh(y);
          },
          z.reshape([...z.shape, 1, 1]),
        ),
    };
  };
}
