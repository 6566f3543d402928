import { type NDArray, ndarray } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';

/** Height and width in pixels. */
export type ImageSize = readonly [height: number, width: number];

/** The mask that leaves nothing out but a centred square, or rectangle, of half the height and half the width: `[1, 1, height, width]`. */
export function squareMask([height, width]: ImageSize): NDArray {
  const [top, left] = [Math.floor(height / 4), Math.floor(width / 4)];
  const [bottom, right] = [top + Math.round(height / 2), left + Math.round(width / 2)];
  const known = Float32Array.from({ length: height * width }, (_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    return y >= top && y < bottom && x >= left && x < right ? 0 : 1;
  });
  return ndarray(known, [1, 1, height, width]);
}

/** Share of the pixels that spots leave out, at the least: that of the square. */
const SPOT_SHARE = 0.25;

/**
 * Masks that leave out discs at random places, other ones in each image, until a quarter of the pixels is missing.
 *
 * @param n how many
 * @returns `[n, 1, height, width]`
 */
export function spotMasks(n: number, [height, width]: ImageSize, draw: Stream): NDArray {
  const area = height * width;
  const radius = Math.max(1, Math.min(height, width) / 14);
  const known = new Float32Array(n * area).fill(1);
  for (let image = 0; image < n; image++) {
    const plane = known.subarray(image * area, (image + 1) * area);
    let missing = 0;
    while (missing < SPOT_SHARE * area) {
      const [cy, cx] = [draw.next() * height, draw.next() * width];
      for (let y = Math.max(0, Math.floor(cy - radius)); y < Math.min(height, cy + radius); y++) {
        for (let x = Math.max(0, Math.floor(cx - radius)); x < Math.min(width, cx + radius); x++) {
          if ((y + 0.5 - cy) ** 2 + (x + 0.5 - cx) ** 2 > radius ** 2 || plane[y * width + x] === 0) continue;
          plane[y * width + x] = 0;
          missing += 1;
        }
      }
    }
  }
  return ndarray(known, [n, 1, height, width]);
}

/** What both a square and spots leave: `[n, 1, height, width]`. */
export function squareAndSpotMasks(n: number, size: ImageSize, draw: Stream): NDArray {
  const square = squareMask(size).data;
  const spots = spotMasks(n, size, draw);
  const known = (spots.data as Float32Array).map((value, i) => value * (square[i % square.length] as number));
  return ndarray(known, spots.shape);
}

/** Bounds of a side of a varied rectangle, as shares of the image's. */
const SHORTEST = 0.5;
const LONGEST = 0.6;

/** Leaves a rectangle out of a mask `[height · width]`: at a random place, its sides a half to six tenths of the image's. */
function leaveOutRectangle(plane: Float32Array, [height, width]: ImageSize, draw: Stream): void {
  const side = (whole: number): number =>
    Math.max(1, Math.round(whole * (SHORTEST + (LONGEST - SHORTEST) * draw.next())));
  const [h, w] = [side(height), side(width)];
  const [top, left] = [Math.floor(draw.next() * (height - h + 1)), Math.floor(draw.next() * (width - w + 1))];
  for (let y = top; y < top + h; y++) plane.fill(0, y * width + left, y * width + left + w);
}

/**
 * Masks to learn from, another one for each image: a rectangle at a random place that is at least as large as that of {@link squareMask}, spots as of
 * {@link spotMasks}, or both, evenly drawn.
 *
 * @returns `[n, 1, height, width]`
 */
export function variedMasks(n: number, size: ImageSize, draw: Stream): NDArray {
  const masks = spotMasks(n, size, draw);
  const [known, area] = [masks.data as Float32Array, size[0] * size[1]];
  for (let image = 0; image < n; image++) {
    const plane = known.subarray(image * area, (image + 1) * area);
    const kind = Math.floor(3 * draw.next());
    if (kind === 0) plane.fill(1);
    if (kind !== 1) leaveOutRectangle(plane, size, draw);
  }
  return masks;
}

/** The masks of the inpainting table of generalised GCN (Table 3), by name. */
export type MaskName = 'square' | 'spots' | 'both';

/** Masks by name, for n images of a size: 1 where a pixel is known, 0 where it is missing. The paper does not say how large they are. */
export const MASKS: Readonly<Record<MaskName, (n: number, size: ImageSize, draw: Stream) => NDArray>> = {
  square: (_, size) => squareMask(size),
  spots: spotMasks,
  both: squareAndSpotMasks,
};
