import {
  MAX_STEPS,
  SOLVERS,
  type SolverName,
  VARIATIONAL_NETS,
  type VariationalNet,
  type VariationalPotentialOptions,
  variationalPotential,
} from 'brownian';
import { z } from 'zod';
import type { FamilyConfig } from '../family-config.ts';
import { FLOW, OPTIMIZER, POTENTIAL, positive } from '../groups.ts';

const NETS = Object.keys(VARIATIONAL_NETS);
/** What describes a network, of which each reads its part. */
const DESCRIBING = ['channels', 'kernels', 'blocks', 'hidden', 'activation'] as const;
/** Items per iteration: points are cheap. */
const BATCH = { points: 512, images: 64 };

/** Options of the models whose samples flow along a learned potential. */
export const VARIATIONAL_CONFIG: FamilyConfig<'variational'> = {
  title: 'variational models',
  groups: {
    potential: {
      net: POTENTIAL.net,
      channels: POTENTIAL.channels,
      kernels: POTENTIAL.kernels,
      hidden: POTENTIAL.hidden,
      activation: POTENTIAL.activation,
      gain: POTENTIAL.gain,
      blocks: z.int().min(0).meta({ description: 'residual blocks of each resolution of wide-resnet', unit: 'blocks' }),
      clock: z.boolean().meta({ description: 'give Φ the clock of the flow; the paper’s Φ has none' }),
    },
    path: {
      priorStd: positive().meta({
        description: 'ω: standard deviation of the noise that samples begin as',
        unit: 'units of x',
      }),
      dataStd: positive().meta({
        description: 's: standard deviation around a datum at the path’s end',
        unit: 'units of x',
      }),
      epsilon: positive().meta({ description: 'ε: where log-uniform times begin; a tenth of s² or less' }),
    },
    flow: {
      estimator: z
        .enum(['covariance', 'stein'])
        .meta({ description: 'of the loss: the paper’s, or the same mean by Stein’s lemma with less noise' }),
      penalty: FLOW.penalty,
      poincare: z.number().min(0).meta({ description: 'η: weight of mean Φ² over the path' }),
    },
    optimizer: OPTIMIZER,
    sampling: {
      solver: z
        .enum(Object.keys(SOLVERS) as [SolverName, ...SolverName[]])
        .meta({ description: 'solver of the flow’s equation' }),
      rtol: positive().meta({ description: 'largest error of a solver step relative to x' }),
      atol: positive().meta({ description: 'largest error of a solver step', unit: 'units of x' }),
      tEnd: positive().meta({ description: 'clock at which samples end; 1 is the data, more refines them' }),
      stepSize: positive().nullable().meta({
        description: 'steps of this size in the clock, whatever their error; none chooses them by rtol and atol',
      }),
      // Runs from before this option have the default.
      maxSteps: z
        .int()
        .min(1)
        .default(500)
        .meta({ description: 'steps after which a choice by rtol and atol gives up', unit: 'steps' }),
    },
    preview: {
      particles: z
        .int()
        .min(1)
        .meta({ description: 'particles that flow along while it learns, to look at', unit: 'particles' }),
      steps: z.int().min(1).meta({ description: 'iterations they take from noise to the end', unit: 'iterations' }),
    },
  },
  batchSize: ({ potential }) => (potential.net === 'mlp' ? BATCH.points : BATCH.images),
  // Another network than the default comes with channels, blocks and the rest of its own; the cosine is as long as the run.
  follow: (defaults, { iterations, itemShape, given }) => {
    const { net } = (given['potential'] ?? {}) as Partial<VariationalPotentialOptions>;
    return {
      ...defaults,
      potential: (net === undefined ? undefined : variationalPotential(net, itemShape)) ?? defaults.potential,
      optimizer: { ...defaults.optimizer, decayIterations: iterations },
    };
  },
  rules: [
    ({ potential: { net } }) =>
      !NETS.includes(net) && `--potential.net is ${net}; a variational model takes one of ${NETS.join(', ')}.`,
    ({ potential: { net } }, { itemShape }) =>
      (net === 'mlp') !== (itemShape.length === 1) &&
      `--potential.net is ${net}, which takes ${net === 'mlp' ? 'points' : 'images'}; the items of these data have shape ` +
        `[${itemShape.join(', ')}], so use ${net === 'mlp' ? 'conv or wide-resnet' : 'mlp'}.`,
    ({ potential: { channels } }) =>
      channels.length === 0 && '--potential.channels is empty; it needs a list of whole numbers such as 32,64,128.',
    ({ potential: { net, kernels } }) =>
      net === 'conv' && kernels.length === 0 && '--potential.kernels is empty; conv needs at least one, such as 5,4.',
    ({ potential: { net, blocks } }) =>
      net === 'wide-resnet' && blocks === 0 && '--potential.blocks is 0; wide-resnet needs at least 1.',
    ({ sampling: { stepSize, tEnd } }) =>
      stepSize !== null &&
      tEnd / stepSize > MAX_STEPS &&
      `--sampling.step-size is ${stepSize}, more than ${MAX_STEPS} steps to a clock of ${tEnd}; take larger steps.`,
    ({ optimizer: { weightClip } }) =>
      weightClip !== null &&
      '--optimizer.weight-clip is for models that are trained against their samples; set it to none.',
  ],
  unread: ({ potential: { net }, sampling: { stepSize } }) => [
    {
      when: true,
      options: DESCRIBING.filter((key) => !VARIATIONAL_NETS[net as VariationalNet].includes(key)).map(
        (key) => `potential.${key}`,
      ),
      because: `--potential.net ${net} does not read it; leave it out or choose another net`,
    },
    {
      when: stepSize !== null,
      options: ['sampling.rtol', 'sampling.atol', 'sampling.maxSteps'],
      because: `--sampling.step-size is ${stepSize}: steps of a fixed size heed no errors and no limit; leave it out, or give --sampling.step-size none`,
    },
  ],
};
