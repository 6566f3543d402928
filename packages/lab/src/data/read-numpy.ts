import { DataError, type NpyData, type NpyHeader, npyValues, parseNpy, parseNpyHeader } from 'brownian';
import { UserError } from '../errors.ts';
import { labelValues, labelsOfArray } from './array-labels.ts';
import { type Block, readWhole } from './block.ts';
import type { ArraySource, ImageSource, PixelSource, ReadRequest, Split } from './source.ts';
import type { FileTree, TreeFile } from './tree.ts';

/** Bytes that are read to find a header in. */
const HEADER_BYTES = 1 << 16;

/** Whether a block begins as an `.npy` file does. */
export async function isNpy(block: Block): Promise<boolean> {
  return block.size >= 6 && Buffer.from(await block.read(0, 6)).toString('latin1') === '\u0093NUMPY';
}

/** Whether an archive is what NumPy's savez writes: `.npy` files and nothing else. */
export function isNpz(tree: FileTree): boolean {
  return tree.files.length > 0 && tree.files.every(({ path }) => path.endsWith('.npy'));
}

/** How the axes of an array of images lie: which of them is the channels. */
interface Axes {
  readonly n: number;
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly last: boolean;
}

function axesOf(shape: readonly number[], source: string): Axes {
  const [n = 0, a = 0, b = 0, c = 0] = shape;
  const colors = (count: number): boolean => count === 1 || count === 3;
  if (shape.every((axis) => axis > 0)) {
    if (shape.length === 3) return { n, shape: [1, a, b], last: false };
    if (shape.length === 4 && colors(a)) return { n, shape: [a, b, c], last: false };
    if (shape.length === 4 && colors(c)) return { n, shape: [c, a, b], last: true };
  }
  throw new DataError(
    `${source}: the shape is (${shape.join(', ')}), expected (n, height, width), (n, 1 or 3, height, width) or (n, height, width, 1 or 3).`,
  );
}

function channelsFirst<T extends Uint8Array | Float32Array>(values: T, { shape: [channels] }: Axes): T {
  const area = values.length / channels;
  return values.map((_, i) => values[(i % area) * channels + Math.floor(i / area)] as number) as T;
}

/** One image as the data set wants it. */
function imageOf(data: NpyData, axes: Axes, source: string): Uint8Array | Float32Array {
  let values: Uint8Array | Float32Array;
  if (data instanceof Uint8Array || data instanceof Float32Array) values = data;
  else if (data instanceof Float64Array) values = Float32Array.from(data);
  else
    throw new DataError(
      `${source}: the values are ${data.constructor.name.replace('Array', '').toLowerCase()}, images are uint8, float32 or float64.`,
    );
  return axes.last ? channelsFirst(values, axes) : values;
}

/** An array in memory as images. */
function arrayOfImages(
  { shape, data }: { readonly shape: readonly number[]; readonly data: NpyData },
  source: string,
): ArraySource['images'] {
  const axes = axesOf(shape, source);
  const first = imageOf(data, { ...axes, last: false }, source);
  if (axes.last) {
    const stride = first.length / axes.n;
    for (let i = 0; i < axes.n; i++) {
      const image = first.subarray(i * stride, (i + 1) * stride);
      image.set(channelsFirst(image.slice(), axes));
    }
  }
  return { shape: [axes.n, ...axes.shape], data: first };
}

/** Images that are read from the file one by one. */
function pixelSource(block: Block, header: NpyHeader, name: string): PixelSource {
  const axes = axesOf(header.shape, block.name);
  const stride = axes.shape.reduce((a, b) => a * b, header.bytes);
  const where = (i: number): string => `${block.name}: image ${i}`;
  return {
    kind: 'items',
    name,
    size: axes.n,
    pixels: axes.shape,
    grouped: false,
    where,
    async read(i) {
      const bytes = await block.read(header.start + i * stride, stride);
      return imageOf(npyValues(header.type, bytes), axes, where(i));
    },
  };
}

/** An `.npy` file of images; one that is larger than memory is read in place. It is a training part. */
export async function readNpyFile(block: Block, request: ReadRequest): Promise<ImageSource | null> {
  if (request.split === 'test') return null;
  const beginning = await block.read(0, Math.min(HEADER_BYTES, block.size));
  const header = parseNpyHeader(beginning, block.size, block.name);
  const { n } = axesOf(header.shape, block.name);
  const found = await labelsOfArray(request, n);
  if (block.size > request.memory) return { ...pixelSource(block, header, request.name), ...found };
  const images = arrayOfImages(parseNpy(await block.read(0, block.size), block.name), block.name);
  return { kind: 'array', name: request.name, images, grouped: false, ...found };
}

/** Names that arrays of images and labels go by, `_part` standing for `_train` or `_test`. */
const IMAGE_ARRAYS = ['part_images', 'images_part', 'x_part', 'X_part'];
const LABEL_ARRAYS = ['part_labels', 'labels_part', 'y_part', 'Y_part'];
const WHOLE_IMAGES = ['images', 'x', 'X', 'data', 'arr_0', 'samples'];
const WHOLE_LABELS = ['labels', 'y', 'Y', 'arr_1'];

function find(
  tree: FileTree,
  patterns: readonly string[],
  whole: readonly string[],
  split: Split,
): TreeFile | undefined {
  const wanted = patterns.map((pattern) => pattern.replace('part', split));
  const names = split === 'train' ? [...wanted, ...whole] : wanted;
  return names.map((name) => tree.files.find(({ path }) => path === `${name}.npy`)).find((file) => file !== undefined);
}

/**
 * An `.npz` file: an array of images (`images`, `x`, `arr_0`, `x_train`, `train_images`, …) and perhaps labels (`labels`, `y`,
 * `y_train`, …).
 *
 * @returns null when the part asked for is not there
 */
export async function readNpz(tree: FileTree, request: ReadRequest): Promise<ArraySource | null> {
  const open = async (file: TreeFile): Promise<ReturnType<typeof parseNpy>> =>
    parseNpy(await readWhole(await file.block(), request.memory), tree.place(file.path));
  const imageFile = find(tree, IMAGE_ARRAYS, WHOLE_IMAGES, request.split);
  if (imageFile === undefined) {
    if (request.split === 'test') return null;
    const names = tree.files.map(({ path }) => path.replace(/\.npy$/, '')).join(', ');
    throw new UserError(
      `${tree.path} has the arrays ${names.slice(0, 200)}; call the images "images" (or x, x_train, train_images) and the labels "labels".`,
    );
  }
  const images = arrayOfImages(await open(imageFile), tree.place(imageFile.path));
  const facts = { kind: 'array', name: request.name, images, grouped: false } as const;
  const labelFile = find(tree, LABEL_ARRAYS, WHOLE_LABELS, request.split);
  if (request.labels !== null || labelFile === undefined)
    return { ...facts, ...(await labelsOfArray(request, images.shape[0] as number)) };
  const { shape, data } = await open(labelFile);
  return { ...facts, labels: labelValues(shape, data, tree.place(labelFile.path)) };
}
