import type { Runtime } from '@brownian/runtime';
import type { Flow } from '../flows/flow.ts';
import { jko } from '../flows/jko.ts';
import { kl } from '../flows/kl.ts';
import type { Learner, Potential } from '../interfaces.ts';
import { ACTIVATIONS } from '../nets/activations.ts';
import { gaborBank } from '../nets/gabor.ts';
import { conv, dense, flatten, pointwise } from '../nets/layers.ts';
import { type Layer, chain } from '../nets/net.ts';
import { descriptor } from '../potentials/descriptor.ts';
import { LANGEVIN_DEFAULTS, driftScale } from '../samplers/langevin.ts';
import { type DescriptiveState, descriptiveLearner } from './descriptive.ts';
import { buildOptimizer } from './optimizer.ts';
import type { BuiltInNet, DescriptorLearnerOptions, DescriptorOptions } from './options.ts';

/** The models by the names of the papers (generalised GCN, Table 1). */
export type ModelName = 'pgcn' | 'w-pgcn' | 'gcn' | 'wgcn';

/** A model of the table: the switches that are on, and its settings for data of a shape. */
export interface ModelPreset {
  readonly title: string;
  readonly description: string;
  /** Default options for items of this shape: images `[channels, height, width]` or points `[2]`. */
  defaults(itemShape: readonly number[]): DescriptorLearnerOptions;
}

function isImage(itemShape: readonly number[]): boolean {
  return itemShape.length === 3;
}

/** Weight of mean Φ² in units of the network's output, before `gain`. */
const ENERGY_L2 = 0.1;

/**
 * Learned filters. Settings that train small images in minutes on two cores: with h = δσ = .1 and a gain of 2000 a step moves
 * particles by 10 ∇(Φ/gain); the noise of a step has a standard deviation of h√T = .005.
 */
function learned(beta: number): (itemShape: readonly number[]) => DescriptorLearnerOptions {
  const gain = 2000;
  return (itemShape) => ({
    potential: isImage(itemShape)
      ? {
          net: 'conv',
          channels: [16, 32, 64],
          kernels: [5, 4],
          hidden: 128,
          activation: 'silu',
          theta: 'position',
          gain,
        }
      : { net: 'mlp', channels: [128, 128], kernels: [], hidden: 0, activation: 'silu', theta: 'position', gain: 1 },
    langevin: isImage(itemShape)
      ? { ...LANGEVIN_DEFAULTS, sigma: 0.5, reference: false, temperature: 0.0025, clip: [-1, 1], maxDisplacement: 0.3 }
      : { ...LANGEVIN_DEFAULTS, sigma: 0.5, reference: false },
    flow: {
      beta,
      penalty: 'double-backprop',
      energyL2: isImage(itemShape) ? ENERGY_L2 / gain : ENERGY_L2,
      dataNoise: isImage(itemShape) ? 0.03 : 0,
    },
    optimizer: {
      rule: 'adam',
      learningRate: 3e-3,
      momentum: 0.5,
      schedule: 'cosine',
      decayIterations: 2000,
      warmup: 0,
      gradientClip: null,
      weightClip: null,
      ema: 0.99,
    },
    chains: {
      kind: 'buffer',
      particles: 100,
      bufferSize: 2000,
      fresh: 0.05,
      start: 'uniform',
      range: isImage(itemShape) ? [-1, 0] : [-1, 1],
    },
    // Chains in the buffer are about 400 steps old on average; fewer steps than that leave samples unfinished.
    sampling: { from: 'start', steps: 600, temperature: null },
  });
}

/** Fixed filters: the settings of the papers (generalised GCN, section 5.1), plain gradient ascent. */
function fixed(beta: number): (itemShape: readonly number[]) => DescriptorLearnerOptions {
  return () => ({
    potential: { net: 'gabor', channels: [], kernels: [], hidden: 0, activation: 'relu', theta: 'position', gain: 1 },
    langevin: LANGEVIN_DEFAULTS,
    flow: { beta, penalty: 'double-backprop', energyL2: 0, dataNoise: 0 },
    optimizer: {
      rule: 'sgd',
      learningRate: 1e-3,
      momentum: 0,
      schedule: 'constant',
      decayIterations: 1000,
      warmup: 0,
      gradientClip: null,
      weightClip: null,
      ema: 0,
    },
    chains: { kind: 'persistent', particles: 100, bufferSize: 100, fresh: 0, start: 'zero', range: [-1, 1] },
    sampling: { from: 'chains', steps: 20, temperature: null },
  });
}

/** β of the w- models [paper]. */
const BETA = 60;

