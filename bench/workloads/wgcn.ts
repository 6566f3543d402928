import { ndarray } from '@brownian/graph';
import {
  type DescriptorLearnerOptions,
  MODELS,
  type ModelName,
  createDescriptiveLearner,
  effectiveStep,
} from 'brownian';
import { images, recording, seeded } from '../data.ts';
import { changes, checked } from '../training.ts';
import { FLOAT32_TOLERANCE, type Workload } from '../workload.ts';

/** What the twins need of the options. */
function settingsOf({ potential, langevin, flow, optimizer, chains }: DescriptorLearnerOptions): Workload['settings'] {
  return {
    gain: potential.gain,
    steps: langevin.steps,
    clip: langevin.clip ?? [],
    maxDisplacement: langevin.maxDisplacement ?? 0,
    step: effectiveStep(langevin),
    temperature: langevin.temperature,
    beta: flow.beta,
    energyL2: flow.energyL2,
    dataNoise: flow.dataNoise,
    rate: optimizer.learningRate,
    beta1: optimizer.momentum,
    ema: optimizer.ema,
    decayIterations: optimizer.schedule === 'cosine' ? optimizer.decayIterations : 0,
    fresh: chains.fresh,
  };
}

/** One outer iteration of wGCN: L = 20 Langevin steps from a replay buffer, then the JKO update (double backprop) with Adam. */
export function wgcn(
  name: string,
  itemShape: readonly [number, number, number],
  channels?: readonly number[],
): Workload {
  const model: ModelName = 'wgcn';
  const defaults = MODELS[model].defaults(itemShape);
  const options = channels === undefined ? defaults : { ...defaults, potential: { ...defaults.potential, channels } };
  const batchShape = [options.chains.particles, ...itemShape] as const;
  const { channels: filters, hidden } = options.potential;
  const widths = hidden === 0 ? filters : [...filters, hidden];
  return {
    name,
    title: `wGCN outer iteration, L = ${options.langevin.steps}, ${batchShape.join('×')}, net ${widths.join('-')}`,
    settings: settingsOf(options),
    setup: async (runtime) => {
      const draw = seeded(name);
      const batch = { x: images(batchShape, draw.split('images')) };
      const learner = createDescriptiveLearner(runtime, model, options, itemShape);
      const dataset = { name: 'waves', itemShape, size: options.chains.particles, batch: () => Promise.resolve(batch) };
      const initial = await learner.init(draw.split('model'), dataset);
      let state = initial;
      return {
        given: {
          params: initial.params,
          particles: initial.particles,
          buffer: initial.buffer ?? ndarray([]),
          data: batch.x,
        },
        step: async () => ([state] = await learner.step(state, batch, draw)),
        reset: () => (state = initial),
        check: async () => {
          const { stream, draws } = recording(draw);
          const [after, metrics] = await learner.step(initial, batch, stream);
          const scalars = Object.fromEntries(Object.entries(metrics).map(([key, value]) => [key, ndarray(value, [])]));
          const results = {
            ...checked('particles', after.particles),
            ...checked('metrics', scalars, 5 * FLOAT32_TOLERANCE), // differences of large means
            ...changes('change', initial.params, after.params),
          };
          return { draws, results };
        },
        dispose: () => learner.dispose(),
      };
    },
  };
}
