import { type RunConfigOf, requireFamily } from '../config/run-config.ts';
import { type Settings, resolveConfig } from '../config/settings.ts';
import { UserError } from '../errors.ts';
import type { Cell } from './experiment.ts';

/** A flow as the command line names it. */
export interface NamedFlow {
  readonly beta: number;
  /** Solver steps of an implicit flow; 0 for an explicit one. */
  readonly solverSteps: number;
}

/** Solver steps of an implicit flow that does not say. */
const SOLVER_STEPS = 3;

/** `kl`, `jko-300`, `implicit-300`, or with another number of solver steps `implicit-300/8`. @throws UserError for anything else */
export function parseFlow(text: string): NamedFlow {
  if (text === 'kl') return { beta: 0, solverSteps: 0 };
  const [, kind, number, steps] = /^(jko(?!.*\/)|implicit)-(\d+(?:\.\d+)?(?:e\d+)?)(?:\/([1-9]\d?))?$/.exec(text) ?? [];
  const beta = Number(number);
  if (kind === undefined || !(beta > 0))
    throw new UserError(`--flows has ${JSON.stringify(text)}; a flow is kl, jko-β or implicit-β, such as jko-300.`, {
      exitCode: 2,
    });
  return { beta, solverSteps: kind === 'jko' ? 0 : Number(steps ?? SOLVER_STEPS) };
}

/** What a configuration is made from besides the settings of a cell. */
export interface DescriptiveFacts {
  /** What the data are called. */
  readonly data: string;
  /** Filters, as `--filters` of `brownian train` takes them. */
  readonly net: string;
  readonly itemShape: readonly number[];
  readonly theta: 'position' | 'channel';
}

/**
 * The papers' model with fixed filters: δ = .2, σ = .01, persistent chains from zero, a particle per image, and the λ, flow, images, iterations and
 * steps of a cell.
 */
export function descriptiveConfig(
  { settings }: Cell,
  { data, net, itemShape, theta }: DescriptiveFacts,
): RunConfigOf<'descriptive'> {
  const { beta, solverSteps } = parseFlow(String(settings['flow']));
  const images = Number(settings['images']);
  const wanted: Settings = {
    data,
    model: beta === 0 ? 'pgcn' : 'w-pgcn',
    batchSize: images,
    iterations: Number(settings['iterations']),
    potential: { net, theta },
    langevin: { steps: Number(settings['steps']), delta: 0.2, sigma: 0.01 },
    flow: { beta, implicitSteps: solverSteps },
    optimizer: { learningRate: Number(settings['lambda']) },
  };
  const config = resolveConfig(wanted, { itemShape, size: images });
  requireFamily(config, 'descriptive');
  return config;
}
