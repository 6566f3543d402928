import { DataError } from 'brownian';
import { UserError } from '../errors.ts';
import { type ImageSource, sizeOfSource } from './source.ts';
import { spreadIndices } from './spread.ts';

type Range = readonly [number, number];
/** The ranges that images of floating-point numbers are commonly stored in, the narrowest first. */
const COMMON: readonly Range[] = [
  [0, 1],
  [-1, 1],
  [0, 255],
];
/** Images that are looked at to find the range of a set that is not in memory. */
const LOOKED_AT = 256;

async function extremes(source: ImageSource): Promise<Range | undefined> {
  let [low, high] = [Infinity, -Infinity];
  const look = (values: Uint8Array | Float32Array, where: string): boolean => {
    if (values instanceof Uint8Array) return false;
    for (const value of values) {
      if (!Number.isFinite(value)) throw new DataError(`${where}: has the value ${value}, expected finite numbers.`);
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    return true;
  };
  if (source.kind === 'array') return look(source.images.data, source.name) ? [low, high] : undefined;
  if (source.pixels === null) return undefined;
  for (const index of spreadIndices(source.size, LOOKED_AT))
    if (!look(await source.read(index), source.where(index))) return undefined;
  return [low, high];
}

function chooseRange([low, high]: Range, source: ImageSource): Range {
  const found = COMMON.find(([least, most]) => low >= least && high <= most);
  if (found !== undefined) return found;
  throw new UserError(
    `${source.name} has values from ${low} to ${high}; say which become black and white with --images.range, such as --images.range ${Math.floor(low)},${Math.ceil(high)}.`,
  );
}

/**
 * Brings floating-point images into [-1, 1]; bytes are left as they are.
 *
 * @param range the values that become -1 and 1; null takes the narrowest of [0, 1], [-1, 1] and [0, 255] that holds them
 * @throws UserError when none does, or when a range is given for bytes; DataError when a value is not finite
 */
export async function rescaleFloats(source: ImageSource, range: Range | null): Promise<ImageSource> {
  const found = sizeOfSource(source) === 0 ? undefined : await extremes(source);
  if (found === undefined) {
    if (range === null) return source;
    throw new UserError(
      `--images.range is for floating-point images; ${source.name} has grey levels 0..255, so leave it out.`,
    );
  }
  const [low, high] = range ?? chooseRange(found, source);
  const rescale = (values: Uint8Array | Float32Array, where: string): Float32Array =>
    Float32Array.from(values).map((value) => {
      if (!Number.isFinite(value)) throw new DataError(`${where}: has the value ${value}, expected finite numbers.`);
      return ((value - low) / (high - low)) * 2 - 1;
    });
  if (source.kind === 'array') {
    const { shape, data } = source.images;
    return { ...source, images: { shape, data: rescale(data, source.name) } };
  }
  if (source.pixels === null) return source;
  return { ...source, read: async (index) => rescale(await source.read(index), source.where(index)) };
}
