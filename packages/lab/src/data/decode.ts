import { DataError } from 'brownian';
import sharp, { type Metadata, type Sharp } from 'sharp';

/** Pixels of one image, channel by channel. */
export interface Decoded {
  /** `[channels, height, width]`. */
  readonly shape: readonly [number, number, number];
  readonly data: Uint8Array;
}

/** How an image is brought into the form that all of a set have. */
export interface Geometry {
  /** Side of the centred square that is cut out first, in pixels of the file; null cuts nothing. */
  readonly crop: number | null;
  /** Side of the square it is then scaled to; null scales nothing. */
  readonly size: number | null;
  readonly color: 'rgb' | 'grey';
}

/** Pixels beyond this are taken for a damaged header: 100 million. */
const MOST_PIXELS = 1e8;
/** No more pixels than these come of a byte, in images larger than a few millions: 1,032 by deflate, 8 pixels to each. */
const MOST_PIXELS_PER_BYTE = 8256;
const ALWAYS_ALLOWED = 4e6;
const OPTIONS = { failOn: 'truncated', limitInputPixels: MOST_PIXELS } as const;

// Images are decoded several at a time by the threads that sharp decodes in; more threads inside each only get in their way.
sharp.concurrency(1);
// A data set is read once in a while, image by image: what libvips keeps of earlier files is of no use.
sharp.cache(false);

function unreadable(where: string, error: unknown): DataError {
  const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0]?.trim() ?? '';
  return new DataError(`${where}: cannot be decoded as an image (${reason.replace(/\.$/, '')}).`);
}

/** What the header of an image file says. */
export interface ImageFacts {
  readonly width: number;
  readonly height: number;
  readonly grey: boolean;
  readonly format: string;
}

function factsOf(metadata: Metadata): ImageFacts {
  const { width, height } = metadata.autoOrient;
  return { width, height, grey: /^(b-w|grey16)$/.test(metadata.space), format: metadata.format };
}

/** Reads the header of an image file. @throws DataError naming `where` when it is no image. */
export async function imageFacts(bytes: Uint8Array, where: string): Promise<ImageFacts> {
  try {
    return factsOf(await sharp(bytes, OPTIONS).metadata());
  } catch (error) {
    throw unreadable(where, error);
  }
}

/** Refuses sizes that the file is too short for, before memory is taken for them. */
function checkPixels({ width, height }: ImageFacts, bytes: number, where: string): void {
  if (width * height <= ALWAYS_ALLOWED + MOST_PIXELS_PER_BYTE * bytes) return;
  throw new DataError(`${where}: its header claims ${width}×${height} pixels, which its ${bytes} bytes cannot hold.`);
}

/** Interleaved pixels as one plane after the other. */
function planes(pixels: Uint8Array, channels: number): Uint8Array {
  if (channels === 1) return pixels;
  const area = pixels.length / channels;
  const out = new Uint8Array(pixels.length);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < area; i++) out[c * area + i] = pixels[i * channels + c] as number;
  return out;
}

/** One plane after the other as interleaved pixels. */
function interleave(data: Uint8Array, channels: number): Uint8Array {
  if (channels === 1) return data;
  const area = data.length / channels;
  const out = new Uint8Array(data.length);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < area; i++) out[i * channels + c] = data[c * area + i] as number;
  return out;
}

/** Crops, scales and colours. `facts` is what the file's header says. */
async function shapeImage(image: Sharp, facts: ImageFacts, geometry: Geometry, where: string): Promise<Decoded> {
  const { crop, size, color } = geometry;
  if (crop !== null && (crop > facts.width || crop > facts.height)) {
    throw new DataError(
      `${where}: is ${facts.width}×${facts.height} pixels, too small for a centred square of --images.crop ${crop}.`,
    );
  }
  let shaped = image;
  if (crop !== null) {
    const [left, top] = [Math.floor((facts.width - crop) / 2), Math.floor((facts.height - crop) / 2)];
    shaped = shaped.extract({ left, top, width: crop, height: crop });
  }
  if (size !== null) shaped = shaped.resize(size, size, { fit: 'cover' });
  const { data, info } = await shaped
    .flatten({ background: '#ffffff' })
    .toColourspace(color === 'grey' ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const channels = color === 'grey' ? 1 : 3;
  if (info.channels !== channels) throw new DataError(`${where}: has ${info.channels} channels, expected ${channels}.`);
  return { shape: [channels, info.height, info.width], data: planes(data, channels) };
}

/**
 * Decodes a PNG, JPEG or WebP file (or another that sharp reads) and brings it into form. It is turned upright as its EXIF
 * orientation says, transparent pixels are laid on white, and scaling is by Lanczos' kernel of 3 lobes, antialiased.
 * Decoding takes place in the threads of sharp, not in that of the caller.
 *
 * @param where names the file in errors
 * @throws DataError when it is damaged, is no image, or is smaller than the crop
 */
export async function decodeImage(bytes: Uint8Array, geometry: Geometry, where: string): Promise<Decoded> {
  try {
    const image = sharp(bytes, OPTIONS);
    const facts = factsOf(await image.metadata());
    checkPixels(facts, bytes.length, where);
    return await shapeImage(image.autoOrient(), facts, geometry, where);
  } catch (error) {
    throw error instanceof DataError ? error : unreadable(where, error);
  }
}

/** The same for pixels `[1 or 3, height, width]` that are decoded already. */
export async function reshapePixels(pixels: Decoded, geometry: Geometry, where: string): Promise<Decoded> {
  const [channels, height, width] = pixels.shape;
  const raw = { width, height, channels: channels as 1 | 3 };
  const facts = { width, height, grey: channels === 1, format: 'raw' };
  try {
    return await shapeImage(sharp(interleave(pixels.data, channels), { raw }), facts, geometry, where);
  } catch (error) {
    throw error instanceof DataError ? error : unreadable(where, error);
  }
}
