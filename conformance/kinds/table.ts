import type { Conform } from '../reference.ts';
import { conformBatchNorm } from './batch-norm.ts';
import { conformConv2d, conformConvTranspose2d } from './convolution.ts';
import { conformDescriptorIteration } from './descriptor-iteration.ts';
import { conformEiegGanLosses } from './eieg-gan-losses.ts';
import { conformEiegMetric } from './eieg-metric.ts';
import { conformGeneratorIteration } from './generator-iteration.ts';
import { conformMetrics } from './metrics.ts';
import { conformOde } from './ode.ts';
import { conformOptimizers } from './optimizers.ts';
import { conformVapoLoss } from './vapo-loss.ts';

/** How each kind of reference is computed here. */
export const KINDS: Readonly<Record<string, Conform>> = {
  conv2d: conformConv2d,
  convTranspose2d: conformConvTranspose2d,
  batchNorm: conformBatchNorm,
  'descriptor-iteration': conformDescriptorIteration,
  'generator-iteration': conformGeneratorIteration,
  optimizers: conformOptimizers,
  metrics: conformMetrics,
  'eieg-metric': conformEiegMetric,
  'eieg-gan-losses': conformEiegGanLosses,
  ode: conformOde,
  'vapo-loss': conformVapoLoss,
};

/**
 * The least that expected values of a kind mean, where a symmetry of the problem makes some of them zero and leaves sums of float64 that cancel. Kinds that
 * are not named here have none: their values are right to their last digits, however small.
 */
export const FLOORS: Readonly<Record<string, number>> = {
  // Losses of differences of scores do not depend on the bias that ends the discriminator.
  'eieg-gan-losses': 1e-12,
};
