import type { Tensor } from '@brownian/graph';
import type { Values } from './storage.ts';

/** How often each node is read: once per operand position, and once per place among the outputs. */
export function countUses(order: readonly Tensor[], outputs: readonly Tensor[]): Map<Tensor, number> {
  const uses = new Map<Tensor, number>();
  const count = (node: Tensor): void => void uses.set(node, (uses.get(node) ?? 0) + 1);
  order.forEach((node) => node.inputs.forEach(count));
  outputs.forEach(count);
  return uses;
}

/** Holds the values of a run until each has been used as often as it is needed. */
export class ValueStore {
  readonly #left: Map<Tensor, number>;
  readonly #values = new Map<Tensor, Values>();

  constructor(uses: ReadonlyMap<Tensor, number>) {
    this.#left = new Map(uses);
  }

  /** How many nodes have values in the store. */
  get size(): number {
    return this.#values.size;
  }

  /** Keeps the values of a node, unless nothing reads them. */
  put(node: Tensor, values: Values): void {
    if (this.#left.has(node)) this.#values.set(node, values);
  }

  /** The values of a node, dropped from the store at their last use. */
  use(node: Tensor): Values {
    const values = this.#values.get(node) as Values;
    const left = (this.#left.get(node) as number) - 1;
    this.#left.set(node, left);
    if (left === 0) this.#values.delete(node);
    return values;
  }
}
