import type { NDArray } from '@brownian/graph';
import sharp from 'sharp';
import { type GridOptions, encodePng, tileImages } from './grid.ts';

/** How frames follow each other. */
export interface FilmOptions extends GridOptions {
  /** Milliseconds per frame; the last stays ten times as long. Default 120. */
  readonly delay?: number;
}

/**
 * An animated WebP of images on a grid, from first to last and again without end.
 *
 * @param frames each `[n, 1 or 3, height, width]` in [-1, 1]
 * @throws RangeError when there are none, or a shape is another
 */
export async function filmWebp(
  frames: readonly NDArray[],
  { delay = 120, ...grid }: FilmOptions = {},
): Promise<Uint8Array> {
  if (frames.length === 0) throw new RangeError('A film has 0 frames; it needs at least 1.');
  const pages = await Promise.all(frames.map((frame) => encodePng(tileImages(frame, grid))));
  const delays = frames.map((_, i) => (i === frames.length - 1 ? delay * 10 : delay));
  return await sharp(
    pages.map((page) => Buffer.from(page)),
    { join: { animated: true } },
  )
    .webp({ quality: 80, delay: delays, loop: 0 })
    .toBuffer();
}
