import { type NDArray, float32Data, formatShape } from '@brownian/graph';
import sharp from 'sharp';

/** How images are laid out on a grid. */
export interface GridOptions {
  /** Images per row. Default: as square as it gets. */
  readonly columns?: number;
  /** Screen pixels per image pixel, a whole number. Default: 3 for images up to 32 wide, 2 up to 64, else 1. */
  readonly scale?: number;
  /** Gap between images in image pixels; it is transparent. Default 1. */
  readonly gap?: number;
}

/** Image pixels before they become a PNG: grey + alpha or RGB + alpha, 8 bits. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 2 | 4;
  readonly data: Uint8Array;
}

/** Screen pixels per image pixel when nobody says, for images this wide. */
export function defaultScale(width: number): number {
  if (width <= 32) return 3;
  return width <= 64 ? 2 : 1;
}

function toByte(value: number): number {
  // NaN becomes 0: a picture of a diverged run should still open.
  return Math.min(255, Math.max(0, Math.round((value + 1) * 127.5))) || 0;
}

/**
 * Tiles images into one raster. Each pixel becomes `scale` × `scale`; the gaps are transparent.
 *
 * @param images `[n, 1 or 3, height, width]` in [-1, 1]; values outside are clamped.
 * @throws RangeError when the shape is another.
 */
export function tileImages(images: NDArray, options: GridOptions = {}): Raster {
  const [n, colors, height, width] = images.shape;
  if (n === undefined || height === undefined || width === undefined || (colors !== 1 && colors !== 3) || n === 0) {
    throw new RangeError(`A grid shows images [n, 1 or 3, height, width], got ${formatShape(images.shape)}.`);
  }
  const columns = Math.min(n, options.columns ?? Math.ceil(Math.sqrt(n)));
  const scale = options.scale ?? defaultScale(width);
  const gap = options.gap ?? 1;
  const rows = Math.ceil(n / columns);
  const totalWidth = (columns * (width + gap) - gap) * scale;
  const totalHeight = (rows * (height + gap) - gap) * scale;
  const channels = colors === 1 ? 2 : 4;
  const out = new Uint8Array(totalWidth * totalHeight * channels);
  const values = float32Data(images);
  for (let image = 0; image < n; image++) {
    const left = (image % columns) * (width + gap) * scale;
    const top = Math.floor(image / columns) * (height + gap) * scale;
    for (let y = 0; y < height * scale; y++) {
      const row = Math.floor(y / scale) * width;
      for (let x = 0; x < width * scale; x++) {
        const pixel = row + Math.floor(x / scale);
        const to = ((top + y) * totalWidth + left + x) * channels;
        for (let c = 0; c < colors; c++)
          out[to + c] = toByte(values[(image * colors + c) * height * width + pixel] ?? 0);
        out[to + channels - 1] = 255;
      }
    }
  }
  return { width: totalWidth, height: totalHeight, channels, data: out };
}

/** Encodes a raster as PNG. */
export async function encodePng(raster: Raster): Promise<Uint8Array> {
  const { width, height, channels, data } = raster;
  return await sharp(data, { raw: { width, height, channels } }).png({ compressionLevel: 9 }).toBuffer();
}

/** Tiles images `[n, 1 or 3, height, width]` in [-1, 1] into a PNG. */
export async function gridPng(images: NDArray, options: GridOptions = {}): Promise<Uint8Array> {
  return await encodePng(tileImages(images, options));
}
