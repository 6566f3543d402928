import { type Tensor, leakyRelu } from '@brownian/graph';
import {
  LANGEVIN_DEFAULTS,
  MODELS,
  type SymbolicParams,
  buildPotential,
  chain,
  dense,
  effectiveStep,
  elasticInteraction,
  langevin,
  pointwise,
} from 'brownian';
import { gaussianGrid, recording, scaled, seeded } from '../data.ts';
import { checked, trainingCase } from '../training.ts';
import type { Workload } from '../workload.ts';

const BATCH = 256;
const ELASTIC = { cutoff: 0.1, kernelDimension: 2, rate: 1e-3, beta1: 0.9 } as const;
const activation = pointwise((x) => leakyRelu(x, 0.2));
const GENERATOR = chain(dense(100), activation, dense(50), activation, dense(2));

/** A step of the plain EIEG generator 2-100-50-2 on points (METHODS section 3, Eq. 7). */
export const mlpGenerator: Workload = {
  name: 'mlp-generator',
  title: `2-D MLP generator step, 2-100-50-2, batch ${BATCH}`,
  settings: ELASTIC,
  setup: (runtime) => {
    const draw = seeded('mlp-generator');
    const net = GENERATOR([2]);
    const real = gaussianGrid(BATCH, draw);
    const { cutoff, kernelDimension, rate, beta1 } = ELASTIC;
    const training = {
      name: '2-D generator step',
      params: net.init(draw.split('params')),
      loss: (params: SymbolicParams, batch: unknown) => {
        const given = batch as { readonly real: Tensor; readonly z: Tensor };
        return elasticInteraction(net.apply(params, given.z), given.real, { dimension: kernelDimension, cutoff });
      },
      batch: () => ({ real, z: draw.normal([BATCH, 2]) }),
      rate,
      adam: { beta1 },
    };
    return Promise.resolve(trainingCase(runtime, training));
  },
};

const PARTICLES = 10_000;
const LANGEVIN = { ...LANGEVIN_DEFAULTS, delta: 0.1, sigma: 1, reference: false } as const;
const REPEATS = 10;

/** A Langevin step of 10,000 points on an MLP potential that is held, noise drawn afresh: the sampler of the library. */
export const pointLangevin: Workload = {
  name: 'point-langevin',
  title: `2-D Langevin step, ${PARTICLES.toLocaleString('en')} particles, MLP 2-128-128-1`,
  settings: { step: effectiveStep(LANGEVIN), repeats: REPEATS },
  repeats: REPEATS,
  setup: (runtime) => {
    const draw = seeded('point-langevin');
    const potential = buildPotential(
      { ...MODELS.gcn.defaults([2]).potential, channels: [128, 128], activation: 'silu', gain: 1 },
      [2],
    );
    const sampler = langevin(runtime, potential, LANGEVIN, { frozen: true });
    const params = potential.init(draw.split('params'));
    const initial = sampler.init(params, scaled(draw.normal([PARTICLES, 2]), 2));
    let state = initial;
    return Promise.resolve({
      given: { params, x: initial.x },
      step: async () => ([state] = await sampler.run(state, REPEATS, draw)),
      reset: () => (state = initial),
      check: async () => {
        const { stream, draws } = recording(draw);
        const [after] = await sampler.run(initial, REPEATS, stream);
        return { draws, results: checked('x', after.x) };
      },
      dispose: () => sampler.dispose(),
    });
  },
};
