import type { Graph } from './graph.ts';
import { Tensor, placeholder } from './tensor.ts';
import { type TreeShape, flatten, mapTree } from './tree.ts';
import type { TensorType } from './types.ts';

/** A traced function and the structure of its result. */
export interface Traced {
  readonly graph: Graph;
  readonly result: TreeShape;
}

/**
 * Runs `fn` once on placeholders shaped like `args` and records what it builds.
 *
 * @param name names the graph in errors and when printed
 * @param args one tree per argument; leaves need `dtype` and `shape` only
 * @throws TypeError when the result holds something other than tensors
 */
export function trace(name: string, fn: (...args: never[]) => unknown, args: readonly unknown[]): Traced {
  const inputs: Tensor<'input'>[] = [];
  const symbolic = args.map((arg, i) => {
    const { paths } = flatten<TensorType>(arg);
    let leaf = 0;
    return mapTree<TensorType, Tensor>((type) => {
      const path = paths[leaf++] as string;
      const input = placeholder(path === '' ? `arg${i}` : `arg${i}.${path}`, type);
      inputs.push(input);
      return input;
    }, arg);
  });
  const { leaves, paths, structure } = flatten<Tensor>(fn(...(symbolic as never[])));
  leaves.forEach((leaf, i) => {
    if (!(leaf instanceof Tensor))
      throw new TypeError(`${name}: the result at "${paths[i]}" is a concrete array; wrap it with constant().`);
  });
  const outputNames = paths.map((path) => (path === '' ? 'result' : path));
  return { graph: { name, inputs, outputs: leaves, outputNames }, result: structure };
}
