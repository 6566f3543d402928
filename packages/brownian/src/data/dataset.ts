import { formatShape, ndarray, sizeOf } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Batch, Dataset } from '../interfaces.ts';
import { DataError } from './errors.ts';

/** Images in memory: grey levels 0..255, or float32 that is in [-1, 1] already. Row-major. */
export interface ImageArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array | Float32Array;
}

/** Images that are fetched or decoded when a batch asks for them, so that a set may be larger than memory. */
export interface ImageReader {
  readonly shape: readonly number[];
  /**
   * The values of one image, channel by channel: grey levels 0..255, or float32 that is in [-1, 1] already. Every call with
   * the same index gives the same values.
   */
  read(index: number): Promise<Uint8Array | Float32Array>;
}

/** What {@link imageDataset} is made from. */
export interface ImageDatasetOptions {
  readonly name: string;
  /** `[n, channels, height, width]` or, for one channel, `[n, height, width]`. Arrays are kept, not copied. */
  readonly images: ImageArray | ImageReader;
  /** The class of each image, integers from 0. Default: no labels. */
  readonly labels?: ArrayLike<number>;
  /** Names of the classes; every label must then be an index into it. Default: no names. */
  readonly classes?: readonly string[];
  /** Mirror each image of a batch left to right with probability ½, where the batch has a stream to draw from. Default: no. */
  readonly flip?: boolean;
  /**
   * Spread each grey level v evenly over [v, v + 1), where the batch has a stream to draw from: x = (v + u) / 128 − 1. Float32
   * images have no levels and are left as they are. Default: no.
   *
   * Source: L. Theis, A. van den Oord, M. Bethge, "A note on the evaluation of generative models", ICLR 2016, section 3.1.
   */
  readonly dequantise?: boolean;
}

/** Float32 of each grey level: v / 127.5 - 1, so 0 is -1 and 255 is 1. */
const SCALED: Float32Array = Float32Array.from({ length: 256 }, (_, level) => level / 127.5 - 1);

const LARGEST_LABEL = 2 ** 31 - 1;

/** Checks labels against the number of items and classes, and stores them as int32. */
function readLabels(
  name: string,
  labels: ArrayLike<number>,
  size: number,
  classes: readonly string[] | undefined,
): Int32Array {
  if (labels.length !== size) {
    throw new DataError(`${name}: there are ${size} items and ${labels.length} labels, expected one label for each.`);
  }
  const last = classes === undefined ? LARGEST_LABEL : classes.length - 1;
  const stored = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const label = labels[i] as number;
    if (!Number.isInteger(label) || label < 0 || label > last) {
      throw new DataError(`${name}: label ${i} is ${label}, expected an integer in 0..${last}.`);
    }
    stored[i] = label;
  }
  return stored;
}

/** Checks the indices of a batch against the size of its set. */
function checkIndices(name: string, size: number, indices: ArrayLike<number>): void {
  for (let row = 0; row < indices.length; row++) {
    const index = indices[row] as number;
    if (!Number.isInteger(index) || index < 0 || index >= size) {
      throw new RangeError(`${name}: item ${index} was asked for, the set has items 0..${size - 1}.`);
    }
  }
}

/** The part that image and point sets share; `fill` writes the items at `indices`, one after the other, into `values`. */
function labelledDataset(
  facts: Pick<Dataset, 'name' | 'itemShape' | 'size' | 'classes'>,
  labels: Int32Array | undefined,
  fill: (values: Float32Array, indices: ArrayLike<number>, draw: Stream | undefined) => Promise<void> | void,
): Dataset {
  const { name, size, itemShape } = facts;
  const stride = sizeOf(itemShape);
  const batch = async (indices: ArrayLike<number>, draw?: Stream): Promise<Batch> => {
    checkIndices(name, size, indices);
    const n = indices.length;
    const values = new Float32Array(n * stride);
    await fill(values, indices, draw);
    const x = ndarray(values, [n, ...itemShape]);
    const places = ndarray(Int32Array.from(indices), [n]);
    if (labels === undefined) return { x, indices: places };
    return {
      x,
      indices: places,
      labels: ndarray(
        Int32Array.from(indices, (index) => labels[index] as number),
        [n],
      ),
    };
  };
  return { ...facts, batch };
}

/** Mirrors the rows of pixels of one image. */
function mirror(image: Float32Array, width: number): void {
  for (let from = 0; from < image.length; from += width) image.subarray(from, from + width).reverse();
}

/** Writes one image into `target` as float32 in [-1, 1]; `noise`, if any, is u of the dequantisation. */
function scale(target: Float32Array, image: Uint8Array | Float32Array, noise: Float32Array | undefined): void {
  if (image instanceof Float32Array) target.set(image);
  else if (noise === undefined) image.forEach((level, i) => (target[i] = SCALED[level] as number));
  else image.forEach((level, i) => (target[i] = (level + (noise[i] as number)) / 128 - 1));
}

