import type { NDArray, Tree } from '@brownian/graph';
import type { Learner } from 'brownian';
import type { RunConfig } from '../config/run-config.ts';
import { checkConfig, mergeSettings, settingsFromFlags, unreadOption } from '../config/settings.ts';
import { kebab } from '../config/suggest.ts';
import { UserError, asked } from '../errors.ts';
import { requireSameRun } from '../loop.ts';
import { type Run, openRun } from '../runs/run.ts';
import { latestCheckpoint } from '../runs/store.ts';
import { readFilters } from '../weights/filter-file.ts';
import type { Context } from './context.ts';

/** A run opened at its newest checkpoint. */
export interface Trained {
  readonly run: Run;
  readonly learner: Learner;
  readonly state: Tree<NDArray>;
  readonly iteration: number;
  /** Releases the learner and its runtime. */
  readonly close: () => Promise<void>;
}

/** What differs from the run as it was trained. */
export interface TrainedOptions {
  /** Shape of one item; default: that of the data. */
  readonly itemShape?: (run: Run) => readonly number[];
  /** Options of the run for this use, such as how samples are drawn. */
  readonly config?: (config: RunConfig) => RunConfig;
}

/** Options of a draw that were given, by the names of their flags, such as `step-size`. */
export function givenSampling(sampling: Readonly<Record<string, string | undefined>>): [name: string, text: string][] {
  return Object.entries(sampling).flatMap(([path, text]) =>
    text === undefined ? [] : [[kebab(path.replace('sampling.', '')), text]],
  );
}

/** A run's configuration with the options that samples are given for themselves: the text of flags of its group `sampling`, by path. */
export function forSamples(config: RunConfig, sampling: Readonly<Record<string, string | undefined>>): RunConfig {
  // Options of a draw are called by their own names.
  const respelt = (message: string): string => message.replaceAll('--sampling.', '--');
  try {
    const given = settingsFromFlags(sampling);
    const edited = checkConfig(mergeSettings({ ...config }, given), { kind: 'flag' });
    const idle = unreadOption(given, { ...config }, edited);
    if (idle !== false) throw new UserError(idle);
    return edited;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(respelt(error.message), { exitCode: error.exitCode, cause: error });
  }
}

/** Opens a run at its newest whole checkpoint. @throws UserError when it has none, or for anything else the user can put right */
export async function openTrained(
  context: Context,
  path: string,
  { itemShape = ({ record }) => record.data.itemShape, config: edit = (config) => config }: TrainedOptions = {},
): Promise<Trained> {
  const run = await openRun(path);
  const latest = await latestCheckpoint(path);
  if (latest === undefined) throw new UserError(`${path} has no checkpoint yet; train it first.`);
  const { checkpoint, file, damaged } = latest;
  requireSameRun(checkpoint, run.config, file);
  for (const { problem } of damaged)
    context.print(`${problem.replace(/\.$/, '')}; using iteration ${checkpoint.iteration} instead.`);
  const filters = await readFilters(path, run.config);
  const [config, shape] = [edit(run.config), itemShape(run)];
  const session = await asked(() => Promise.resolve(context.engine.open(config, shape, filters)));
  const { state, iteration } = checkpoint;
  return { run, learner: session.learner, state, iteration, close: () => session.close() };
}
