import type { NDArray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { type ImageSize, MASKS, type MaskName, knownLike } from 'brownian';
import { basename, extname } from 'node:path';
import sharp from 'sharp';
import { nearest } from '../config/suggest.ts';
import { UserError, fileProblem } from '../errors.ts';

/** A mask that images are tried with. */
export interface Mask {
  /** Names its files and its rows in tables. */
  readonly name: string;
  /** 1 where a pixel is known, 0 where it is missing, shaped like the images. */
  readonly known: NDArray;
}

const NAMES = Object.keys(MASKS) as MaskName[];

function isMaskName(name: string): name is MaskName {
  return Object.hasOwn(MASKS, name);
}

/** A mask from an image: white is missing, black is known. */
async function readMask(path: string, [height, width]: ImageSize): Promise<NDArray> {
  const decode = async (): Promise<{ data: Buffer; info: { width: number; height: number } }> =>
    await sharp(path).flatten({ background: '#000' }).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  const { data, info } = await decode().catch((error: unknown) => {
    const why = error instanceof Error && 'code' in error ? fileProblem(error) : (error as Error).message;
    throw new UserError(`The mask ${path} cannot be read as an image (${why.split('\n')[0]?.replace(/\.$/, '')}).`, {
      cause: error,
    });
  });
  if (info.height !== height || info.width !== width)
    throw new UserError(
      `The mask ${path} has ${info.height}×${info.width} pixels, the images have ${height}×${width}; scale it to their size.`,
    );
  const known = Float32Array.from({ length: height * width }, (_, i) =>
    (data[(i * data.length) / (height * width)] as number) >= 128 ? 0 : 1,
  );
  if (!known.includes(0))
    throw new UserError(
      `The mask ${path} has no white pixel, so nothing is missing; paint what is to be filled in white.`,
    );
  return { dtype: 'float32', shape: [1, 1, height, width], data: known };
}

/**
 * Masks from a list such as `square,spots` or `./mask.png`.
 *
 * @param x the images, `[n, channels, height, width]`
 * @throws UserError for a name that is none, or a file that is no mask of their size
 */
export async function openMasks(list: string, x: NDArray, seed: number): Promise<Mask[]> {
  const names = [...new Set(list.split(',').map((name) => name.trim()))].filter((name) => name !== '');
  if (names.length === 0) throw new UserError(`--mask is empty; it takes ${NAMES.join(', ')}, or an image file.`);
  const [n, , ...size] = x.shape as readonly [number, number, number, number];
  return await Promise.all(
    names.map(async (name) => {
      if (isMaskName(name)) {
        // One stream for all, so that "both" leaves out the very spots that "spots" does.
        const mask = MASKS[name](n, size, createStream(seed).split('mask'));
        return { name, known: knownLike(x, mask) };
      }
      if (extname(name) === '') {
        const guess = nearest(name, NAMES);
        const hint =
          guess === undefined ? `it takes ${NAMES.join(', ')}, or an image file` : `did you mean "${guess}"?`;
        throw new UserError(`There is no mask "${name}"; ${hint}${guess === undefined ? '.' : ''}`, { exitCode: 2 });
      }
      return { name: basename(name, extname(name)), known: knownLike(x, await readMask(name, size)) };
    }),
  );
}
