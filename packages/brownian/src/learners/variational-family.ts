import type { Runtime } from '@brownian/runtime';
import { ACTIVATIONS } from '../nets/activations.ts';
import { dense, flatten } from '../nets/layers.ts';
import { mlp } from '../nets/mlp.ts';
import { type Layer, chain } from '../nets/net.ts';
import { WIDE_RESNETS, type WideResNetOptions, wideResNet } from '../nets/wide-resnet.ts';
import { scalarPotential } from '../potentials/scalar.ts';
import type { ModelFamily, ModelPreset } from './family.ts';
import { buildOptimizer } from './optimizer.ts';
import { convolutions } from './potential.ts';
import { variationalLearner } from './variational.ts';
import type { VariationalLearner } from './variational-model.ts';
import type { VariationalLearnerOptions, VariationalNet, VariationalPotentialOptions } from './variational-options.ts';

/** The variational models. */
export type VariationalModelName = 'vapo';

interface NamedNet {
  readonly takes: 'images' | 'points';
  readonly layer: (options: VariationalPotentialOptions) => Layer;
}

const NETS: Readonly<Record<VariationalNet, NamedNet>> = {
  mlp: {
    takes: 'points',
    layer: ({ channels, activation }) => mlp({ widths: channels, output: [1], activation: ACTIVATIONS[activation] }),
  },
  conv: { takes: 'images', layer: (options) => chain(convolutions(options), flatten(), dense(1)) },
  'wide-resnet': {
    takes: 'images',
    layer: ({ channels, blocks, hidden }) => wideResNet({ widths: channels, blocks, hidden }),
  },
};

/** @throws RangeError when there is no such network, or items of this shape do not fit it */
function buildNet(options: VariationalPotentialOptions, itemShape: readonly number[]): Layer {
  const { net } = options;
  if (!Object.hasOwn(NETS, net))
    throw new RangeError(
      `potential.net "${net}" is not a network of vapo; it must be one of ${Object.keys(NETS).join(', ')}.`,
    );
  const { takes, layer } = NETS[net as VariationalNet];
  if (itemShape.length !== (takes === 'points' ? 1 : 3)) {
    const wants = takes === 'points' ? takes : 'images [channels, height, width]';
    throw new RangeError(`potential.net "${net}" takes ${wants}, these items have shape [${itemShape.join(', ')}].`);
  }
  return layer(options);
}

/** The wide residual net for images of this height: that of the next smaller size with settings of its own. */
function wideResNetFor(height: number): WideResNetOptions {
  if (height >= 64) return WIDE_RESNETS[64];
  return height >= 32 ? WIDE_RESNETS[32] : WIDE_RESNETS[28];
}

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
  potential: {
    net: 'mlp',
    channels: [128, 128, 128],
    kernels: [],
    blocks: 0,
    hidden: 0,
    activation: 'silu',
    gain: 1,
    clock: true,
  },
  path: { priorStd: 1, dataStd: 0.03, epsilon: 1e-4 },
  sampling: { solver: 'dopri5', rtol: 1e-3, atol: 1e-3, tEnd: 1.25, stepSize: null },
  preview: { particles: 100, steps: 50 },
};

/** Images of up to 32 pixels learn with plain strided convolutions, larger ones with wide residual nets. */
function forImages(itemShape: readonly number[]): VariationalLearnerOptions {
  const [, height] = itemShape as readonly [number, number];
  const wide = wideResNetFor(height);
  const small = height <= 32;
  return {
    ...SHARED,
    potential: {
      net: small ? 'conv' : 'wide-resnet',
      channels: small ? [32, 64, 128] : wide.widths,
      kernels: small ? [5, 4] : [],
      blocks: wide.blocks,
      hidden: small ? 256 : 0,
      activation: 'silu',
      gain: 100,
      clock: false,
    },
    path: { priorStd: 1, dataStd: 0.05, epsilon: 1e-4 },
    // Φ is of the size of 1000 here, so that a larger weight of its square would outweigh the rest.
    flow: { ...SHARED.flow, poincare: 1e-6 },
    optimizer: { ...SHARED.optimizer, learningRate: 2e-3, ema: 0.995 },
    sampling: { solver: 'dopri5', rtol: 1e-2, atol: 1e-2, tEnd: 1.25, stepSize: null },
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
    potential: scalarPotential(buildNet(potential, itemShape), itemShape, {
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
