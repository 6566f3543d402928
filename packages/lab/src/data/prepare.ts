import { availableParallelism } from 'node:os';
import { type Dataset, type ImageArray, type ImageReader, DataError, imageDataset } from 'brownian';
import type { ImageOptions } from '../config/run-config.ts';
import { UserError } from '../errors.ts';
import { type Geometry, decodeImage, imageFacts, reshapePixels } from './decode.ts';
import { createLimiter } from './limiter.ts';
import { rescaleFloats } from './float-range.ts';
import { spreadIndices } from './spread.ts';
import { type ArraySource, type EncodedSource, type ImageSource, type PixelSource, sizeOfSource } from './source.ts';

/** Images whose headers are looked at to find out whether a set is in colour. */
const LOOKED_AT = 64;
/** Images that are decoded at the same time: one more than there are threads keeps these busy. */
const DECODING = availableParallelism() + 1;

type Values = Uint8Array | Float32Array;

/** A reader of images, with the shape of one. */
interface Decoder {
  readonly shape: readonly number[];
  read(index: number): Promise<Values>;
}

/** Whether a set of image files is in colour: it is if any of some, spread over it, is. */
async function colorOf(source: EncodedSource): Promise<Geometry['color']> {
  for (const index of spreadIndices(source.size, LOOKED_AT)) {
    const { grey } = await imageFacts(await source.read(index), source.where(index));
    if (!grey) return 'rgb';
  }
  return 'grey';
}

async function encodedDecoder(source: EncodedSource, options: ImageOptions): Promise<Decoder> {
  const { crop, size } = options;
  const color = options.color === 'auto' ? await colorOf(source) : options.color;
  const decode = async (index: number): Promise<Awaited<ReturnType<typeof decodeImage>>> => {
    const [bytes, where] = [await source.read(index), source.where(index)];
    if (options.color === 'auto' && color === 'grey' && !(await imageFacts(bytes, where)).grey) {
      throw new DataError(
        `${where}: has colour, and the first images looked at have not; choose --images.color rgb or grey.`,
      );
    }
    return await decodeImage(bytes, { crop, size, color }, where);
  };
  const { shape } = await decode(0);
  return {
    shape,
    async read(index) {
      const image = await decode(index);
      if (image.shape.join() === shape.join()) return image.data;
      const [found, first] = [image.shape, shape].map(([, height, width]) => `${width}×${height}`);
      throw new DataError(
        `${source.where(index)}: is ${found} pixels, and ${source.where(0)} is ${first}; give all one size with --images.size.`,
      );
    },
  };
}

/** Whether the options ask for other pixels than an array `[channels, height, width]` has. */
function changesPixels({ crop, size, color }: ImageOptions, pixels: readonly number[]): boolean {
  const [channels, height, width] = pixels;
  const scaled = size !== null && (height !== size || width !== size);
  return crop !== null || scaled || (color !== 'auto' && (color === 'grey') !== (channels === 1));
}

/** Pixels that are decoded already, brought into form where the options ask for it. */
async function pixelDecoder(source: PixelSource, options: ImageOptions): Promise<Decoder> {
  const [channels = 1, height = 1, width = 1] = source.pixels;
  if (!changesPixels(options, source.pixels)) return { shape: source.pixels, read: (index) => source.read(index) };
  const color = options.color === 'auto' ? (channels === 1 ? 'grey' : 'rgb') : options.color;
  const geometry = { crop: options.crop, size: options.size, color } as const;
  const reshape = async (index: number): ReturnType<typeof reshapePixels> => {
    const data = await source.read(index);
    if (data instanceof Float32Array) {
      throw new UserError(
        `${source.where(index)} is floating-point numbers, which --images.crop, --images.size and --images.color leave alone; save uint8.`,
      );
    }
    return await reshapePixels({ shape: [channels, height, width], data }, geometry, source.where(index));
  };
  return { shape: (await reshape(0)).shape, read: async (index) => (await reshape(index)).data };
}

