import { createHash } from 'node:crypto';
import type { Dataset } from 'brownian';
import { spreadIndices } from './spread.ts';

/**
 * Names data by size and shape and by the bytes of some items and labels, spread over all of them.
 *
 * @param most how many items are looked at
 * @param atOnce how many of these are in memory at a time; another number gives another name
 * @param head what else the name stands for
 */
export async function fingerprint(
  data: Dataset,
  { most, atOnce, head = '' }: { readonly most: number; readonly atOnce: number; readonly head?: string },
): Promise<string> {
  const hash = createHash('sha256').update(`${head}${data.size} ${data.itemShape.join('x')}`);
  const chosen = spreadIndices(data.size, most);
  for (let from = 0; from < chosen.length; from += atOnce) {
    const { x, labels } = await data.batch(chosen.slice(from, from + atOnce));
    for (const array of [x, labels])
      if (array) hash.update(new Uint8Array(array.data.buffer, array.data.byteOffset, array.data.byteLength));
  }
  return hash.digest('hex').slice(0, 16);
}
