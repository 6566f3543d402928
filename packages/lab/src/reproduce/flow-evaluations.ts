import type { Runtime } from '@brownian/runtime';
import { type VariationalState, createVariationalLearner } from 'brownian';
import { inFamily } from '../config/run-config.ts';
import type { ModelAt } from './training.ts';

/** What a variational model's flow takes to draw samples: evaluations of ∇Φ; null for other models. */
export async function flowEvaluations(
  runtime: Runtime,
  { config, state, stream }: ModelAt,
  itemShape: readonly number[],
  n: number,
): Promise<number | null> {
  if (!inFamily(config, 'variational')) return null;
  const learner = createVariationalLearner(runtime, config.model, config, itemShape);
  try {
    const prior = learner.latent.draw(n, stream.split('evaluations'));
    return (await learner.flow(state as VariationalState, prior)).evaluations;
  } finally {
    await learner.dispose();
  }
}