function arrayAsPixels({ name, images, grouped }: ArraySource): PixelSource {
  const [n = 0, ...pixels] = images.shape;
  const stride = images.data.length / Math.max(n, 1);
  return {
    kind: 'items',
    name,
    size: n,
    pixels,
    grouped,
    where: (i) => `${name}: image ${i}`,
    read: (i) => Promise.resolve(images.data.subarray(i * stride, (i + 1) * stride)),
  };
}

/** Keeps what was decoded, where all of it fits into `memory` bytes. */
function keepDecoded(decoder: Decoder, n: number, memory: number): (index: number) => Promise<Values> {
  const stride = decoder.shape.reduce((a, b) => a * b, 1);
  if (n * stride > memory) return (index) => decoder.read(index);
  const kept = new Uint8Array(n * stride);
  const there = new Uint8Array(n);
  return async (index) => {
    if (there[index] === 1) return kept.subarray(index * stride, (index + 1) * stride);
    const values = await decoder.read(index);
    if (values instanceof Uint8Array && values.length === stride) {
      kept.set(values, index * stride);
      there[index] = 1;
    }
    return values;
  };
}

/** The images of some items: in memory where the source is, else read, decoded and kept as the options say. */
async function imagesOf(
  source: ImageSource,
  chosen: readonly number[] | null,
  options: ImageOptions,
): Promise<ImageArray | ImageReader> {
  const memory = options.memory * 2 ** 20;
  const n = chosen?.length ?? sizeOfSource(source);
  const plain = source.kind === 'array' && !changesPixels(options, source.images.shape.slice(1));
  if (plain && chosen === null) return source.images;
  const decoder =
    source.kind === 'array'
      ? await pixelDecoder(arrayAsPixels(source), options)
      : source.pixels === null
        ? await encodedDecoder(source, options)
        : await pixelDecoder(source, options);
  const limit = createLimiter(DECODING);
  const decode = (index: number): Promise<Values> =>
    limit(() => decoder.read(chosen === null ? index : (chosen[index] as number)));
  const read = plain
    ? (index: number): Promise<Values> => decoder.read((chosen as number[])[index] as number)
    : keepDecoded({ shape: decoder.shape, read: decode }, n, memory / 2);
  return { shape: [n, ...decoder.shape], read };
}

/** The largest label that is taken for the number of a class: beyond it labels tell items apart, and a name for each would fill the memory. */
const LARGEST_CLASS = 65_535;

/**
 * The names of a source's classes: those that it brings, or '0' to the largest label, as in a text file of numbers. None where there are no
 * labels, or where some are no class numbers, which the data set refuses.
 *
 * @throws DataError when a label is too large to be a class
 */
function classNames({ name, labels, classes }: ImageSource): readonly string[] | undefined {
  if (labels === undefined || classes !== undefined) return labels && classes;
  let largest = 0;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    if (!Number.isInteger(label) || label < 0) return undefined;
    if (label > LARGEST_CLASS)
      throw new DataError(
        `${name}: label ${i} is ${label}, and classes are numbered from 0 to ${LARGEST_CLASS} at most; number them anew, or name them in a text file for --images.labels.`,
      );
    largest = Math.max(largest, label);
  }
  return Array.from({ length: largest + 1 }, (_, label) => String(label));
}

/**
 * Makes a data set of what a reader found: crops, scales, colours and normalises its images, in the way and in the order that
 * the options say, whatever order they are asked for in.
 *
 * @param chosen items of the source; null takes all
 * @throws UserError or DataError, in one sentence, when the options do not fit the images
 */
export async function prepareImages(
  source: ImageSource,
  chosen: readonly number[] | null,
  options: ImageOptions,
): Promise<Dataset> {
  const scaled = await rescaleFloats(source, options.range);
  const { labels } = source;
  const classes = classNames(source);
  const images = await imagesOf(scaled, chosen, options);
  const picked = labels === undefined || chosen === null ? labels : chosen.map((i) => labels[i] as number);
  return imageDataset({
    name: source.name,
    images,
    flip: options.flip,
    dequantise: options.dequantise,
    ...(picked === undefined ? {} : { labels: picked }),
    ...(classes === undefined ? {} : { classes }),
  });
}
