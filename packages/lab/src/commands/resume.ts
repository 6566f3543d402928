import { UserError } from '../errors.ts';
import { mergeSettings, resolveConfig, settingsFromFlags } from '../config/settings.ts';
import { openData } from '../data/open.ts';
import { recordData, requireSameData } from '../data/recorded.ts';
import { requireSameRun } from '../loop.ts';
import type { Checkpoint } from '../runs/checkpoint.ts';
import type { RunConfig } from '../config/run-config.ts';
import type { RunDatabase } from '../runs/database.ts';
import { holdRun } from '../runs/hold.ts';
import { describeMachine } from '../runs/machine.ts';
import { openRun, writeConfig, writeRecord } from '../runs/run.ts';
import { latestCheckpoint, rewindRun, setAside } from '../runs/store.ts';
import { readFilters } from '../weights/filter-file.ts';
import type { Context, ExitCode } from './context.ts';
import { runTraining } from './training.ts';

/** What `brownian resume` was given: a run, and flags for how much longer to go on. */
export interface ResumeRequest {
  readonly run: string;
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/** The options that may change when a run is resumed: none of them changes what an iteration computes. */
export const RESUMABLE: readonly string[] = [
  'iterations',
  'minutes',
  'threads',
  'checkpointEvery',
  'gridEvery',
  'samples',
  'onDivergence',
  'rollbacks',
  'images.memory',
  'sampling.maxSteps',
];

/** `brownian resume`: continues a run from its newest checkpoint. @throws UserError for anything the user can put right. */
export async function resumeCommand(context: Context, request: ResumeRequest): Promise<ExitCode> {
  // Before the lock, so that a folder that is no run gets no lock file.
  await openRun(request.run);
  return await holdRun(request.run, async (database) => await resumeHeld(context, request, database));
}

async function resumeHeld(context: Context, request: ResumeRequest, database: RunDatabase): Promise<ExitCode> {
  const { run: path } = request;
  const opened = await openRun(path);
  const latest = await latestCheckpoint(path);
  const { data: then } = opened.record;
  const data = await openData(opened.config.data, { ...opened.config, paths: then.paths });
  const now = await recordData(opened.config.data, data, opened.config.images);
  requireSameData(path, then, now);
  const settings = mergeSettings({ ...opened.config }, settingsFromFlags(request.flags));
  const config = resolveConfig(settings, data, opened.config);
  if (latest !== undefined) {
    requireSameRun(latest.checkpoint, config, latest.file);
    requireMore(latest.checkpoint, request, opened.record.status);
    requireWork(latest.checkpoint, config, opened.record.status, path);
  }
  const from = latest?.checkpoint;
  const iteration = from?.iteration ?? 0;
  const filters = await readFilters(path, config);
  const session = context.engine.open(config, data.itemShape, filters);
  try {
    for (const { file, problem } of latest?.damaged ?? []) {
      const message = `${problem.replace(/\.$/, '')}; going on from iteration ${iteration} instead, and keeping it as ${await setAside(file)}.`;
      context.print(message);
      database.addEvent({ time: new Date().toISOString(), kind: 'checkpoint damaged', iteration, message });
    }
    await rewindRun(path, database, iteration);
    await writeConfig(path, config);
    const machine = describeMachine(config.threads, session.runtime);
    // What older runs do not say of their data is known from now on.
    const facts = { ...now, ...then };
    const record = { ...opened.record, status: 'running' as const, message: null, machine, data: facts };
    await writeRecord(path, record);
    context.print(
      from === undefined
        ? `Resuming ${path} from its beginning, as it has no checkpoint yet`
        : `Resuming ${path} after iteration ${iteration}`,
    );
    const run = { path, config, record };
    return await runTraining(context, { run, data, session, database, ...(from === undefined ? {} : { from }) });
  } finally {
    await session.close();
  }
}

function iterationsText(n: number): string {
  return `${n} ${n === 1 ? 'iteration' : 'iterations'}`;
}

/** Whether a run lacks nothing but what further training gives it. */
function isComplete(status: string): boolean {
  return status === 'finished' || status === 'out of time';
}

/** @throws UserError where `--iterations` asks for fewer than were done, or for no more of a run that has its samples and report */
function requireMore({ iteration }: Checkpoint, { run, flags }: ResumeRequest, status: string): void {
  if (flags['iterations'] === undefined) return;
  const asked = Number(flags['iterations']);
  if (asked > iteration || (asked === iteration && !isComplete(status))) return;
  throw new UserError(`${run} has already done ${iterationsText(iteration)}; --iterations must be more than that.`);
}

/** A run that was stopped after its last iteration still lacks its samples and report: only one that has them has no work. */
function requireWork({ iteration, seconds }: Checkpoint, config: RunConfig, status: string, run: string): void {
  if (!isComplete(status)) return;
  if (iteration >= config.iterations) {
    throw new UserError(
      `${run} has done its ${iterationsText(config.iterations)}; to go on, give it more with --iterations.`,
    );
  }
  if (config.minutes !== null && seconds.total >= config.minutes * 60) {
    throw new UserError(
      `${run} has used its ${config.minutes} ${config.minutes === 1 ? 'minute' : 'minutes'}; to go on, give it more with --minutes (or --minutes none).`,
    );
  }
}
