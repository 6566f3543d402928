import { readFileSync, writeFileSync } from 'node:fs';
import { type NDArray, flatten, float32Data } from '@brownian/graph';

/** Where an array lies in the file: its shape and its first value's index. All values are float32. */
interface Entry {
  readonly shape: readonly number[];
  readonly at: number;
}

/** Writes the arrays of a tree under their paths, for a peer: one line of JSON, then float32 values. */
export function writeArrays(path: string, tree: unknown): void {
  const { leaves, paths } = flatten<NDArray>(tree);
  const entries: Record<string, Entry> = {};
  let at = 0;
  leaves.forEach((leaf, i) => {
    entries[paths[i] as string] = { shape: leaf.shape, at };
    at += leaf.data.length;
  });
  const values = new Float32Array(at);
  leaves.forEach((leaf, i) => values.set(float32Data(leaf), (entries[paths[i] as string] as Entry).at));
  writeFileSync(path, Buffer.concat([Buffer.from(`${JSON.stringify(entries)}\n`), new Uint8Array(values.buffer)]));
}

/** Reads what {@link writeArrays}, or a peer in the same form, has written. */
export function readArrays(path: string): Map<string, NDArray> {
  const bytes = readFileSync(path);
  const end = bytes.indexOf(10);
  const entries = JSON.parse(bytes.subarray(0, end).toString()) as Record<string, Entry>;
  const values = new Float32Array(new Uint8Array(bytes.subarray(end + 1)).buffer);
  return new Map(
    Object.entries(entries).map(([name, { shape, at }]) => {
      const size = shape.reduce((a, b) => a * b, 1);
      return [name, { dtype: 'float32', shape, data: values.slice(at, at + size) }];
    }),
  );
}
