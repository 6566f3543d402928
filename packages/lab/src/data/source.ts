import type { ImageArray } from 'brownian';

/** The parts of a data set. */
export type Split = 'train' | 'test';

/** What a reader is asked for. */
export interface ReadRequest {
  /** What to call the data. */
  readonly name: string;
  readonly split: Split;
  /** Bytes that may be held in memory. */
  readonly memory: number;
  /** Milliseconds that a library may take over a file of no size before the file is taken for damaged. */
  readonly patience: number;
  /** A file that gives the labels; null looks for one, and for sub-folders. */
  readonly labels: string | null;
}

interface SourceFacts {
  readonly name: string;
  /** The class of each item, integers from 0. */
  readonly labels?: ArrayLike<number>;
  readonly classes?: readonly string[];
  /** Whether neighbours are alike, as in a folder of classes: the first items then do not stand for all. */
  readonly grouped: boolean;
}

/** Images that are in memory, decoded. */
export interface ArraySource extends SourceFacts {
  readonly kind: 'array';
  /** `[n, channels, height, width]`. */
  readonly images: ImageArray;
}

/** Images that are read one by one. */
export interface ItemSource extends SourceFacts {
  readonly kind: 'items';
  readonly size: number;
  /** Where item i is, for errors. */
  where(index: number): string;
}

/** Image files, such as JPEG, that are still to be decoded. */
export interface EncodedSource extends ItemSource {
  readonly pixels: null;
  /** The bytes of the file. */
  read(index: number): Promise<Uint8Array>;
}

/** Pixels that are read from a file as they are needed. */
export interface PixelSource extends ItemSource {
  /** `[channels, height, width]`. */
  readonly pixels: readonly number[];
  read(index: number): Promise<Uint8Array | Float32Array>;
}

/** Images as a reader found them, in an order that does not change. */
export type ImageSource = ArraySource | EncodedSource | PixelSource;

/** How many items a source has. */
export function sizeOfSource(source: ImageSource): number {
  return source.kind === 'array' ? (source.images.shape[0] ?? 0) : source.size;
}
