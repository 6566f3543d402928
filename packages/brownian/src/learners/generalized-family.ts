import type { Runtime } from '@brownian/runtime';
import { jko, stableBeta } from '../flows/jko.ts';
import { kl } from '../flows/kl.ts';
import { fitsDcgan } from '../nets/dcgan.ts';
import type { Layer } from '../nets/net.ts';
import { LANGEVIN_DEFAULTS, driftScale } from '../samplers/langevin.ts';
import type { ModelFamily, ModelPreset } from './family.ts';
import { generalizedLearner } from './generalized.ts';
import type { GeneralizedLearner } from './generalized-model.ts';
import { buildGenerator } from './generator.ts';
import { checkMasked } from './masked.ts';
import { buildOptimizer } from './optimizer.ts';
import type { DescriptorOptions, GeneralizedLearnerOptions, LangevinOptions } from './options.ts';
import { buildPotential } from './potential.ts';

/** The generalised models by the names of the paper (generalised GCN, Table 1), and cooperative learning, to compare with. */
export type GeneralizedModelName = 'ggcn-minus' | 'ggcn-minus-star' | 'ggcn' | 'ggcn-star' | 'coop';

/** The switches of Table 1 in which these models differ. LCN, NLU and HS are on in all of them, MS is off. */
interface Switches {
  /**
   * JKO: the flow charges for the speed of particles, with the β of `stableBeta`: .075 for chains of one step on images, .75 for those of ten. The paper's 60
   * is 19 times the full JKO term of one step, and twice that of ten; FID on MNIST is three times as large with it (docs/results/ggcn-table2.md).
   */
  readonly jko: boolean;
  /** AMS: the generator ascends Φ, and chains are one step long. */
  readonly amortised: boolean;
  /** LHS: hidden rows are kept and learned. */
  readonly learned: boolean;
  /** Iterations for each update of the generator. */
  readonly every: number;
}

/** Iterations for each update of the generator. The paper's is 4; in runs of minutes every iteration has to count. */
const EVERY = 1;
/** Learning rates of both networks. The paper's is 2e-4; on MNIST, in three minutes, 2e-3 leads to a lower FID than 1e-3, and 5e-4 to a higher one. */
function learningRateFor(itemShape: readonly number[]): number {
  if (itemShape.length !== 3) return 1e-3;
  return Math.max(...itemShape.slice(1)) > 32 ? 5e-4 : 2e-3;
}

/** Langevin steps of chains that are not amortised, the least of the paper's [10, 40]. */
const STEPS = 10;
/** Weight of mean Φ² in units of the network's output, before `gain`. */
const ENERGY_L2 = 0.001;

/** Channels of convolutions that halve images until at most 4 pixels are left: 16, 32, 64 for 28 and 32 pixels, twice as many for larger images. */
function channelsFor(side: number): number[] {
  const first = side > 32 ? 32 : 16;
  const count = Math.max(1, Math.ceil(Math.log2(side / 4)));
  return Array.from({ length: count }, (_, i) => first * 2 ** i);
}

function potentialFor(itemShape: readonly number[], gain: number): DescriptorOptions {
  const common = { hidden: 0, activation: 'leakyRelu', theta: 'position', gain, classes: 0 } as const;
  if (itemShape.length !== 3) return { ...common, net: 'mlp', channels: [128, 128], kernels: [] };
  return { ...common, net: 'conv', channels: channelsFor(Math.min(...itemShape.slice(1))), kernels: [4] };
}

/** Length of latents: the paper's 256 and 128 for 64×64 and 32×32 images in colour, less for what is simpler. */
function latentFor([channels, ...sides]: readonly number[]): number {
  if (sides.length === 0) return 2;
  if (Math.max(...sides) > 32) return 256;
  return channels === 1 ? 64 : 128;
}

/**
 * Settings that train small images in minutes on two cores. The units are chosen so that the weights are: with h = δσ = .8 and a gain of 3 a step
 * moves a particle by .96 ∇f, f = Φ/gain the output of the network, and the JKO flow weighs E‖∇f‖² by (β/2)(h²/2)² · gain = .011 (one step; .11 with ten)
 * against E f(data) − E f(particles). Small images of [-1, 1] are about 20 apart, so ‖∇f‖ settles near 1 and a step at a few hundredths per pixel; the noise of a step has a
 * standard deviation of h√T = .005.
 */
