import { type NDArray, type Tensor, type Tree, mapTree } from '@brownian/graph';
import type { Params, SymbolicParams } from '../interfaces.ts';

/** State of a transform, inside and outside of a traced function. */
export type TransformState = Tree<NDArray>;
export type SymbolicState = Tree<Tensor>;

/**
 * A step in the making of an update: takes gradients (or what an earlier transform made of them) and its state, gives an
 * update and its next state. Traced into the same graph as the gradients.
 */
export interface Transform {
  init(params: Params): TransformState;
  update(updates: SymbolicParams, state: SymbolicState, params: SymbolicParams): [SymbolicParams, SymbolicState];
}

/** Transforms one after another; the state is the list of theirs. */
export function chainTransforms(...transforms: readonly Transform[]): Transform {
  return {
    init: (params) => transforms.map((transform) => transform.init(params)),
    update: (updates, state, params) => {
      const states = state as readonly SymbolicState[];
      const next: SymbolicState[] = [];
      let current = updates;
      transforms.forEach((transform, i) => {
        const [updated, after] = transform.update(current, states[i] as SymbolicState, params);
        current = updated;
        next.push(after);
      });
      return [current, next];
    },
  };
}

/** A transform without state that maps every tensor. */
export function stateless(f: (updates: SymbolicParams, params: SymbolicParams) => SymbolicParams): Transform {
  return { init: () => [], update: (updates, state, params) => [f(updates, params), state] };
}

/** Parameters plus updates. */
export function applyUpdates(params: SymbolicParams, updates: SymbolicParams): SymbolicParams {
  return mapTree<Tensor, Tensor, SymbolicParams>((p, u) => p.add(u), params, updates);
}
