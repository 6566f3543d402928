import type { Workload } from '../workload.ts';
import { dcganDiscriminator, eiegDiscriminator, eiegGenerator } from './gan.ts';
import { mlpGenerator, pointLangevin } from './toy.ts';
import { vapo } from './vapo.ts';
import { vggLangevin } from './vgg-langevin.ts';
import { wgcn } from './wgcn.ts';

/** Every workload, in the order of the table. */
export const WORKLOADS: readonly Workload[] = [
  vggLangevin(64),
  vggLangevin(224),
  wgcn('wgcn-mnist', [1, 28, 28]),
  wgcn('wgcn-32', [3, 32, 32], [64, 128, 256]),
  eiegDiscriminator,
  eiegGenerator,
  dcganDiscriminator,
  vapo,
  mlpGenerator,
  pointLangevin,
];

/** Those whose start-up is measured in fresh processes. */
export const STARTUP: readonly string[] = ['wgcn-mnist', 'eieg-d'];
