import { type NDArray, type Tree, type TreeShape, flatten, mapTree, unflatten } from '@brownian/graph';
import { expect } from 'vitest';

/** The arrays of a tree by their dotted paths. */
export function arraysOf(tree: unknown): ReadonlyMap<string, NDArray> {
  const { leaves, paths } = flatten<NDArray>(tree);
  return new Map(paths.map((path, i) => [path, leaves[i] as NDArray]));
}

/** Shape and dtype of every array of a tree, by path: what two states of one learner have in common. */
export function typesOf(tree: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...arraysOf(tree)].map(([path, { dtype, shape }]) => [path, `${dtype}[${shape.join(', ')}]`]),
  );
}

/** A tree that shares nothing with the one given, made as a checkpoint is: taken apart, stored, put together. */
export function stored<T>(tree: T): T {
  const { leaves, structure } = flatten<NDArray>(tree);
  const copies = leaves.map(({ dtype, shape, data }): NDArray => ({ dtype, shape: [...shape], data: data.slice() }));
  return unflatten<T>(JSON.parse(JSON.stringify(structure)) as TreeShape, copies);
}

function bytesOf({ data }: NDArray): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** The paths at which two trees differ in type or in a single bit. */
export function differences(a: unknown, b: unknown): string[] {
  const [left, right] = [arraysOf(a), arraysOf(b)];
  const paths = new Set([...left.keys(), ...right.keys()]);
  return [...paths].filter((path) => {
    const [x, y] = [left.get(path), right.get(path)];
    if (x === undefined || y === undefined) return true;
    return x.dtype !== y.dtype || x.shape.join() !== y.shape.join() || !bytesOf(x).equals(bytesOf(y));
  });
}

/** Equality of trees to the last bit. */
export function expectSameBits(actual: unknown, expected: unknown): void {
  expect(differences(actual, expected)).toEqual([]);
}

/** The paths of arrays that hold a NaN or an infinity. */
export function nonFinite(tree: unknown): string[] {
  return [...arraysOf(tree)]
    .filter(([, { data }]) => !Array.from<number | bigint>(data).every((v) => Number.isFinite(Number(v))))
    .map(([path]) => path);
}

/** The same values in float64 storage, so that the interpreter reads them, and differences of them, unrounded. */
export function widened<T extends Tree<NDArray>>(tree: T): T {
  return mapTree<NDArray, NDArray, T>(
    ({ dtype, shape, data }) => ({ dtype, shape, data: Float64Array.from(data as Float32Array) }),
    tree,
  );
}

/** The values of an array as plain numbers. */
export function numbersOf(array: NDArray): number[] {
  return Array.from<number | bigint, number>(array.data, Number);
}
