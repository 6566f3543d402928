import { type NDArray, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import sharp from 'sharp';
import { UserError } from '../errors.ts';

/** @param side length to which the shorter side is scaled down, in pixels; null, or a picture that is smaller, leaves it as it is */
async function readRgb(
  path: string,
  side: number | null,
): Promise<{ width: number; height: number; data: Uint8Array }> {
  try {
    const { data, info } = await sharp(path)
      .resize(side, side, { fit: 'outside', withoutEnlargement: true })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels === 3) return { width: info.width, height: info.height, data };
    const grey = Uint8Array.from(
      { length: info.width * info.height * 3 },
      (_, i) => data[Math.floor(i / 3) * info.channels] ?? 0,
    );
    return { width: info.width, height: info.height, data: grey };
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new UserError(`Cannot read the image ${path}: ${why?.replace(/\.$/, '')}.`, { cause: error });
  }
}

/**
 * Cuts square patches out of one image, at places drawn by seed.
 *
 * @param side to which the shorter side of the image is scaled down first, in pixels; null leaves the image as it is
 * @returns `[count, 3, size, size]` in [-1, 1]
 * @throws UserError when the image cannot be read or is smaller than a patch
 */
export async function imagePatches(
  path: string,
  side: number | null,
  { count, size, seed }: { readonly count: number; readonly size: number; readonly seed: number },
): Promise<NDArray> {
  const { width, height, data } = await readRgb(path, side);
  if (width < size || height < size)
    throw new UserError(`${path} is ${width}×${height} here; patches of ${size}×${size} need a larger image.`);
  const draw = createStream(seed).split('patches');
  const out = new Float32Array(count * 3 * size * size);
  for (let n = 0; n < count; n++) {
    const left = Math.floor(draw.next() * (width - size + 1));
    const top = Math.floor(draw.next() * (height - size + 1));
    for (let i = 0; i < 3 * size * size; i++) {
      const [channel, row, column] = [Math.floor(i / size ** 2), Math.floor(i / size) % size, i % size];
      out[n * 3 * size ** 2 + i] = (data[((top + row) * width + left + column) * 3 + channel] as number) / 127.5 - 1;
    }
  }
  return ndarray(out, [count, 3, size, size]);
}
