import { LANGEVIN_DEFAULTS, stableBeta } from 'brownian';
import { type RunConfigOf, requireFamily } from '../config/run-config.ts';
import { type Settings, resolveConfig } from '../config/settings.ts';
import { UserError } from '../errors.ts';
import type { Cell } from './experiment.ts';

/** A flow as the command line names it. */
export interface NamedFlow {
  /** 0 for the KL flow; null for the β of `stableBeta`. */
  readonly beta: number | null;
  /** Solver steps of an implicit flow; 0 for an explicit one. */
  readonly solverSteps: number;
}

/** Solver steps of an implicit flow that does not say. */
const SOLVER_STEPS = 3;

/** What `--flows` takes, in words. */
export const FLOWS_MEANING =
  'kl, jko, implicit (JKO stepped implicitly, beyond the paper), or with β: jko-60, implicit-60';

/** `kl`, `jko`, `jko-300`, `implicit`, or with another number of solver steps `implicit/8`, `implicit-300/8`. @throws UserError for anything else */
export function parseFlow(text: string): NamedFlow {
  if (text === 'kl') return { beta: 0, solverSteps: 0 };
  const [, kind, number, steps] =
    /^(jko(?!.*\/)|implicit)(?:-(\d+(?:\.\d+)?(?:e\d+)?))?(?:\/([1-9]\d?))?$/.exec(text) ?? [];
  const beta = number === undefined ? null : Number(number);
  if (kind === undefined || (beta !== null && !(beta > 0 && Number.isFinite(beta))))
    throw new UserError(
      `--flows has ${JSON.stringify(text)}; a flow is kl, jko or implicit, with β jko-60 or implicit-60.`,
      {
        exitCode: 2,
      },
    );
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

/** Settings of Langevin dynamics in the papers; δ and the number of steps are those of a cell, if it has any. */
function langevinOf({ settings }: Cell): { steps: number; delta: number; sigma: number } {
  return { steps: Number(settings['steps']), delta: Number(settings['delta'] ?? 0.2), sigma: 0.01 };
}

/** Bound of the weights of a cell, as `--clip` names it. @throws UserError unless it is `none` or a number above 0 */
export function parseClip(text: string): number | null {
  if (text === 'none') return null;
  if (Number(text) > 0 && Number.isFinite(Number(text))) return Number(text);
  throw new UserError(`--clip has ${JSON.stringify(text)}; it takes none and numbers above 0.`, { exitCode: 2 });
}

/**
 * The papers' model with fixed filters: σ = .01, persistent chains from zero, a particle per image, and the λ, δ, flow, bound of weights, images,
 * iterations and steps of a cell.
 */
export function descriptiveConfig(
  cell: Cell,
  { data, net, itemShape, theta }: DescriptiveFacts,
): RunConfigOf<'descriptive'> {
  const { settings } = cell;
  const { beta, solverSteps } = parseFlow(String(settings['flow']));
  const images = Number(settings['images']);
  const langevin = langevinOf(cell);
  const wanted: Settings = {
    data,
    model: beta === 0 ? 'pgcn' : 'w-pgcn',
    batchSize: images,
    iterations: Number(settings['iterations']),
    potential: { net, theta },
    langevin,
    flow: {
      beta: beta ?? stableBeta({ ...LANGEVIN_DEFAULTS, ...langevin }, solverSteps > 0 ? 'implicit' : 'explicit'),
      implicitSteps: solverSteps,
    },
    optimizer: { learningRate: Number(settings['lambda']), weightClip: parseClip(String(settings['clip'] ?? 'none')) },
  };
  const config = resolveConfig(wanted, { itemShape, size: images });
  requireFamily(config, 'descriptive');
  return config;
}