function checkShape(name: string, { shape, ...images }: ImageArray | ImageReader): void {
  const given = formatShape(shape);
  const ranked = shape.length === 3 || shape.length === 4;
  if (!ranked || !shape.every((axis) => Number.isSafeInteger(axis) && axis > 0)) {
    const expected = '[n, channels, height, width] or [n, height, width] with every axis at least 1';
    throw new DataError(`${name}: images have the shape ${given}, expected ${expected}.`);
  }
  if ('data' in images && sizeOf(shape) !== images.data.length) {
    throw new DataError(
      `${name}: images of shape ${given} have ${sizeOf(shape)} values, ${images.data.length} were given.`,
    );
  }
}

/** How the images at some indices come: all at once where they are in memory, so that no promise per image is made. */
function imageGetter(
  name: string,
  images: ImageArray | ImageReader,
  stride: number,
): (indices: ArrayLike<number>) => Promise<readonly (Uint8Array | Float32Array)[]> {
  if ('data' in images) {
    const { data } = images;
    return (indices) =>
      Promise.resolve(Array.from(indices, (index) => data.subarray(index * stride, (index + 1) * stride)));
  }
  const readOne = async (index: number): Promise<Uint8Array | Float32Array> => {
    const image = await images.read(index);
    if (image.length === stride) return image;
    throw new DataError(`${name}: image ${index} has ${image.length} values, expected ${stride}.`);
  };
  return (indices) => Promise.all(Array.from(indices, readOne));
}

/**
 * Images, in memory or read as they are needed, given out as float32 in [-1, 1]: x = v / 127.5 - 1.
 *
 * @returns a data set with items `[channels, height, width]`; batches have labels (int32, `[batch]`) if labels were
 * given
 * @throws DataError when shape, values, labels and classes do not fit together, or when there are no images
 *
 * @example
 * const digits = imageDataset({ name: 'mnist', images: parseIdx(bytes, 'train-images-idx3-ubyte') });
 * const { x } = await digits.batch([0, 1, 2]); // float32 [3, 1, 28, 28]
 */
export function imageDataset(options: ImageDatasetOptions): Dataset {
  const { name, images, labels, classes, flip = false, dequantise = false } = options;
  checkShape(name, images);
  const { shape } = images;
  const size = shape[0] as number;
  const itemShape = shape.length === 3 ? [1, ...shape.slice(1)] : shape.slice(1);
  const stride = sizeOf(itemShape);
  const width = itemShape[2] as number;
  const stored = labels === undefined ? undefined : readLabels(name, labels, size, classes);
  const facts = { name, itemShape, size, ...(classes === undefined ? {} : { classes: [...classes] }) };
  const get = imageGetter(name, images, stride);
  return labelledDataset(facts, stored, async (values, indices, draw) => {
    const flips = flip ? draw?.uniform([indices.length]).data : undefined;
    const noise = dequantise ? (draw?.uniform([values.length]).data as Float32Array | undefined) : undefined;
    const found = await get(indices);
    found.forEach((image, row) => {
      const target = values.subarray(row * stride, (row + 1) * stride);
      scale(target, image, noise?.subarray(row * stride, (row + 1) * stride));
      if (flips !== undefined && (flips[row] as number) < 0.5) mirror(target, width);
    });
  });
}

/**
 * Points in memory, given out as they are.
 *
 * @param points `[n, dim]`, row-major; kept, not copied
 * @param labels the class of each point, integers from 0
 * @throws DataError when the number of values is not a positive multiple of `dim`, when a value is not finite, or when
 * the labels do not fit
 */
export function pointDataset(name: string, points: Float32Array, dim: number, labels?: ArrayLike<number>): Dataset {
  if (!Number.isSafeInteger(dim) || dim < 1) {
    throw new DataError(`${name}: points have the dimension ${dim}, expected an integer of at least 1.`);
  }
  if (points.length === 0 || points.length % dim !== 0) {
    throw new DataError(
      `${name}: ${points.length} values were given, expected a positive multiple of the dimension ${dim}.`,
    );
  }
  const bad = points.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new DataError(
      `${name}: point ${Math.floor(bad / dim)} has the coordinate ${points[bad]}, expected finite numbers.`,
    );
  }
  const size = points.length / dim;
  const stored = labels === undefined ? undefined : readLabels(name, labels, size, undefined);
  return labelledDataset({ name, itemShape: [dim], size }, stored, (values, indices) => {
    for (let row = 0; row < indices.length; row++) {
      const index = indices[row] as number;
      values.set(points.subarray(index * dim, (index + 1) * dim), row * dim);
    }
  });
}
