import type { Runtime } from '@brownian/runtime';
import type { Flow } from '../flows/flow.ts';
import { implicitJko } from '../flows/implicit-jko.ts';
import { jko, stableBeta } from '../flows/jko.ts';
import { kl } from '../flows/kl.ts';
import type { Learner } from '../interfaces.ts';
import type { Layer } from '../nets/net.ts';
import { LANGEVIN_DEFAULTS, chainMemory, driftResponse, driftScale } from '../samplers/langevin.ts';
import { descriptiveLearner } from './descriptive.ts';
import type { DescriptiveLearner } from './descriptive-model.ts';
import type { ModelFamily, ModelPreset } from './family.ts';
import { gridShapes, gridSizes, multiGridLearner } from './multi-grid.ts';
import { buildOptimizer } from './optimizer.ts';
import type { DescriptorLearnerOptions, GridOptions } from './options.ts';
import { buildPotential, hasFixedFilters } from './potential.ts';

/** The descriptive models by the names of the papers (generalised GCN, Table 1). */
export type DescriptiveModelName = 'pgcn' | 'w-pgcn' | 'gcn' | 'wgcn' | 'm-gcn' | 'wm-gcn';

function isImage(itemShape: readonly number[]): boolean {
  return itemShape.length === 3;
}

const ONE_GRID: GridOptions = { sizes: [], steps: [], betas: [], startNoise: 0, upscaling: 'blocks' };

/** Weight of mean Φ² in units of the network's output, before `gain`. */
const ENERGY_L2 = 0.1;

/**
 * δ on points: with h = δσ = .05 the noise of a step is as wide as a mode of `8-gaussians`. With twice that, chains cannot stay in such a mode, and
 * a potential that gets steeper to hold them diverges after some thousands of iterations.
 */
const POINT_DELTA = 0.1;

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
          classes: 0,
        }
      : {
          net: 'mlp',
          channels: [128, 128],
          kernels: [],
          hidden: 0,
          activation: 'silu',
          theta: 'position',
          gain: 1,
          classes: 0,
        },
    langevin: isImage(itemShape)
      ? { ...LANGEVIN_DEFAULTS, sigma: 0.5, reference: false, temperature: 0.0025, clip: [-1, 1], maxDisplacement: 0.3 }
      : { ...LANGEVIN_DEFAULTS, delta: POINT_DELTA, sigma: 0.5, reference: false },
    flow: {
      beta,
      penalty: 'double-backprop',
      implicitSteps: 0,
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
    grids: ONE_GRID,
  });
}

/** Several grids of learned filters: short chains from mean colours, as Gao et al. 2018 run them, with the settings of {@link learned}. */
function gridded(beta: number): (itemShape: readonly number[]) => DescriptorLearnerOptions {
  return (itemShape) => {
    const single = learned(beta)(itemShape);
    if (!isImage(itemShape)) return single;
    const steps = 20;
    return {
      ...single,
      potential: { ...single.potential, net: 'grid' },
      langevin: { ...single.langevin, steps },
      chains: { ...single.chains, kind: 'persistent', fresh: 0 },
      // Samples make as many steps as the particles did in training, from the same starts: parameters of another moment would leave them unfinished.
      optimizer: { ...single.optimizer, ema: 0 },
      sampling: { ...single.sampling, steps },
      grids: {
        sizes: gridSizes(itemShape[1] as number),
        steps: [],
        betas: [],
        startNoise: 0.3,
        upscaling: 'linear',
      },
    };
  };
}

/** Fixed filters: the settings of the papers (generalised GCN, section 5.1), plain gradient ascent. */
function fixed(beta: number): (itemShape: readonly number[]) => DescriptorLearnerOptions {
  return () => ({
    potential: {
      net: 'gabor',
      channels: [],
      kernels: [],
      hidden: 0,
      activation: 'relu',
      theta: 'position',
      gain: 1,
      classes: 0,
    },
    langevin: LANGEVIN_DEFAULTS,
    flow: { beta, penalty: 'double-backprop', implicitSteps: 0, energyL2: 0, dataNoise: 0 },
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
    grids: ONE_GRID,
  });
}

/** β of the w- models that learn their filters [paper]. */
const BETA = 60;

