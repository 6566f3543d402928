import { type NDArray, type Tensor, grad, ndarray } from '@brownian/graph';
import { type SymbolicState, type Transform, type TransformState, adam, applyUpdates, lamb, sgd } from 'brownian';
import { type Conform, inputOf, type Reference } from '../reference.ts';
import { runtime } from '../runtime.ts';

const OPTIMIZERS: Readonly<Record<string, Transform>> = {
  adam: adam(0.05, { beta1: 0.5 }),
  sgd: sgd(0.05, { momentum: 0.9 }),
  lamb: lamb(0.05),
};

/** The points an optimizer visits on Σ c (q − target)², one row per step. */
async function visit(optimizer: Transform, reference: Reference, steps: number): Promise<NDArray> {
  const update = runtime().compile(
    (q: Tensor, state: SymbolicState, target: Tensor, c: Tensor) => {
      const gradient = grad((p: Tensor) => p.sub(target).square().mul(c).sum())(q);
      const [updates, next] = optimizer.update(gradient, state, q);
      return { q: applyUpdates(q, updates) as Tensor, state: next };
    },
    { name: 'optimizer reference' },
  );
  let q = inputOf(reference, 'q0');
  let state: TransformState = optimizer.init(q);
  const rows: number[] = [];
  for (let i = 0; i < steps; i++) {
    ({ q, state } = await update(q, state, inputOf(reference, 'target'), inputOf(reference, 'c')));
    rows.push(...Array.from(q.data as Float32Array));
  }
  return ndarray(rows, [steps, rows.length / steps]);
}

/** Adam, SGD with momentum and LAMB on a quadratic, step by step. */
export const conformOptimizers: Conform = async (reference) => {
  const results: Record<string, NDArray> = {};
  for (const [name, expected] of Object.entries(reference.expected)) {
    const optimizer = OPTIMIZERS[name];
    if (optimizer !== undefined) results[name] = await visit(optimizer, reference, expected.shape[0] as number);
  }
  return results;
};
