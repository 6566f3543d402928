import type { NDArray } from './types.ts';

/** Plain nested objects and arrays with leaves of type `T`: how parameters, states and batches are passed around. */
export type Tree<T> = T | readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

/** The structure of a tree with its leaves taken out. */
export type TreeShape =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'list'; readonly items: readonly TreeShape[] }
  | { readonly kind: 'record'; readonly keys: readonly string[]; readonly items: readonly TreeShape[] };

/** `T` with every leaf of type `From` replaced by `To`. */
export type MapLeaves<T, From, To> = [Tree<From>] extends [T]
  ? Tree<To>
  : T extends From
    ? To
    : { [K in keyof T]: MapLeaves<T[K], From, To> };

/** What `{ … }` makes, as opposed to an instance of a class: a Map or a promise has no keys and would vanish. */
function isPlainRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A leaf is whatever has a `shape` and a `dtype`: a symbolic `Tensor` or a concrete `NDArray`. */
function isLeaf(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'shape' in value && 'dtype' in value;
}

/**
 * The leaves of a tree in a fixed order (records by sorted key) and its structure. Undefined fields are left out.
 *
 * @throws TypeError when something other than a leaf, list or plain record is met; the message says where.
 */
export function flatten<T>(tree: unknown): { leaves: T[]; paths: string[]; structure: TreeShape } {
  const leaves: T[] = [];
  const paths: string[] = [];
  const visit = (value: unknown, path: string): TreeShape => {
    if (isLeaf(value)) {
      leaves.push(value as T);
      paths.push(path);
      return { kind: 'leaf' };
    }
    const inside = (key: string | number): string => (path === '' ? String(key) : `${path}.${key}`);
    if (Array.isArray(value)) return { kind: 'list', items: value.map((item, i) => visit(item, inside(i))) };
    if (isPlainRecord(value)) {
      const keys = Object.keys(value)
        .filter((key) => value[key] !== undefined)
        .toSorted();
      return { kind: 'record', keys, items: keys.map((key) => visit(value[key], inside(key))) };
    }
    throw new TypeError(
      `A tree holds tensors, lists and plain objects; found ${describe(value)} at "${path || '(root)'}".`,
    );
  };
  const structure = visit(tree, '');
  return { leaves, paths, structure };
}

function describe(value: unknown): string {
  if (ArrayBuffer.isView(value)) return `a bare ${value.constructor.name} (wrap it with ndarray(data, shape))`;
  if (value instanceof Promise) return 'a promise (await it first)';
  if (typeof value === 'object' && value !== null) return `an instance of ${value.constructor.name}`;
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean')
    return `the ${typeof value} ${value}`;
  return value === null ? 'null' : typeof value;
}

/** The inverse of {@link flatten}. */
export function unflatten<R>(structure: TreeShape, leaves: readonly unknown[]): R {
  let next = 0;
  const build = (shape: TreeShape): unknown => {
    if (shape.kind === 'leaf') {
      if (next >= leaves.length) throw new RangeError(`This structure has more than ${leaves.length} leaves.`);
      return leaves[next++];
    }
    if (shape.kind === 'list') return shape.items.map(build);
    return Object.fromEntries(shape.keys.map((key, i) => [key, build(shape.items[i] as TreeShape)]));
  };
  const tree = build(structure);
  if (next !== leaves.length) throw new RangeError(`This structure has ${next} leaves, ${leaves.length} were given.`);
  return tree as R;
}

/** Applies `f` to every leaf; further trees must have the same structure and give `f` its further arguments. */
export function mapTree<A, B, R = unknown>(f: (leaf: A, ...rest: A[]) => B, tree: unknown, ...rest: unknown[]): R {
  const first = flatten<A>(tree);
  const others = rest.map((other) => {
    const flat = flatten<A>(other);
    const want = JSON.stringify(first.structure);
    if (JSON.stringify(flat.structure) !== want) {
      throw new TypeError(
        `Trees differ in structure: leaves [${first.paths.join(', ')}] and [${flat.paths.join(', ')}].`,
      );
    }
    return flat.leaves;
  });
  return unflatten<R>(
    first.structure,
    first.leaves.map((leaf, i) => f(leaf, ...others.map((o) => o[i] as A))),
  );
}

/** The number of values in all arrays of a tree. */
export function countValues(tree: unknown): number {
  return flatten<NDArray>(tree).leaves.reduce((sum, leaf) => sum + leaf.shape.reduce((a, b) => a * b, 1), 0);
}
