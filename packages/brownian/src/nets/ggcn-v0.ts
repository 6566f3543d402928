import { type Shape, type Tensor, formatShape, leakyRelu, tanh } from '@brownian/graph';
import { conv, normalise, pointwise } from './layers.ts';
import { type Layer, chain } from './net.ts';
import { deconv, unflatten } from './upsampling.ts';

/** Channels of the synthesizer of Table 4; the generator has them in reverse. */
export const V0_CHANNELS: readonly number[] = [64, 128, 256, 256, 512];

/** Slope below 0 ("Leaky ReLU tilt"). */
const SLOPE = 0.02;
const act = (): Layer => pointwise((x: Tensor) => leakyRelu(x, SLOPE));

/** Kernels of stride 2 after the 2×2 one, as the synthesizer has them. */
const KERNELS: readonly number[] = [7, 5, 7];

/** What the 2×2 layer does: it halves 64 pixels; of 32 it keeps them all, as the table prints. @throws RangeError for other sizes */
function outer(
  shape: Shape,
  net: string,
): { readonly stride: number; readonly padding: readonly [0, 0, 0 | 1, 0 | 1] } {
  const [, height, width] = shape;
  if (shape.length === 3 && height === width && (height === 64 || height === 32))
    return height === 64 ? { stride: 2, padding: [0, 0, 0, 0] } : { stride: 1, padding: [0, 0, 1, 1] };
  throw new RangeError(
    `${net}: these networks are for images of 64×64 and 32×32 pixels, got ${formatShape(shape)}; scale them, or take another net.`,
  );
}

function channelsOf(channels: readonly number[], net: string): readonly number[] {
  if (channels.length === V0_CHANNELS.length) return channels;
  throw new RangeError(
    `${net}: there are ${V0_CHANNELS.length} layers, and ${channels.length} numbers of channels; the paper's are ${V0_CHANNELS.join(', ')}.`,
  );
}

/**
 * The synthesizer v0 of generalised GCN (Table 4, D): convolutions 2×2, 7×7, 5×5, 7×7 and 4×4 to 512 features. The table prints a step of
 * 1×1 for the 2×2 layer, which suits 32×32 images; from 64×64, its input, only a step of 2×2 leads to one pixel. Normalisation is of each image by
 * itself: Φ of a particle must not depend on other particles.
 *
 * @throws RangeError unless images have 64×64 or 32×32 pixels and there are five numbers of channels
 */
export function v0Synthesizer(channels: readonly number[] = V0_CHANNELS): Layer {
  const [first = 0, ...rest] = channelsOf(channels, 'v0Synthesizer');
  return (inputShape) => {
    const block = (layer: Layer): Layer[] => [layer, normalise(), act()];
    const strided = KERNELS.flatMap((kernel, i) => block(conv({ channels: rest[i] as number, kernel, stride: 2 })));
    return chain(
      ...block(conv({ channels: first, kernel: 2, ...outer(inputShape, 'v0Synthesizer') })),
      ...strided,
      ...block(conv({ channels: rest.at(-1) as number, kernel: 4, padding: 0 })),
    )(inputShape);
  };
}

/**
 * The generator v0 of generalised GCN (Table 4, G): transposed convolutions 4×4, 7×7, 5×5, 7×7 and 2×2 from latents to images, then 1×1.
 * Its sigmoid is a tanh here, since images lie in [-1, 1]. See {@link v0Synthesizer} for the 2×2 layer and for normalisation.
 *
 * @param channels of the synthesizer, from the image up; the generator has them in reverse
 */
export function v0Generator(output: Shape, channels: readonly number[] = V0_CHANNELS): Layer {
  const [last = 0, ...rest] = channelsOf(channels, 'v0Generator');
  const { stride, padding } = outer(output, 'v0Generator');
  const reversed = rest.toReversed();
  return (inputShape) => {
    if (inputShape.length !== 1)
      throw new RangeError(`v0Generator: latents must be flat, got ${formatShape(inputShape)}.`);
    const block = (layer: Layer): Layer[] => [layer, normalise(), act()];
    const up = KERNELS.toReversed().flatMap((kernel, i) =>
      block(
        deconv({
          channels: reversed[i + 1] as number,
          kernel,
          stride: 2,
          padding: (kernel - 1) / 2,
          outputPadding: 1,
        }),
      ),
    );
    return chain(
      unflatten([...inputShape, 1, 1]),
      ...block(deconv({ channels: reversed[0] as number, kernel: 4 })),
      ...up,
      ...block(deconv({ channels: last, kernel: 2, stride, padding })),
      conv({ channels: output[0] as number, kernel: 1 }),
      pointwise(tanh),
    )(inputShape);
  };
}
