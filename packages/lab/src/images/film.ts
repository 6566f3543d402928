import type { NDArray } from '@brownian/graph';
import sharp from 'sharp';
import { type GridOptions, gridPng } from './grid.ts';

/** Milliseconds per frame of a film when nobody says. */
const DELAY = 120;
/** Of the encoder; noise, with which most films begin, makes large files above it. */
const QUALITY = 80;

/** How the pages of a film are scaled down, by a whole number. */
export interface PageScale {
  readonly divisor: number;
  /** Whether `divisor` × `divisor` pixels of a page are one pixel of an image, which a page may enlarge again. */
  readonly pixels: boolean;
}

async function scaled(page: Uint8Array, { divisor, pixels }: PageScale): Promise<Buffer> {
  if (divisor === 1) return Buffer.from(page);
  const { width } = await sharp(page).metadata();
  const kernel = pixels ? 'nearest' : 'mitchell';
  return await sharp(page)
    .resize(Math.max(1, Math.floor(width / divisor)), null, { kernel })
    .png()
    .toBuffer();
}

/**
 * An animated WebP of pictures of one size, from first to last and again without end; the last stays ten times as long.
 *
 * @param pages PNGs
 * @param delay milliseconds per frame
 * @throws RangeError when there are none
 */
export async function filmOfPages(
  pages: readonly Uint8Array[],
  scale: PageScale = { divisor: 1, pixels: true },
  delay: number = DELAY,
): Promise<Uint8Array> {
  if (pages.length === 0) throw new RangeError('A film has 0 frames; it needs at least 1.');
  const delays = pages.map((_, i) => (i === pages.length - 1 ? delay * 10 : delay));
  return await sharp(await Promise.all(pages.map((page) => scaled(page, scale))), { join: { animated: true } })
    .webp({ quality: QUALITY, smartSubsample: true, delay: delays, loop: 0 })
    .toBuffer();
}

/** The last frame of a film, as a WebP that stands still. */
export async function lastFrame(film: Uint8Array): Promise<Uint8Array> {
  const { pages = 1 } = await sharp(film).metadata();
  return await sharp(film, { page: pages - 1 })
    .webp({ lossless: true })
    .toBuffer();
}

/** How a film of images looks. */
export interface FilmOptions extends GridOptions {
  /** Screen pixels per image pixel. Default 1: pages enlarge films themselves. */
  readonly scale?: number;
  /** Milliseconds per frame. Default 120. */
  readonly delay?: number;
}

/**
 * {@link filmOfPages} of images on a grid.
 *
 * @param frames each `[n, 1 or 3, height, width]` in [-1, 1]
 * @throws RangeError when there are none, or a shape is another
 */
export async function filmWebp(
  frames: readonly NDArray[],
  { delay, scale = 1, ...grid }: FilmOptions = {},
): Promise<Uint8Array> {
  const pages = await Promise.all(frames.map((frame) => gridPng(frame, { ...grid, scale })));
  return await filmOfPages(pages, undefined, delay);
}
