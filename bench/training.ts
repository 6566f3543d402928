import { type NDArray, type Tensor, type Tree, float32Data, flatten, valueAndGrad } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import {
  type AdamOptions,
  type Params,
  type SymbolicParams,
  type SymbolicState,
  type TransformState,
  adam,
  applyUpdates,
} from 'brownian';
import { type Case, type Checked, FLOAT32_TOLERANCE, SIGN_TOLERANCE } from './workload.ts';

/** A loss to be descended with Adam, and where it starts. */
export interface Training {
  readonly name: string;
  readonly params: Params;
  readonly loss: (params: SymbolicParams, batch: Tree<Tensor>) => Tensor;
  /** What a step is given besides parameters: data, fresh random draws, networks that are held. */
  readonly batch: () => Tree<NDArray>;
  readonly rate: number;
  readonly adam?: AdamOptions;
}

/** The change from one tree to another, under `name.path`. */
export function changes(name: string, before: unknown, after: unknown): Record<string, Checked> {
  const { leaves, paths } = flatten<NDArray>(after);
  const start = flatten<NDArray>(before).leaves;
  return Object.fromEntries(
    leaves.map((leaf, i) => {
      const from = float32Data(start[i] as NDArray);
      const value = { ...leaf, data: float32Data(leaf).map((v, k) => v - (from[k] as number)) };
      return [`${name}.${paths[i]}`, { value, tolerance: SIGN_TOLERANCE }];
    }),
  );
}

/** The arrays of a tree under `name.path`. */
export function checked(name: string, tree: unknown, tolerance: number = FLOAT32_TOLERANCE): Record<string, Checked> {
  const { leaves, paths } = flatten<NDArray>(tree);
  return Object.fromEntries(
    leaves.map((value, i) => [paths[i] === '' ? name : `${name}.${paths[i]}`, { value, tolerance }]),
  );
}

/** A training step compiled as one graph: loss, gradient, Adam. */
export function trainingCase(runtime: Runtime, { name, params, loss, batch, rate, adam: options }: Training): Case {
  const optimizer = adam(rate, options);
  const gradients = (at: SymbolicParams, given: Tree<Tensor>): [Tensor, SymbolicParams] =>
    valueAndGrad((p: SymbolicParams) => loss(p, given))(at);
  const step = runtime.compile(
    (at: SymbolicParams, state: SymbolicState, given: Tree<Tensor>) => {
      const [value, direction] = gradients(at, given);
      const [updates, next] = optimizer.update(direction, state, at);
      return { params: applyUpdates(at, updates), state: next, loss: value };
    },
    { name },
  );
  const derivative = runtime.compile(gradients, { name: `${name} gradient` });
  const initial = { params, state: optimizer.init(params) };
  let current: { readonly params: Params; readonly state: TransformState } = initial;
  const first = batch();
  return {
    given: { params, batch: first },
    step: async () => {
      current = await step(current.params, current.state, batch());
    },
    reset: () => (current = initial),
    check: async () => {
      const [value, direction] = await derivative(params, first);
      const after = await step(params, initial.state, first);
      const results = {
        ...checked('loss', value),
        ...checked('gradients', direction),
        ...changes('change', params, after.params),
      };
      return { draws: [], results };
    },
    dispose: async () => {
      await Promise.all([step.dispose(), derivative.dispose()]);
    },
  };
}
