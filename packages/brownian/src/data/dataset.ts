import { formatShape, ndarray, sizeOf } from '@brownian/graph';
import type { Batch, Dataset } from '../interfaces.ts';
import { DataError } from './errors.ts';
import type { ByteArray } from './idx.ts';

/** What {@link imageDataset} is made from. */
export interface ImageDatasetOptions {
  readonly name: string;
  /** Grey levels 0..255, `[n, channels, height, width]` or, for one channel, `[n, height, width]`. Kept, not copied. */
  readonly images: ByteArray;
  /** The class of each image, integers from 0. Default: no labels. */
  readonly labels?: ArrayLike<number>;
  /** Names of the classes; every label must then be an index into it. Default: no names. */
  readonly classes?: readonly string[];
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

/** The part that image and point sets share; `copy` writes item `index`, as float32, into `target` from `at` on. */
function arrayDataset(
  facts: Pick<Dataset, 'name' | 'itemShape' | 'size' | 'classes'>,
  labels: Int32Array | undefined,
  copy: (target: Float32Array, at: number, index: number) => void,
): Dataset {
  const { name, size, itemShape } = facts;
  const stride = sizeOf(itemShape);
  const batch = (indices: ArrayLike<number>): Batch => {
    const n = indices.length;
    const values = new Float32Array(n * stride);
    const picked = new Int32Array(n);
    for (let row = 0; row < n; row++) {
      const index = indices[row] as number;
      if (!Number.isInteger(index) || index < 0 || index >= size) {
        throw new RangeError(`${name}: item ${index} was asked for, the set has items 0..${size - 1}.`);
      }
      copy(values, row * stride, index);
      if (labels !== undefined) picked[row] = labels[index] as number;
    }
    const x = ndarray(values, [n, ...itemShape]);
    return labels === undefined ? { x } : { x, labels: ndarray(picked, [n]) };
  };
  return { ...facts, batch };
}

/**
 * Images in memory as bytes, given out as float32 in [-1, 1]: x = v / 127.5 - 1.
 *
 * @returns a data set with items `[channels, height, width]`; batches have labels (int32, `[batch]`) if labels were
 * given
 * @throws DataError when shape, values, labels and classes do not fit together, or when there are no images
 *
 * @example
 * const digits = imageDataset({ name: 'mnist', images: parseIdx(bytes, 'train-images-idx3-ubyte') });
 * const { x } = digits.batch([0, 1, 2]); // float32 [3, 1, 28, 28]
 */
export function imageDataset({ name, images, labels, classes }: ImageDatasetOptions): Dataset {
  const { shape, data } = images;
  const given = formatShape(shape);
  const ranked = shape.length === 3 || shape.length === 4;
  if (!ranked || !shape.every((axis) => Number.isSafeInteger(axis) && axis > 0)) {
    const expected = '[n, channels, height, width] or [n, height, width] with every axis at least 1';
    throw new DataError(`${name}: images have the shape ${given}, expected ${expected}.`);
  }
  if (sizeOf(shape) !== data.length) {
    throw new DataError(`${name}: images of shape ${given} have ${sizeOf(shape)} values, ${data.length} were given.`);
  }
  const size = shape[0] as number;
  const itemShape = shape.length === 3 ? [1, ...shape.slice(1)] : shape.slice(1);
  const stride = sizeOf(itemShape);
  const stored = labels === undefined ? undefined : readLabels(name, labels, size, classes);
  const facts = { name, itemShape, size, ...(classes === undefined ? {} : { classes: [...classes] }) };
  return arrayDataset(facts, stored, (target, at, index) => {
    const start = index * stride;
    for (let i = 0; i < stride; i++) target[at + i] = SCALED[data[start + i] as number] as number;
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
  return arrayDataset({ name, itemShape: [dim], size }, stored, (target, at, index) => {
    target.set(points.subarray(index * dim, (index + 1) * dim), at);
  });
}
