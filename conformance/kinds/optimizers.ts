import { type NDArray, type Tensor, grad, ndarray } from '@brownian/graph';
import { type SymbolicState, type Transform, type TransformState, adam, applyUpdates, lamb, sgd } from 'brownian';
import { type Conform, type Reference, ReferenceError, inputOf } from '../reference.ts';
import { runtime } from '../runtime.ts';
import { number, optional, readSpec, requireKnownInputs } from '../spec.ts';

/** The optimizers by name. β₁ of Adam is .5 where a file does not say otherwise, as generators take it; that of LAMB is .9. */
function optimizersOf(reference: Reference): Readonly<Record<string, Transform>> {
  const { learningRate, momentum, beta1, beta2, epsilon } = readSpec(reference, {
    learningRate: optional(number, 0.05),
    momentum: optional(number, 0.9),
    beta1: optional(number, undefined),
    beta2: optional(number, 0.999),
    epsilon: optional(number, undefined),
  });
  const options = { beta2, ...(epsilon !== undefined && { epsilon }) };
  return {
    adam: adam(learningRate, { ...options, beta1: beta1 ?? 0.5 }),
    sgd: sgd(learningRate, { momentum }),
    lamb: lamb(learningRate, { ...options, beta1: beta1 ?? 0.9 }),
  };
}

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
  const optimizers = optimizersOf(reference);
  requireKnownInputs(reference, ['q0', 'target', 'c']);
  const results: Record<string, NDArray> = {};
  for (const [name, expected] of Object.entries(reference.expected)) {
    const optimizer = optimizers[name];
    const [steps] = expected.shape;
    if (optimizer === undefined)
      throw new ReferenceError(`expected.${name} is not known; known are ${Object.keys(optimizers).join(', ')}.`);
    if (steps === undefined) throw new ReferenceError(`expected.${name} must have a row for each step.`);
    results[name] = await visit(optimizer, reference, steps);
  }
  return results;
};