/** The table of models. */
export const MODELS: Readonly<Record<ModelName, ModelPreset>> = {
  pgcn: { title: 'pGCN (FRAME)', description: 'fixed filters, KL flow', defaults: fixed(0) },
  'w-pgcn': { title: 'w-pGCN (wFRAME)', description: 'fixed filters, JKO flow', defaults: fixed(BETA) },
  gcn: { title: 'GCN', description: 'learned filters, KL flow', defaults: learned(0) },
  wgcn: { title: 'wGCN', description: 'learned filters, JKO flow', defaults: learned(BETA) },
};

/** A network that options can name, and what has to be known of it. */
interface NamedNet {
  readonly takes: 'images' | 'points';
  /** Whether its filters are learned; θ starts at zero over fixed ones. */
  readonly learned: boolean;
  readonly layer: (options: DescriptorOptions) => Layer;
}

function convolutions({ channels, kernels, hidden, activation }: DescriptorOptions): Layer {
  if (kernels.length === 0) throw new RangeError('potential.kernels must have at least one kernel for the net "conv".');
  const act = pointwise(ACTIVATIONS[activation]);
  const layers = channels.flatMap((count, i) => {
    const kernel = kernels[Math.min(i, kernels.length - 1)] as number;
    return [conv({ channels: count, kernel, stride: 2, padding: Math.floor((kernel - 1) / 2) }), act];
  });
  return chain(...layers, ...(hidden > 0 ? [flatten(), dense(hidden), act] : []));
}

/** The networks that come with the library, by the name under which options choose them. */
const NETS: Readonly<Record<BuiltInNet, NamedNet>> = {
  conv: { takes: 'images', learned: true, layer: convolutions },
  gabor: { takes: 'images', learned: false, layer: () => gaborBank() },
  mlp: {
    takes: 'points',
    learned: true,
    layer: ({ channels, activation }) =>
      chain(...channels.flatMap((width) => [dense(width), pointwise(ACTIVATIONS[activation])])),
  },
};

/** Names of the networks that come with the library; any other name stands for filters that the caller gives. */
export const BUILT_IN_NETS: readonly BuiltInNet[] = Object.keys(NETS) as BuiltInNet[];

function namedNet({ net }: DescriptorOptions, filters: Layer | undefined): NamedNet {
  if (filters !== undefined) return { takes: 'images', learned: false, layer: () => filters };
  if (Object.hasOwn(NETS, net)) return NETS[net as BuiltInNet];
  throw new RangeError(
    `potential.net "${net}" does not come with the library (${BUILT_IN_NETS.join(', ')} do); give its filters as well.`,
  );
}

/**
 * The potential that options describe.
 *
 * @param filters fixed filters in the place of `options.net`, such as `vggFilters(…)`
 */
export function buildPotential(options: DescriptorOptions, itemShape: readonly number[], filters?: Layer): Potential {
  const { takes, learned: learns, layer } = namedNet(options, filters);
  if (itemShape.length !== (takes === 'points' ? 1 : 3)) {
    const wants = takes === 'points' ? takes : 'images [channels, height, width]';
    throw new RangeError(
      `potential.net "${options.net}" takes ${wants}, these items have shape [${itemShape.join(', ')}].`,
    );
  }
  const { theta, gain } = options;
  return descriptor(layer(options)(itemShape), { theta, gain, start: learns ? 'random' : 'zero' });
}

function buildFlow({ flow: { beta, energyL2, penalty }, langevin }: DescriptorLearnerOptions): Flow {
  if (beta === 0) return kl({ energyL2 });
  return jko({ beta, energyL2, speedScale: driftScale(langevin), penalty });
}

/**
 * A learner from the table.
 *
 * @param itemShape shape of one datum
 * @param filters fixed filters in the place of `options.potential.net`, such as `vggFilters(…)` or `gaborBank()`
 * @throws RangeError when the potential does not take data of this shape
 */
export function createLearner(
  runtime: Runtime,
  model: ModelName,
  options: DescriptorLearnerOptions,
  itemShape: readonly number[],
  filters?: Layer,
): Learner<DescriptiveState> {
  return descriptiveLearner(runtime, {
    name: MODELS[model].title,
    itemShape,
    potential: buildPotential(options.potential, itemShape, filters),
    flow: buildFlow(options),
    optimizer: buildOptimizer(options.optimizer),
    langevin: options.langevin,
    chains: options.chains,
    sampling: options.sampling,
    dataNoise: options.flow.dataNoise,
    ema: options.optimizer.ema,
    weightClip: options.optimizer.weightClip,
  });
}
