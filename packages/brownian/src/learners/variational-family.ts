import type { Runtime } from '@brownian/runtime';
import { scalarPotential } from '../potentials/scalar.ts';
import type { ModelFamily, ModelPreset } from './family.ts';
import { buildOptimizer } from './optimizer.ts';
import { variationalLearner } from './variational.ts';
import type { VariationalLearner } from './variational-model.ts';
import { buildVariationalNet, potentialWith } from './variational-nets.ts';
import type { VariationalLearnerOptions } from './variational-options.ts';

/** The variational models. */
export type VariationalModelName = 'vapo';

const SHARED = {
  flow: { estimator: 'stein', penalty: 'double-backprop', poincare: 1e-4 },
  optimizer: {
    rule: 'adam',
    learningRate: 1e-2,
    momentum: 0.9,
    schedule: 'cosine',
    decayIterations: 2000,
    warmup: 0,
    gradientClip: null,
    weightClip: null,
    ema: 0.99,
  },
} as const;

/** Settings that fill the modes of mixtures on the plane in half a minute on one core (docs/results/vapo.md). */
const POINTS: VariationalLearnerOptions = {
  ...SHARED,
  potential: potentialWith('mlp', [2]),
  path: { priorStd: 1, dataStd: 0.03, epsilon: 1e-4 },
  sampling: { solver: 'dopri5', rtol: 1e-3, atol: 1e-3, tEnd: 1.25, stepSize: null, maxSteps: 500 },
  preview: { particles: 100, steps: 50 },
};

/** Images of up to 32 pixels learn with plain strided convolutions, larger ones with wide residual nets. */
function forImages(itemShape: readonly number[]): VariationalLearnerOptions {
  const [, height] = itemShape as readonly [number, number];
  return {
    ...SHARED,
    potential: potentialWith(height <= 32 ? 'conv' : 'wide-resnet', itemShape),
    path: { priorStd: 1, dataStd: 0.05, epsilon: 1e-4 },
    // Φ is of the size of 1000 here, so that a larger weight of its square would outweigh the rest.
    flow: { ...SHARED.flow, poincare: 1e-6 },
    optimizer: { ...SHARED.optimizer, learningRate: 2e-3, ema: 0.995 },
    sampling: { solver: 'dopri5', rtol: 1e-2, atol: 1e-2, tEnd: 1.25, stepSize: null, maxSteps: 500 },
    preview: { particles: 16, steps: 50 },
  };
}

const MODELS: Readonly<Record<VariationalModelName, ModelPreset<VariationalLearnerOptions>>> = {
  vapo: {
    title: 'VAPO',
    description: 'potential flow learned from a Poisson equation, no chains',
    defaults: (itemShape) => (itemShape.length === 3 ? forImages(itemShape) : POINTS),
  },
};

/**
 * A variational model, with its flow.
 *
 * @throws RangeError when the potential does not fit data of this shape
 */
export function createVariationalLearner(
  runtime: Runtime,
  model: VariationalModelName,
  options: VariationalLearnerOptions,
  itemShape: readonly number[],
): VariationalLearner {
  const { potential, path, flow, optimizer, sampling, preview } = options;
  return variationalLearner(runtime, {
    name: MODELS[model].title,
    itemShape,
    potential: scalarPotential(buildVariationalNet(potential, itemShape), itemShape, {
      clock: potential.clock,
      gain: potential.gain,
    }),
    poisson: {
      ...path,
      poincare: flow.poincare,
      estimator: flow.estimator,
      centring: 'datum',
      backprop: flow.penalty === 'directional' ? 'directional' : 'double',
      clock: potential.clock,
    },
    optimizer: buildOptimizer(optimizer),
    ema: optimizer.ema,
    sampling,
    preview,
  });
}

/** Models whose potential learns by a Poisson equation and whose samples flow along it. */
export const VARIATIONAL: ModelFamily<VariationalModelName, VariationalLearnerOptions> = {
  models: MODELS,
  create: (runtime, model, options, itemShape) => createVariationalLearner(runtime, model, options, itemShape),
};
