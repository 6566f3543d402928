import {
  POISSON_DEFAULTS,
  type PoissonPoint,
  type SymbolicParams,
  poissonLoss,
  scalarPotential,
  wideResNet,
} from 'brownian';
import { images, seeded } from '../data.ts';
import { trainingCase } from '../training.ts';
import type { Workload } from '../workload.ts';

const SHAPE = [32, 3, 32, 32] as const;
const { priorStd, dataStd, epsilon, poincare } = POISSON_DEFAULTS;
const SETTINGS = {
  widths: [64, 128, 256],
  blocks: 2,
  priorStd,
  dataStd,
  epsilon,
  poincare,
  rate: 1e-4,
  beta1: 0.9,
} as const;

/** A step on VAPO's loss with Adam: double backprop through a wide residual net with GELU and weight normalisation. */
export const vapo: Workload = {
  name: 'vapo',
  title: `VAPO loss step, wide ResNet ${SETTINGS.widths.join('-')}, ${SHAPE.join('×')}`,
  settings: SETTINGS,
  setup: (runtime) => {
    const draw = seeded('vapo');
    const data = images(SHAPE, draw);
    const potential = scalarPotential(wideResNet(SETTINGS), SHAPE.slice(1));
    const training = {
      name: 'VAPO step',
      params: potential.init(draw),
      loss: (params: SymbolicParams, batch: unknown) =>
        poissonLoss(potential, params, batch as PoissonPoint, POISSON_DEFAULTS),
      batch: () => ({ data, noise: draw.normal(SHAPE), clock: draw.uniform([SHAPE[0]]) }),
      rate: SETTINGS.rate,
      adam: { beta1: SETTINGS.beta1 },
    };
    return Promise.resolve(trainingCase(runtime, training));
  },
};
