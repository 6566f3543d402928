import {
  type NDArray,
  type Shape,
  type Tensor,
  clip,
  concat,
  float32Data,
  formatShape,
  leakyRelu,
  slice,
  upsampleNearest2d,
} from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Params, SymbolicParams } from '../interfaces.ts';
import { conv, imageShape } from './layers.ts';
import type { Layer, Net } from './net.ts';
import { smoothFill } from './smooth-fill.ts';

/** Height or width that the encoder ends at, at most. */
const BOTTLENECK = 4;
/** The widest layer has so many times the channels of the one nearest to the image. */
const WIDEST = 8;
/** Fresh weights of the last layer are those of other layers times this: an image begins near its smooth filling. */
const LAST_SCALE = 0.1;

const act = (x: Tensor): Tensor => leakyRelu(x, 0.2);

/** Options of {@link autoEncoder}. */
export interface AutoEncoderOptions {
  /** Shape of an image, `[channels, height, width]`. */
  readonly output: Shape;
  /** Channels at half the size of the image; twice as many at each halving, up to eight times. */
  readonly width: number;
}

/** What makes the size of a level from the next smaller one: fewer channels, twice the pixels, what the encoder saw beside them, a look at both. */
interface Step {
  readonly narrowed: Net;
  readonly mixed: Net;
}

interface Halves {
  readonly down: readonly Net[];
  readonly middle: Net;
  /** From the smallest size up. */
  readonly up: readonly Step[];
  readonly last: Net;
}

function halvesOf([channels, height, width]: readonly [number, number, number], inner: number): Halves {
  const down: Net[] = [];
  let shape: Shape = [channels + 1, height, width];
  while (Math.max(...shape.slice(1)) > BOTTLENECK || down.length === 0) {
    down.push(conv({ channels: inner * Math.min(WIDEST, 2 ** down.length), kernel: 3, stride: 2 })(shape));
    shape = (down.at(-1) as Net).outputShape;
  }
  const middle = conv({ channels: shape[0] as number, kernel: 3 })(shape);
  const up = down.toReversed().map(({ inputShape: [seen = 0, ...size] }, i) => {
    const first = i === down.length - 1;
    const wide = first ? Math.max(1, Math.ceil(inner / 2)) : seen;
    const narrowed = conv({ channels: wide, kernel: 1 })(shape);
    // At the size of the image what was given stands beside the rest, further down it is added.
    const mixed = conv({ channels: wide, kernel: 3 })([first ? wide + seen : wide, ...size]);
    shape = mixed.outputShape;
    return { narrowed, mixed };
  });
  return { down, middle, up, last: conv({ channels, kernel: 3 })(shape) };
}

function initial({ down, middle, up, last }: Halves, key: Stream): Params {
  const end = last.init(key.split('last')) as { readonly w: NDArray; readonly b: NDArray };
  return {
    down: down.map((net, i) => net.init(key.split(`down ${i}`))),
    middle: middle.init(key.split('middle')),
    up: up.map(({ narrowed, mixed }, i) => ({
      narrowed: narrowed.init(key.split(`narrowed ${i}`)),
      mixed: mixed.init(key.split(`mixed ${i}`)),
    })),
    last: { ...end, w: { ...end.w, data: float32Data(end.w).map((value) => LAST_SCALE * value) } },
  };
}

interface Weights {
  readonly down: readonly SymbolicParams[];
  readonly middle: SymbolicParams;
  readonly up: readonly { readonly narrowed: SymbolicParams; readonly mixed: SymbolicParams }[];
  readonly last: SymbolicParams;
}

/** What a filled image and its mask want added. */
function correction({ down, middle, up, last }: Halves, params: Weights, x: Tensor): Tensor {
  const seen: Tensor[] = [x];
  down.forEach((net, i) => seen.push(act(net.apply(params.down[i] as SymbolicParams, seen.at(-1) as Tensor))));
  let h = act(middle.apply(params.middle, seen.at(-1) as Tensor));
  up.forEach(({ narrowed, mixed }, i) => {
    const weights = params.up[i] as Weights['up'][number];
    const beside = seen[down.length - 1 - i] as Tensor;
    const [rows, columns] = beside.shape.slice(2) as [number, number];
    const larger = slice(upsampleNearest2d(narrowed.apply(weights.narrowed, h), 2), [
      undefined,
      undefined,
      [0, rows],
      [0, columns],
    ]);
    const both = i === up.length - 1 ? concat([larger, beside], 1) : larger.add(beside);
    h = act(mixed.apply(weights.mixed, both));
  });
  return last.apply(params.last, h);
}

/**
 * An auto-encoder of masked images, the kind of generator that generalised GCN inpaints with (section 5.6; its trunks are ResNet-50's, these are light). From
 * the image times its mask and the mask, flat `[(channels + 1) · height · width]`, missing pixels are filled smoothly ({@link smoothFill}); strided 3×3
 * convolutions halve the result until at most 4 pixels are left, others double it again, and what comes out is added to the filling and clipped to
 * [−1, 1]. What the encoder saw of a size is added to what the decoder makes of it, so that texture and edges need not go through the bottleneck. So
 * it begins at a trivial filling and learns what that lacks. Images of any size; nothing is normalised, so an image does not depend on others.
 *
 * @throws RangeError when inputs are no masked images of that shape
 */
export function autoEncoder({ output, width }: AutoEncoderOptions): Layer {
  const image = imageShape(output, 'autoEncoder');
  const [channels, height, across] = image;
  return (inputShape) => {
    const length = (channels + 1) * height * across;
    if (inputShape.length !== 1 || inputShape[0] !== length)
      throw new RangeError(
        `autoEncoder: images of ${formatShape(output)} and their masks are ${length} values, inputs have the shape ${formatShape(inputShape)}; ` +
          'it completes masked images, so use hidden.start masked, or another net.',
      );
    const halves = halvesOf(image, width);
    return {
      inputShape,
      outputShape: output,
      init: (key) => initial(halves, key),
      apply: (params, z) => {
        const planes = z.reshape([z.shape[0] as number, channels + 1, height, across]);
        const known = slice(planes, [undefined, [channels]]);
        const filled = smoothFill(slice(planes, [undefined, [0, channels]]), known);
        const added = correction(halves, params as unknown as Weights, concat([filled, known], 1));
        return clip(filled.add(added), -1, 1);
      },
    };
  };
}
