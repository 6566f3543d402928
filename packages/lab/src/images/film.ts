import type { NDArray } from '@brownian/graph';
import sharp from 'sharp';
import { type GridOptions, gridPng } from './grid.ts';

/** Milliseconds per frame of a film when nobody says. */
const DELAY = 120;

/**
 * An animated WebP of pictures of one size, from first to last and again without end; the last stays ten times as long.
 *
 * @param pages PNGs
 * @param delay milliseconds per frame
 * @throws RangeError when there are none
 */
export async function filmOfPages(pages: readonly Uint8Array[], delay: number = DELAY): Promise<Uint8Array> {
  if (pages.length === 0) throw new RangeError('A film has 0 frames; it needs at least 1.');
  const delays = pages.map((_, i) => (i === pages.length - 1 ? delay * 10 : delay));
  return await sharp(
    pages.map((page) => Buffer.from(page)),
    { join: { animated: true } },
  )
    .webp({ quality: 75, delay: delays, loop: 0 })
    .toBuffer();
}

/** The last frame of a film, as a WebP that stands still. */
export async function lastFrame(film: Uint8Array): Promise<Uint8Array> {
  const { pages = 1 } = await sharp(film).metadata();
  return await sharp(film, { page: pages - 1 })
    .webp({ quality: 90 })
    .toBuffer();
}

/** How a film of images looks. */
export interface FilmOptions extends GridOptions {
  /** Milliseconds per frame. Default 120. */
  readonly delay?: number;
}

/**
 * {@link filmOfPages} of images on a grid.
 *
 * @param frames each `[n, 1 or 3, height, width]` in [-1, 1]
 * @throws RangeError when there are none, or a shape is another
 */
export async function filmWebp(frames: readonly NDArray[], { delay, ...grid }: FilmOptions = {}): Promise<Uint8Array> {
  return await filmOfPages(await Promise.all(frames.map((frame) => gridPng(frame, grid))), delay);
}
