import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NDArray, type Tree, ndarray } from '@brownian/graph';
import { describe, expect, it } from 'vitest';
import { writeAtomically } from '../src/runs/atomic.ts';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from '../src/runs/checkpoint.ts';
import { decodeTensors, encodeTensors } from 'brownian';
import { temporaryFolder } from './support/files.ts';

const CHECKPOINT: Checkpoint = {
  iteration: 123,
  state: {
    params: [{ w: ndarray([1, 2], [2, 1]) }, {}, { w: ndarray([3]), b: ndarray(Float64Array.of(0.1), []) }],
    steps: ndarray(Int32Array.of(4)),
    done: ndarray(Uint8Array.of(1)),
    empty: [],
    big: ndarray(BigInt64Array.of(2n ** 62n)),
  },
  stream: { key: [4_294_967_295, 0], count: 2 ** 40 },
  seconds: { training: 1.25, total: 2.5 },
  watch: { 'loss.level': 0.1, 'loss.seen': 3 },
  rollbacks: 1,
  configHash: 'abc',
};

async function written(checkpoint: Checkpoint = CHECKPOINT): Promise<string> {
  const path = join(temporaryFolder(), 'x.safetensors');
  await writeCheckpoint(path, checkpoint);
  return path;
}

/** Writes the file anew with other metadata or other arrays. */
function alter(path: string, change: (header: Record<string, unknown>, tensors: Map<string, NDArray>) => void): void {
  const { tensors, metadata } = decodeTensors(readFileSync(path), path);
  const header = JSON.parse(metadata['checkpoint'] ?? '') as Record<string, unknown>;
  const arrays = new Map(tensors);
  change(header, arrays);
  const changed = encodeTensors({ tensors: arrays, metadata: { ...metadata, checkpoint: JSON.stringify(header) } });
  writeFileSync(path, Buffer.concat(changed));
}

describe('a checkpoint', () => {
  it('comes back as it was, without a template: structure, types, bits, position', async () => {
    expect(await readCheckpoint(await written())).toEqual(CHECKPOINT);
  });

  it('may be a single array', async () => {
    const single = { ...CHECKPOINT, state: ndarray([1, 2, 3]) as Tree<NDArray> };
    expect(await readCheckpoint(await written(single))).toEqual(single);
  });

  it('names arrays by their dotted paths, as other tools expect', async () => {
    const { tensors } = decodeTensors(readFileSync(await written()), 'x');
    expect([...tensors.keys()].toSorted()).toEqual(['big', 'done', 'params.0.w', 'params.2.b', 'params.2.w', 'steps']);
  });

  it('refuses a state in which two paths are the same', async () => {
    const state = { a: { b: ndarray([1]) }, 'a.b': ndarray([2]) };
    await expect(written({ ...CHECKPOINT, state })).rejects.toThrow(
      'Two leaves of the state have the same dotted path',
    );
  });

  it.each([
    [
      'lost an array',
      (_: unknown, tensors: Map<string, NDArray>): unknown => tensors.delete('steps'),
      'the array "steps" is missing',
    ],
    [
      'gained an array',
      (_: unknown, tensors: Map<string, NDArray>): unknown => tensors.set('x', ndarray([1])),
      'arrays that its structure does not name',
    ],
    [
      'lost its stream',
      (header: Record<string, unknown>): unknown => delete header['stream'],
      'its metadata has no valid "stream"',
    ],
    [
      'a negative iteration',
      (header: Record<string, unknown>): unknown => (header['iteration'] = -1),
      'its metadata has no valid "iteration"',
    ],
    [
      'a broken structure',
      (header: Record<string, unknown>): unknown => (header['structure'] = { kind: 'record', keys: ['a'], items: [] }),
      'no valid "structure"',
    ],
  ])('that has %s is refused', async (_name, change, message) => {
    const path = await written();
    alter(path, change);
    await expect(readCheckpoint(path)).rejects.toThrow(`${path} is a corrupt checkpoint: `);
    await expect(readCheckpoint(path)).rejects.toThrow(message);
  });

  it('is told from other safetensors files', async () => {
    const path = join(temporaryFolder(), 'x.safetensors');
    writeFileSync(path, Buffer.concat(encodeTensors({ tensors: new Map(), metadata: {} })));
    await expect(readCheckpoint(path)).rejects.toThrow('is no Brownian checkpoint: its format is not stated');
  });

  it.each([0, 4, 30, -1])('cut off at byte %i is refused', async (at) => {
    const path = await written();
    writeFileSync(path, readFileSync(path).subarray(0, at));
    await expect(readCheckpoint(path)).rejects.toThrow(`${path} is not a valid safetensors file`);
  });
});

describe('an atomic write', () => {
  it('leaves only the whole file', async () => {
    const folder = temporaryFolder();
    await writeAtomically(join(folder, 'a'), ['one ', new TextEncoder().encode('two')]);
    await writeAtomically(join(folder, 'a'), ['three']);
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('three');
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('that fails keeps the old file and leaves nothing behind', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a'), 'old');
    // A part of the wrong kind stands for whatever may go wrong halfway.
    const writing = writeAtomically(join(folder, 'a'), ['half', 7 as unknown as string]);
    await expect(writing).rejects.toThrow(`Cannot write ${join(folder, 'a')}`);
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['a']);
  });
});
