import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { UserError } from '../errors.ts';
import { type Block, chunksOf, createSpool } from './block.ts';

/** Whether a block begins as a gzip file does. */
export async function isGzip(block: Block): Promise<boolean> {
  if (block.size < 2) return false;
  const [first, second] = await block.read(0, 2);
  return first === 0x1f && second === 0x8b;
}

/**
 * Decompresses a gzip file, so that it can be read in any order.
 *
 * @param memory bytes that may be in memory; what is longer goes to a temporary file, which is gone when the process ends
 * @throws UserError when it is damaged, or when there is no room for it
 */
export async function gunzipBlock(block: Block, memory: number): Promise<Block> {
  const spool = createSpool(block.name, memory);
  try {
    await pipeline(chunksOf(block), createGunzip(), async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const chunk of chunks) await spool.append(chunk);
    });
  } catch (error) {
    if (error instanceof UserError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${block.name} is not a whole gzip file (${reason}).`, { cause: error });
  }
  return await spool.finish();
}

/** The block itself, or what is in it when it is gzip. */
export async function unwrapGzip(block: Block, memory: number): Promise<Block> {
  return (await isGzip(block)) ? await gunzipBlock(block, memory) : block;
}