const MODELS: Readonly<Record<DescriptiveModelName, ModelPreset<DescriptorLearnerOptions>>> = {
  pgcn: { title: 'pGCN (FRAME)', description: 'fixed filters, KL flow', defaults: fixed(0) },
  'w-pgcn': {
    title: 'w-pGCN (wFRAME)',
    description: 'fixed filters, JKO flow',
    defaults: fixed(stableBeta(LANGEVIN_DEFAULTS)),
  },
  gcn: { title: 'GCN', description: 'learned filters, KL flow', defaults: learned(0) },
  wgcn: { title: 'wGCN', description: 'learned filters, JKO flow', defaults: learned(BETA) },
  'm-gcn': { title: 'M-GCN', description: 'learned filters on several grids, KL flow', defaults: gridded(0) },
  'wm-gcn': { title: 'wM-GCN', description: 'learned filters on several grids, JKO flow', defaults: gridded(BETA) },
};

/** @throws RangeError unless the penalty is a quadratic that plain descent follows */
function requireImplicit({ flow, optimizer }: DescriptorLearnerOptions, fixedFilters: boolean): void {
  const { rule, momentum, schedule, warmup, gradientClip } = optimizer;
  const plain = rule === 'sgd' && momentum === 0 && schedule === 'constant' && warmup === 0 && gradientClip === null;
  if (fixedFilters && plain && flow.energyL2 === 0) return;
  throw new RangeError(
    `flow.implicitSteps is ${flow.implicitSteps}, which needs fixed filters, no energyL2, and sgd without momentum, schedule, warm-up and gradient clipping; ` +
      'take pgcn or w-pgcn, or set it to 0.',
  );
}

function buildFlow(options: DescriptorLearnerOptions, fixedFilters: boolean): Flow {
  const { beta, energyL2, penalty, implicitSteps } = options.flow;
  if (beta === 0) return kl({ energyL2 });
  const explicit = { beta, energyL2, speedScale: driftScale(options.langevin), penalty };
  if (implicitSteps === 0) return jko(explicit);
  requireImplicit(options, fixedFilters);
  const { learningRate } = options.optimizer;
  return implicitJko({
    ...explicit,
    learningRate,
    response: driftResponse(options.langevin),
    memory: chainMemory(options.langevin),
    solverSteps: implicitSteps,
  });
}

/** A model on one grid, whose state has a type of its own. */
export function createDescriptiveLearner(
  runtime: Runtime,
  model: DescriptiveModelName,
  options: DescriptorLearnerOptions,
  itemShape: readonly number[],
  filters?: Layer,
): DescriptiveLearner {
  return descriptiveLearner(runtime, {
    name: MODELS[model].title,
    itemShape,
    potential: buildPotential(options.potential, itemShape, filters),
    flow: buildFlow(options, filters !== undefined || hasFixedFilters(options.potential)),
    optimizer: buildOptimizer(options.optimizer),
    langevin: options.langevin,
    chains: options.chains,
    sampling: options.sampling,
    dataNoise: options.flow.dataNoise,
    classes: options.potential.classes,
    ema: options.optimizer.ema,
    weightClip: options.optimizer.weightClip,
  });
}

/** The options of grid `i`: its own steps and β. */
function atGrid(options: DescriptorLearnerOptions, i: number): DescriptorLearnerOptions {
  const { steps, betas } = options.grids;
  return {
    ...options,
    langevin: { ...options.langevin, steps: steps[i] ?? steps.at(-1) ?? options.langevin.steps },
    flow: { ...options.flow, beta: betas[i] ?? betas.at(-1) ?? options.flow.beta },
  };
}

/** On one grid or, with `grids.sizes`, on several. @throws RangeError when the potential, or the grids, do not fit data of this shape */
function create(
  runtime: Runtime,
  model: DescriptiveModelName,
  options: DescriptorLearnerOptions,
  itemShape: readonly number[],
  filters?: Layer,
): Learner {
  const { sizes } = options.grids;
  if (sizes.length === 0) return createDescriptiveLearner(runtime, model, options, itemShape, filters);
  if (options.potential.classes > 0)
    throw new RangeError('potential.classes must be 0 with grids: models of several grids are unconditional.');
  if (options.chains.kind !== 'persistent')
    throw new RangeError('chains.kind must be "persistent" with grids: their particles start anew at every iteration.');
  const grids = gridShapes(itemShape, sizes).map((shape, i) => ({
    shape,
    learner: createDescriptiveLearner(runtime, model, atGrid(options, i), shape, filters),
  }));
  const { particles } = options.chains;
  const { startNoise, upscaling } = options.grids;
  return multiGridLearner({ name: MODELS[model].title, itemShape, grids, particles, startNoise, upscaling });
}

/** Models that are a potential alone: Langevin dynamics draws their samples, while they learn and after. */
export const DESCRIPTIVE: ModelFamily<DescriptiveModelName, DescriptorLearnerOptions> = { models: MODELS, create };
