import { DataError } from './errors.ts';
import type { ByteArray } from './idx.ts';

/** Images and labels of a CIFAR file. */
export interface CifarRecords {
  /** `[n, 3, 32, 32]`: red, green, blue. */
  readonly images: ByteArray;
  /** The class of each image; of CIFAR-100 the fine one, 0..99. */
  readonly labels: Uint8Array;
  /** Of CIFAR-100 the superclass of each image, 0..19. */
  readonly coarse?: Uint8Array;
}

/** Which of the two sets a file belongs to: their records differ by one byte. */
export type CifarVariant = 'cifar-10' | 'cifar-100';

const PIXELS = 3 * 32 * 32;
/** How many classes each label byte of a record tells apart, in their order. */
const LABELS: Readonly<Record<CifarVariant, readonly number[]>> = { 'cifar-10': [10], 'cifar-100': [20, 100] };

/** Bytes of one record. */
function recordBytes(variant: CifarVariant): number {
  return LABELS[variant].length + PIXELS;
}

/** Whether bytes can be records of a variant: their number, and the first label. */
function fits(bytes: Uint8Array, variant: CifarVariant): boolean {
  const classes = LABELS[variant];
  return bytes.length % recordBytes(variant) === 0 && classes.every((count, i) => (bytes[i] as number) < count);
}

/**
 * Which variant the records of a file are, by its length and first labels.
 *
 * @throws DataError when it is neither
 */
export function cifarVariant(bytes: Uint8Array, source: string): CifarVariant {
  const found = bytes.length === 0 ? undefined : (['cifar-10', 'cifar-100'] as const).find((v) => fits(bytes, v));
  if (found !== undefined) return found;
  throw new DataError(
    `${source}: ${bytes.length} bytes that begin with ${bytes[0] ?? 'nothing'} are no CIFAR records; expected a multiple of ` +
      `${recordBytes('cifar-10')} bytes (CIFAR-10) or ${recordBytes('cifar-100')} (CIFAR-100), each beginning with its class.`,
  );
}

/**
 * Reads the binary form of CIFAR-10 (a label byte and 3,072 pixel bytes per image) or CIFAR-100 (a coarse and a fine label
 * byte, and as many pixel bytes). Pixels are all of red, then green, then blue, each row by row.
 *
 * @param bytes the whole file, not compressed
 * @param source what to call the file in errors, such as its path
 * @throws DataError when the file is not a whole number of records, has none, or a label is out of range
 *
 * Source: A. Krizhevsky, "The CIFAR-10 dataset", section "Binary version".
 */
export function parseCifar(bytes: Uint8Array, variant: CifarVariant, source: string): CifarRecords {
  const counts = LABELS[variant];
  const record = recordBytes(variant);
  const n = Math.floor(bytes.length / record);
  if (n === 0 || n * record !== bytes.length) {
    throw new DataError(
      `${source}: ${bytes.length} bytes are ${n} whole records of ${record} and ${bytes.length - n * record} more, ` +
        `expected a whole number of ${variant} records.`,
    );
  }
  const images = new Uint8Array(n * PIXELS);
  const labels = counts.map(() => new Uint8Array(n));
  for (let i = 0; i < n; i++) {
    const at = i * record;
    counts.forEach((count, k) => {
      const label = bytes[at + k] as number;
      if (label >= count) {
        throw new DataError(`${source}: byte ${at + k} gives image ${i} the label ${label}, expected 0..${count - 1}.`);
      }
      (labels[k] as Uint8Array)[i] = label;
    });
    images.set(bytes.subarray(at + counts.length, at + record), i * PIXELS);
  }
  const [first, second] = labels as [Uint8Array, Uint8Array?];
  const array = { shape: [n, 3, 32, 32], data: images };
  return second === undefined ? { images: array, labels: first } : { images: array, labels: second, coarse: first };
}
