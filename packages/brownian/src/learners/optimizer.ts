import { adam, lamb, sgd } from '../optim/optimizers.ts';
import { clipByGlobalNorm, type Schedule } from '../optim/scaling.ts';
import { constantRate, cosineDecay, warmup } from '../optim/schedules.ts';
import { type Transform, chainTransforms } from '../optim/transform.ts';
import type { OptimizerOptions } from './options.ts';

const RULES: Readonly<
  Record<OptimizerOptions['rule'], (rate: number | Schedule, options: OptimizerOptions) => Transform>
> = {
  sgd: (rate, { momentum }) => sgd(rate, { momentum }),
  adam: (rate, { momentum }) => adam(rate, { beta1: momentum }),
  lamb: (rate, { momentum }) => lamb(rate, { beta1: momentum }),
};

function rateOf({ learningRate, schedule, warmup: rising, decayIterations }: OptimizerOptions): number | Schedule {
  if (schedule === 'constant' && rising === 0) return learningRate;
  const base = schedule === 'cosine' ? cosineDecay(learningRate, decayIterations) : constantRate(learningRate);
  return warmup(base, rising);
}

/** The transform that a configuration describes: clipping, the rule, the learning rate. */
export function buildOptimizer(options: OptimizerOptions): Transform {
  const rule = RULES[options.rule](rateOf(options), options);
  return options.gradientClip === null ? rule : chainTransforms(clipByGlobalNorm(options.gradientClip), rule);
}
