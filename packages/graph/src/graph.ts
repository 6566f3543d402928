import type { Tensor } from './tensor.ts';

/** A traced function: what the passes rewrite and the backends run. Every node is reachable from the outputs. */
export interface Graph {
  readonly name: string;
  readonly inputs: readonly Tensor<'input'>[];
  readonly outputs: readonly Tensor[];
  /** One name per output, such as `params.w1`; errors and printed graphs use them. */
  readonly outputNames: readonly string[];
}

/** Every node that the outputs need, each after its inputs, in a deterministic order. Iterative: graphs are deep. */
export function topologicalOrder(outputs: readonly Tensor[]): Tensor[] {
  const order: Tensor[] = [];
  const state = new Map<Tensor, 'open' | 'done'>();
  const stack: Tensor[] = outputs.toReversed();
  while (stack.length > 0) {
    const node = stack[stack.length - 1] as Tensor;
    if (state.get(node) === 'done') {
      stack.pop();
    } else if (state.get(node) === 'open') {
      state.set(node, 'done');
      order.push(node);
      stack.pop();
    } else {
      state.set(node, 'open');
      for (let i = node.inputs.length - 1; i >= 0; i--) {
        const input = node.inputs[i] as Tensor;
        if (state.get(input) === undefined) stack.push(input);
      }
    }
  }
  return order;
}
