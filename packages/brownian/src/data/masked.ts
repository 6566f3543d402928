import { type NDArray, ShapeError, float32Data, formatShape, ndarray, sameShape } from '@brownian/graph';

/** Images of which a part is known. */
export interface MaskedImages {
  /** `[n, channels, height, width]` */
  readonly x: NDArray;
  /** 1 where a pixel is known, 0 where it is missing: `[n, channels, height, width]`, see {@link knownLike}. */
  readonly known: NDArray;
}

/**
 * A mask for every image and channel: repeats one of `[1 or n, 1 or channels, height, width]`.
 *
 * @param x images `[n, channels, height, width]`
 * @throws ShapeError when x is no batch of images or the mask is of another size
 */
export function knownLike(x: NDArray, mask: NDArray): NDArray {
  const [n = 0, channels = 0, height = 0, width = 0] = x.shape;
  if (x.shape.length !== 4)
    throw new ShapeError(`A mask is of images [n, channels, height, width], these items are ${formatShape(x.shape)}.`);
  const [masks = 0, planes = 0, ...size] = mask.shape;
  if (!sameShape(size, [height, width]) || (masks !== 1 && masks !== n) || (planes !== 1 && planes !== channels))
    throw new ShapeError(`The mask has the shape ${formatShape(mask.shape)}, the images have ${formatShape(x.shape)}.`);
  const values = float32Data(mask);
  const area = height * width;
  const known = Float32Array.from({ length: n * channels * area }, (_, i) => {
    const [image, channel] = [Math.floor(i / (channels * area)), Math.floor(i / area) % channels];
    const plane = (masks === 1 ? 0 : image) * planes + (planes === 1 ? 0 : channel);
    return values[plane * area + (i % area)] as number;
  });
  return ndarray(known, x.shape);
}

/** `x` where `known` is 1, `filled` where it is 0; all of one shape. */
export function merge(x: NDArray, known: NDArray, filled: NDArray): NDArray {
  if (!sameShape(x.shape, known.shape) || !sameShape(x.shape, filled.shape)) {
    const shapes = [x, known, filled].map(({ shape }) => formatShape(shape));
    throw new ShapeError(`Items, mask and filling must have one shape, got ${shapes.join(', ')}.`);
  }
  const [given, mask] = [float32Data(x), float32Data(known)];
  return ndarray(
    float32Data(filled).map((value, i) => ((mask[i] as number) > 0.5 ? (given[i] as number) : value)),
    x.shape,
  );
}