function defaultsFor({ jko: charged, amortised, learned, every }: Switches) {
  return (itemShape: readonly number[]): GeneralizedLearnerOptions => {
    const images = itemShape.length === 3;
    const gain = images ? 3 : 1;
    const steps = amortised ? 1 : STEPS;
    const learningRate = learningRateFor(itemShape);
    const langevin: LangevinOptions = images
      ? {
          ...LANGEVIN_DEFAULTS,
          steps,
          delta: 1,
          sigma: 0.8,
          reference: false,
          temperature: 4e-5,
          clip: [-1, 1],
          maxDisplacement: 0.1,
        }
      : { ...LANGEVIN_DEFAULTS, steps, sigma: 0.5, reference: false };
    return {
      potential: potentialFor(itemShape, gain),
      langevin,
      flow: {
        beta: charged ? stableBeta(langevin) : 0,
        penalty: 'double-backprop',
        energyL2: ENERGY_L2 / gain,
        dataNoise: 0,
      },
      optimizer: {
        rule: 'adam',
        learningRate,
        // The paper's is .5; the potential changes under the generator, and past slopes mislead it: FID on MNIST is 8 % lower without.
        momentum: 0,
        schedule: 'cosine',
        decayIterations: 2000,
        warmup: 0,
        gradientClip: null,
        weightClip: null,
        ema: 0.99,
      },
      upsampling: {
        ...(fitsDcgan(itemShape)
          ? ({ net: 'dcgan', width: 32 } as const)
          : ({ net: 'mlp', width: images ? 512 : 128 } as const)),
        learning: amortised ? 'amortised' : 'reconstruction',
        originalWeight: 0,
        every,
        learningRate,
        embedding: 16,
      },
      hidden: { dim: latentFor(itemShape), start: 'normal', learned, learningRate: 1e-2, prior: 0, sampling: 'start' },
      // The paper's is 100; more and smaller batches learn more in the same time.
      chains: { particles: 32, bufferSize: 2000, fresh: 1 },
      sampling: { steps, temperature: null },
    };
  };
}

const MODELS: Readonly<Record<GeneralizedModelName, ModelPreset<GeneralizedLearnerOptions>>> = {
  'ggcn-minus': {
    title: 'GGCN⁻',
    description: 'a generator that reconstructs particles',
    defaults: defaultsFor({ jko: true, amortised: false, learned: false, every: EVERY }),
  },
  'ggcn-minus-star': {
    title: 'GGCN⁻*',
    description: 'amortised sampling',
    defaults: defaultsFor({ jko: true, amortised: true, learned: false, every: EVERY }),
  },
  ggcn: {
    title: 'GGCN',
    description: 'a generator that reconstructs particles, learned hidden space',
    defaults: defaultsFor({ jko: true, amortised: false, learned: true, every: EVERY }),
  },
  'ggcn-star': {
    title: 'GGCN*',
    description: 'amortised sampling, learned hidden space',
    defaults: defaultsFor({ jko: true, amortised: true, learned: true, every: EVERY }),
  },
  coop: {
    title: 'Cooperative learning',
    description: 'Langevin dynamics teaches a generator, KL flow',
    defaults: defaultsFor({ jko: false, amortised: false, learned: false, every: 1 }),
  },
};

/** A generalised model, whose state has a type of its own. @throws RangeError when its parts do not fit each other or items of this shape */
export function createGeneralizedLearner(
  runtime: Runtime,
  model: GeneralizedModelName,
  options: GeneralizedLearnerOptions,
  itemShape: readonly number[],
  filters?: Layer,
): GeneralizedLearner {
  const { potential, langevin, flow, optimizer, upsampling, hidden, chains, sampling } = options;
  checkMasked(options, itemShape);
  const { beta, energyL2, penalty } = flow;
  const { every, learningRate } = upsampling;
  // Its schedule is as long as the potential's, in which it makes one update in `every` iterations.
  const schedule = {
    decayIterations: Math.ceil(optimizer.decayIterations / every),
    warmup: Math.ceil(optimizer.warmup / every),
  };
  return generalizedLearner(runtime, {
    name: MODELS[model].title,
    itemShape,
    potential: buildPotential(potential, itemShape, filters),
    flow: beta === 0 ? kl({ energyL2 }) : jko({ beta, energyL2, penalty, speedScale: driftScale(langevin) }),
    optimizer: buildOptimizer(optimizer),
    langevin,
    dataNoise: flow.dataNoise,
    ema: optimizer.ema,
    weightClip: optimizer.weightClip,
    generator: {
      net: buildGenerator(upsampling, itemShape, { ...hidden, classes: potential.classes }),
      optimizer: buildOptimizer({ ...optimizer, ...schedule, learningRate }),
      learning: upsampling.learning,
      originalWeight: upsampling.originalWeight,
      every,
    },
    hidden,
    chains,
    sampling,
  });
}

/** A potential whose particles begin where a generator puts them, which learns from them in turn. */
export const GENERALIZED: ModelFamily<GeneralizedModelName, GeneralizedLearnerOptions> = {
  models: MODELS,
  create: createGeneralizedLearner,
};
