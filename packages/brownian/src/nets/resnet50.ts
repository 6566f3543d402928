import { type Shape, formatShape, relu, sizeOf, tanh } from '@brownian/graph';
import { conv, dense, imageShape, normalise, pointwise } from './layers.ts';
import { type Layer, type Net, chain } from './net.ts';
import { unflatten, upsample } from './upsampling.ts';

/** Options of the ResNet-50 trunks. */
export interface ResNetOptions {
  /** Channels inside the first stage's blocks; stages have 4, 8, 16 and 32 times as many. Default 64. */
  readonly width?: number;
  /** Blocks of the four stages, from the image up. Default 3, 4, 6, 3. */
  readonly blocks?: readonly [number, number, number, number];
}

const BLOCKS = [3, 4, 6, 3] as const;
/** Channels that a block gives, over those inside it. */
const EXPANSION = 4;
/** Images up to this many pixels keep their size in the stem. */
const SMALL = 32;

const act = (): Layer => pointwise(relu);

/** body(x) + shortcut(x), then ReLU. */
function residual(body: Layer, shortcut: Layer): Layer {
  return (inputShape) => {
    const [long, short]: [Net, Net] = [body(inputShape), shortcut(inputShape)];
    return {
      inputShape,
      outputShape: long.outputShape,
      init: (key) => ({ body: long.init(key.split('body')), shortcut: short.init(key.split('shortcut')) }),
      apply: (params, x) => {
        const parts = params as { body: []; shortcut: [] };
        return relu(long.apply(parts.body, x).add(short.apply(parts.shortcut, x)));
      },
    };
  };
}

/** A bottleneck block (He et al. 2016, Fig. 5): 1×1, 3×3 and 1×1 convolutions. `scale` repeats pixels in both branches. */
function bottleneck(width: number, { stride = 1, scale = 1 }: { stride?: number; scale?: number } = {}): Layer {
  return (inputShape) => {
    const [channels] = imageShape(inputShape, 'bottleneck');
    const out = EXPANSION * width;
    const grown = scale === 1 ? [] : [upsample(scale)];
    const body = chain(
      conv({ channels: width, kernel: 1 }),
      normalise(),
      act(),
      ...grown,
      conv({ channels: width, kernel: 3, stride }),
      normalise(),
      act(),
      conv({ channels: out, kernel: 1 }),
      normalise(),
    );
    const same = channels === out && stride === 1 && scale === 1;
    return residual(
      body,
      same ? chain() : chain(conv({ channels: out, kernel: 1, stride, padding: 0 }), normalise(), ...grown),
    )(inputShape);
  };
}

/**
 * The trunk of ResNet-50 (He et al. 2016) with the mean over pixels: `[n, channels, h, w] → [n, 32·width]`, the synthesizer v1 of generalised GCN
 * (section 5.1). Its stem is 7×7 of stride 2, or 3×3 of stride 1 for images of up to 32 pixels. Normalisation is of each image by itself, since Φ of
 * a particle must not depend on other particles.
 */
export function resNet50({ width = 64, blocks = BLOCKS }: ResNetOptions = {}): Layer {
  return (inputShape) => {
    const [, height, imageWidth] = imageShape(inputShape, 'resNet50');
    const small = Math.max(height, imageWidth) <= SMALL;
    const stages = blocks.flatMap((count, stage) =>
      Array.from({ length: count }, (_, i) => bottleneck(width * 2 ** stage, { stride: stage > 0 && i === 0 ? 2 : 1 })),
    );
    const trunk = chain(
      conv({ channels: width, ...(small ? { kernel: 3 } : { kernel: 7, stride: 2 }) }),
      normalise(),
      act(),
      ...stages,
    )(inputShape);
    const [features] = trunk.outputShape as readonly [number];
    return { ...trunk, outputShape: [features], apply: (params, x) => trunk.apply(params, x).mean([2, 3]) };
  };
}

/**
 * {@link resNet50} turned round: from latents over its four stages in reverse, each but the first twice as large, to images in (−1, 1); the generator
 * v1 of generalised GCN (section 5.1). Pixels are repeated where the trunk has strides.
 *
 * @throws RangeError unless the sides of the image are multiples of 8, or of 16 above 32 pixels
 */
export function resNet50Generator(output: Shape, { width = 64, blocks = BLOCKS }: ResNetOptions = {}): Layer {
  const [channels, height, imageWidth] = imageShape(output, 'resNet50Generator');
  const small = Math.max(height, imageWidth) <= SMALL;
  const factor = small ? 8 : 16;
  if (height % factor !== 0 || imageWidth % factor !== 0)
    throw new RangeError(
      `resNet50Generator: the sides of images must be multiples of ${factor}, got ${formatShape(output)}; scale them, or take another net.`,
    );
  const start = [8 * EXPANSION * width, height / factor, imageWidth / factor];
  const stages = blocks
    .map((count, stage) =>
      Array.from({ length: count }, (_, i) => bottleneck(width * 2 ** stage, { scale: stage < 3 && i === 0 ? 2 : 1 })),
    )
    .toReversed()
    .flat();
  return chain(
    dense(sizeOf(start)),
    unflatten(start),
    normalise(),
    act(),
    ...stages,
    ...(small ? [] : [upsample(2)]),
    conv({ channels: width, kernel: 3 }),
    normalise(),
    act(),
    conv({ channels, kernel: 3 }),
    pointwise(tanh),
  );
}
