import { UserError } from '../errors.ts';
import { mergeSettings, resolveConfig, settingsFromFlags } from '../config/settings.ts';
import { openData } from '../data/open.ts';
import { requireSameRun } from '../loop.ts';
import type { Checkpoint } from '../runs/checkpoint.ts';
import type { RunConfig } from '../config/schema.ts';
import { describeMachine } from '../runs/machine.ts';
import { openRun, writeConfig, writeRecord } from '../runs/run.ts';
import { latestCheckpoint, rewindRun } from '../runs/store.ts';
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
];

/** `brownian resume`: continues a run from its newest checkpoint. @throws UserError for anything the user can put right. */
export async function resumeCommand(context: Context, request: ResumeRequest): Promise<ExitCode> {
  const opened = await openRun(request.run);
  const latest = await latestCheckpoint(request.run);
  if (latest === undefined)
    throw new UserError(
      `${request.run} has no checkpoint to resume from; start it again with: ${opened.record.command}`,
    );
  const data = await openData(opened.config.data, { limit: opened.config.limit, seed: opened.config.seed });
  const settings = mergeSettings({ ...opened.config }, settingsFromFlags(request.flags));
  const config = resolveConfig(settings, data);
  requireSameRun(latest.checkpoint, config, latest.file);
  requireWork(latest.checkpoint, config, request.run);
  const filters = await readFilters(request.run, config);
  const session = context.engine.open(config, data.itemShape, filters);
  try {
    await rewindRun(request.run, latest.checkpoint.iteration);
    await writeConfig(request.run, config);
    const record = {
      ...opened.record,
      status: 'running' as const,
      message: null,
      machine: describeMachine(config.threads, session.runtime),
    };
    await writeRecord(request.run, record);
    context.print(`Resuming ${request.run} after iteration ${latest.checkpoint.iteration}`);
    return await runTraining(context, {
      run: { path: request.run, config, record },
      data,
      session,
      from: latest.checkpoint,
    });
  } finally {
    await session.close();
  }
}

function requireWork({ iteration, seconds }: Checkpoint, config: RunConfig, run: string): void {
  if (iteration >= config.iterations) {
    throw new UserError(
      `${run} has done its ${config.iterations} iterations; to go on, give it more with --iterations.`,
    );
  }
  if (config.minutes !== null && seconds.total >= config.minutes * 60) {
    throw new UserError(
      `${run} has used its ${config.minutes} minutes; to go on, give it more with --minutes (or --minutes none).`,
    );
  }
}
