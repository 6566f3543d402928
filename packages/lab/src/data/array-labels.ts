import { type NpyData, DataError, parseIdx, parseNpy } from 'brownian';
import { fileBlock, readWhole } from './block.ts';
import { unwrapGzip } from './gzip.ts';
import { parseLabels } from './labels-file.ts';
import type { ReadRequest } from './source.ts';

const NPY_BEGINNING = '\u0093NUMPY';

/** Labels from the values of an array, which may be of any whole-number type. @throws DataError naming `source`. */
export function labelValues(shape: readonly number[], data: NpyData, source: string): number[] {
  const values = Array.from(data as Iterable<number | bigint>, Number);
  const flat = shape.length === 1 || (shape.length === 2 && shape[1] === 1);
  if (!flat)
    throw new DataError(`${source}: labels have the shape (${shape.join(', ')}), expected one for each image.`);
  return values;
}

/** The labels in the file that the request names (IDX, .npy, or a text of one per row), for `n` images that have no names. */
export async function labelsOfArray(
  { labels, memory }: ReadRequest,
  n: number,
): Promise<{ labels?: readonly number[]; classes?: readonly string[] }> {
  if (labels === null) return {};
  const block = await unwrapGzip(await fileBlock(labels), memory);
  const bytes = await readWhole(block, memory);
  if (bytes[0] === 0) {
    const { shape, data } = parseIdx(bytes, block.name);
    return { labels: labelValues(shape, data, block.name) };
  }
  if (Buffer.from(bytes.subarray(0, 6)).toString('latin1') === NPY_BEGINNING) {
    const { shape, data } = parseNpy(bytes, block.name);
    return { labels: labelValues(shape, data, block.name) };
  }
  const unnamed = Array.from({ length: n }, (_, i) => String(i));
  return parseLabels(new TextDecoder().decode(bytes), unnamed, block.name);
}
