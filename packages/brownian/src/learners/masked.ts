import { type NDArray, type Tensor, float32Data, formatShape, ndarray, operand, slice } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Generator } from '../nets/labelled.ts';
import { variedMasks } from '../tasks/masks.ts';
import type { GeneralizedLearnerOptions } from './options.ts';

/** Length of the latents of images that are masked: the image and, as one more channel, its mask. */
export function maskedLength([channels = 0, height = 0, width = 0]: readonly number[]): number {
  return (channels + 1) * height * width;
}

/**
 * Images as latents of a generator that completes them (generalised GCN, section 5.6): the image times its mask, and the mask behind it.
 *
 * @param x `[n, channels, height, width]`; its missing values are not looked at
 * @param known 1 where x is known, 0 where it is missing, `[n, 1 or channels, height, width]`; a pixel is known where all of its channels are
 * @returns `[n, (channels + 1) · height · width]`
 */
export function maskedLatents(x: NDArray, known: NDArray): NDArray {
  const [n, channels, height, width] = x.shape as readonly [number, number, number, number];
  const [area, planes] = [height * width, known.shape[1] as number];
  const [values, mask] = [float32Data(x), float32Data(known)];
  const length = maskedLength(x.shape.slice(1));
  const latents = new Float32Array(n * length);
  for (let image = 0; image < n; image++) {
    const plane = latents.subarray(image * length + channels * area, (image + 1) * length).fill(1);
    for (let i = 0; i < planes * area; i++) if ((mask[image * planes * area + i] as number) <= 0.5) plane[i % area] = 0;
    for (let i = 0; i < channels * area; i++)
      if (plane[i % area] === 1) latents[image * length + i] = values[image * channels * area + i] as number;
  }
  return ndarray(latents, [n, length]);
}

/** Latents of images under masks that are drawn: a square, spots, or both, see {@link variedMasks}. */
export function drawMaskedLatents(x: NDArray, draw: Stream): NDArray {
  const [n, , height, width] = x.shape as readonly [number, number, number, number];
  return maskedLatents(x, variedMasks(n, [height, width], draw));
}

/** A generator of masked images that leaves known pixels as they are: g(ζ) = m·x + (1 − m)·net(ζ), ζ = (m·x, m). */
export function keepingKnown(net: Generator): Generator {
  const [channels, height, width] = net.outputShape as readonly [number, number, number];
  const kept = (z: Tensor, made: Tensor): Tensor => {
    const planes = z.reshape([z.shape[0] as number, channels + 1, height, width]);
    const known = slice(planes, [undefined, [channels]]);
    return slice(planes, [undefined, [0, channels]]).add(made.mul(operand(1).sub(known)));
  };
  return {
    ...net,
    apply: (params, z, labels) => kept(z, net.apply(params, z, labels)),
    blend: (params, z, weights) => kept(z, net.blend(params, z, weights)),
  };
}

/** Channels of the convolutions of Φ beside an auto-encoder, at half the image's size; twice as many at each halving. */
const FIRST_CHANNELS = 16;
/**
 * β of the flow, the paper's. Completions are told from data at a glance, so Φ soon outweighs all else where nothing charges for its slope: with the β of
 * `stableBeta` digits end with a PSNR of 11 on the square, with this one of 16 (docs/results/ggcn-inpainting.md).
 */
const BETA = 60;
/** Particles of images of more than 32 pixels, whose iterations are long: more of these teach more than larger batches do. */
const LARGE_BATCH = 10;

/**
 * Options of a model as those of one that completes images (generalised GCN, section 5.6): latents are masked images, the generator an auto-encoder that
 * learns in every iteration, from Φ and from the images themselves, and no rows are learned, since a latent is what is known of an image.
 */
export function completing(
  options: GeneralizedLearnerOptions,
  itemShape: readonly number[],
): GeneralizedLearnerOptions {
  const { channels, net } = options.potential;
  return {
    ...options,
    potential: {
      ...options.potential,
      ...(net === 'conv' && { channels: channels.map((_, i) => FIRST_CHANNELS * 2 ** i) }),
    },
    // The KL flow stays what it is.
    flow: { ...options.flow, beta: options.flow.beta === 0 ? 0 : BETA },
    chains: { ...options.chains, ...(Math.max(...itemShape) > 32 && { particles: LARGE_BATCH }) },
    upsampling: { ...options.upsampling, net: 'auto-encoder', width: 32, every: 1, originalWeight: 1 },
    hidden: { ...options.hidden, dim: maskedLength(itemShape), start: 'masked', learned: false },
  };
}

type Checked = Pick<GeneralizedLearnerOptions, 'hidden' | 'upsampling' | 'chains' | 'potential'>;

/**
 * Holds options to what masked images ask for, and masked images to where they belong.
 *
 * @throws RangeError with what does not go together
 */
export function checkMasked({ hidden, upsampling, chains, potential }: Checked, itemShape: readonly number[]): void {
  const refuse = (problem: string): never => {
    throw new RangeError(problem);
  };
  const { net, originalWeight } = upsampling;
  if (hidden.start !== 'masked') {
    if (net === 'auto-encoder')
      refuse('upsampling.net is auto-encoder, which completes masked images; use hidden.start masked, or another net.');
    if (originalWeight > 0)
      refuse(
        `upsampling.originalWeight is ${originalWeight}; only masked images have an original, so use hidden.start masked, or 0.`,
      );
    return;
  }
  if (itemShape.length !== 3)
    refuse(`hidden.start is masked, which is for images; these items have the shape ${formatShape(itemShape)}.`);
  if (hidden.learned)
    refuse(
      'hidden.learned is true; with hidden.start masked a latent is what is known of an image, which is not learned, so make it false.',
    );
  if (potential.classes > 0)
    refuse(
      `potential.classes is ${potential.classes}; models that complete images (hidden.start masked) take no labels, so leave it out.`,
    );
  if (chains.fresh < 1)
    refuse(
      `chains.fresh is ${chains.fresh}; with hidden.start masked every chain begins at an image of the batch, so make it 1.`,
    );
  const length = maskedLength(itemShape);
  if (hidden.dim !== length)
    refuse(
      `hidden.dim is ${hidden.dim}; images of ${formatShape(itemShape)} and their masks are ${length} values, so leave it out.`,
    );
}
