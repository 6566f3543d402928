import { type NDArray, ndarray } from '@brownian/graph';
import type { Workload } from '../../workload.ts';
import { type Kind, type Ops, square } from './ops.ts';

export type Given = ReadonlyMap<string, NDArray>;
export type Settings = Workload['settings'];

/** A workload in another library: `step` is timed, `check` repeats the step that was recorded. */
export interface Twin {
  step(): Promise<void>;
  check(draws: readonly NDArray[]): Promise<Record<string, NDArray>>;
}

/** A library lacks what a workload needs; the message says what in few words. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError';
}

/** The arrays under a path by the rest of their paths, sorted so that layers are in order. */
export function under(given: Given, prefix: string): Map<string, NDArray> {
  const inside = [...given].filter(([name]) => name.startsWith(`${prefix}.`));
  const named = inside.map(([name, value]): [string, NDArray] => [name.slice(prefix.length + 1), value]);
  return new Map(named.toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })));
}

/** A setting that is one number. */
export function number(settings: Settings, name: string): number {
  return settings[name] as number;
}

/** An array that is given. */
export function array(given: Given, name: string): NDArray {
  const found = given.get(name);
  if (found === undefined) throw new RangeError(`The workload has no array "${name}".`);
  return found;
}

/** How a parameter is kept: filters have four axes, weights of features three. */
export function kindOf({ shape }: NDArray): Kind {
  return shape.length === 4 ? 'filter' : shape.length === 3 ? 'image' : 'plain';
}

/** A parameter in the library. An image-like weight broadcasts over the batch. */
export function parameter<T>(ops: Ops<T>, value: NDArray): T {
  return value.shape.length === 3
    ? ops.input({ ...value, shape: [1, ...value.shape] }, 'image')
    : ops.input(value, kindOf(value));
}

/** Named parameters as a list, and back. */
export interface Names {
  readonly list: readonly string[];
  get<T>(values: readonly T[], name: string): T;
  has(name: string): boolean;
}

export function namesOf(params: ReadonlyMap<string, NDArray>): Names {
  const list = [...params.keys()];
  return {
    list,
    get: <T>(values: readonly T[], name: string) => values[list.indexOf(name)] as T,
    has: (name) => params.has(name),
  };
}

/** `count` slices of a list, of the given lengths. */
export function split<T>(list: readonly T[], lengths: readonly number[]): T[][] {
  let at = 0;
  return lengths.map((length) => list.slice(at, (at += length)));
}

const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Adam on lists of arrays. `corrections`: 1 − β₁ᵗ and 1 − β₂ᵗ, scalars. */
export function adam<T>(
  ops: Ops<T>,
  { params, gradients, means, squares }: Readonly<Record<'params' | 'gradients' | 'means' | 'squares', readonly T[]>>,
  corrections: readonly [T, T],
  { rate, beta1 }: { readonly rate: number; readonly beta1: number },
): { params: T[]; means: T[]; squares: T[] } {
  const average = (old: T, value: T, decay: number): T => ops.add(ops.mul(old, decay), ops.mul(value, 1 - decay));
  const nextMeans = means.map((m, i) => average(m, gradients[i] as T, beta1));
  const nextSquares = squares.map((v, i) => average(v, square(ops, gradients[i] as T), BETA2));
  const next = params.map((p, i) => {
    const size = ops.add(ops.sqrt(ops.div(nextSquares[i] as T, corrections[1])), EPSILON);
    return ops.sub(p, ops.mul(ops.div(ops.div(nextMeans[i] as T, corrections[0]), size), rate));
  });
  return { params: next, means: nextMeans, squares: nextSquares };
}

/** The two corrections of Adam's step `t` ≥ 1. */
export function biasCorrections<T>(ops: Ops<T>, t: number, beta1: number): [T, T] {
  return [ops.input(ndarray(1 - beta1 ** t, [])), ops.input(ndarray(1 - BETA2 ** t, []))];
}

function zerosLike({ shape }: NDArray): NDArray {
  return { dtype: 'float32', shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) };
}

/** A loss descended with Adam. */
export interface Training<T> {
  readonly params: ReadonlyMap<string, NDArray>;
  readonly loss: (params: readonly T[], batch: readonly T[]) => T;
  /** Arrays of a step, in the library; those of `fresh` are disposed of after it. */
  readonly batch: () => { readonly held: readonly T[]; readonly fresh: readonly T[] };
  readonly first: () => readonly T[];
  readonly settings: Settings;
}

/** A training step with its state, and the gradients and changes of the first one. */
export function trainingTwin<T>(ops: Ops<T>, { params: start, loss, batch, first, settings }: Training<T>): Twin {
  const names = [...start.keys()];
  const count = names.length;
  const options = { rate: number(settings, 'rate'), beta1: number(settings, 'beta1') };
  const step = ops.compile((all) => {
    const [params, means, squares, [c1, c2], given] = split(all, [
      count,
      count,
      count,
      2,
      all.length - 3 * count - 2,
    ]) as [T[], T[], T[], [T, T], T[]];
    const [value, gradients] = ops.valueAndGrad((at) => loss(at, given))(params);
    const next = adam(ops, { params, gradients, means, squares }, [c1, c2], options);
    return [value, ...next.params, ...next.means, ...next.squares];
  });
  const zeros = (): T[] => [...start.values()].map((value) => parameter(ops, zerosLike(value)));
  let state: readonly T[] = [...[...start.values()].map((value) => parameter(ops, value)), ...zeros(), ...zeros()];
  let t = 0;
  const advance = async (given: readonly T[]): Promise<NDArray> => {
    const scalars = biasCorrections(ops, ++t, options.beta1);
    const [value, ...next] = step([...state, ...scalars, ...given]) as [T, ...T[]];
    ops.dispose([...state, ...scalars]);
    state = next;
    return ops.output(value);
  };
  return {
    step: async () => {
      const { held, fresh } = batch();
      await advance([...held, ...fresh]);
      ops.dispose(fresh);
    },
    check: async () => {
      const results: Record<string, NDArray> = { loss: await advance(first()) };
      for (const [i, name] of names.entries()) {
        const before = start.get(name) as NDArray;
        const [after, mean] = [
          await ops.output(state[i] as T, kindOf(before)),
          await ops.output(state[count + i] as T, kindOf(before)),
        ];
        const from = before.data as Float32Array;
        results[`change.${name}`] = {
          ...after,
          data: (after.data as Float32Array).map((v, k) => v - (from[k] as number)),
        };
        results[`gradients.${name}`] = {
          ...mean,
          data: (mean.data as Float32Array).map((v) => v / (1 - options.beta1)),
        };
      }
      return results;
    },
  };
}
