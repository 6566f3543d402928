import type { RunConfig } from '../config/schema.ts';
import { type Settings, resolveConfig } from '../config/settings.ts';
import { UserError } from '../errors.ts';
import type { Cell } from './experiment.ts';

/** A flow as the command line names it. */
export interface NamedFlow {
  readonly kind: 'kl' | 'jko' | 'implicit';
  readonly beta: number;
}

/** Solver steps of `implicit`. */
const SOLVER_STEPS = 3;

/** `kl`, `jko-300` or `implicit-300`. @throws UserError for anything else */
export function parseFlow(text: string): NamedFlow {
  if (text === 'kl') return { kind: 'kl', beta: 0 };
  const [, kind, number] = /^(jko|implicit)-(\d+(?:\.\d+)?(?:e\d+)?)$/.exec(text) ?? [];
  const beta = Number(number);
  if (kind === undefined || !(beta > 0))
    throw new UserError(`--flows has ${JSON.stringify(text)}; a flow is kl, jko-β or implicit-β, such as jko-300.`, {
      exitCode: 2,
    });
  return { kind: kind as 'jko' | 'implicit', beta };
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
export function descriptiveConfig({ settings }: Cell, { data, net, itemShape, theta }: DescriptiveFacts): RunConfig {
  const { kind, beta } = parseFlow(String(settings['flow']));
  const images = Number(settings['images']);
  const wanted: Settings = {
    data,
    model: kind === 'kl' ? 'pgcn' : 'w-pgcn',
    batchSize: images,
    iterations: Number(settings['iterations']),
    potential: { net, theta },
    langevin: { steps: Number(settings['steps']), delta: 0.2, sigma: 0.01 },
    flow: { beta, implicitSteps: kind === 'implicit' ? SOLVER_STEPS : 0 },
    optimizer: { learningRate: Number(settings['lambda']) },
  };
  return resolveConfig(wanted, { itemShape, size: images });
}
