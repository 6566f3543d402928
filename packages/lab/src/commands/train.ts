import { UserError } from '../errors.ts';
import { dataOptions, mergeSettings, readSettings, resolveConfig, settingsFromFlags } from '../config/settings.ts';
import { openData } from '../data/open.ts';
import { recordData } from '../data/recorded.ts';
import { describeMachine } from '../runs/machine.ts';
import { holdRun } from '../runs/hold.ts';
import { createRun, freeRunPath } from '../runs/run.ts';
import { gatherFilters, writeFilters } from '../weights/filter-file.ts';
import type { Context, ExitCode } from './context.ts';
import { runTraining } from './training.ts';

/** What `brownian train` was given. */
export interface TrainRequest {
  readonly data: string | undefined;
  readonly configFile: string | undefined;
  readonly out: string | undefined;
  /** Text of the flags given, by option path. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/** `brownian train`: makes a run and trains it. @throws UserError for anything the user can put right. */
export async function trainCommand(context: Context, request: TrainRequest): Promise<ExitCode> {
  const fromFile = request.configFile === undefined ? {} : await readSettings(request.configFile);
  const settings = mergeSettings(fromFile, settingsFromFlags({ ...request.flags, data: request.data }));
  const name = settings['data'];
  if (typeof name !== 'string') {
    throw new UserError(
      'Say what to learn, for example: brownian train mnist (or put "data" into the configuration file).',
      {
        exitCode: 2,
      },
    );
  }
  const data = await openData(name, dataOptions(settings));
  const config = resolveConfig(settings, data);
  const filters = await gatherFilters(config, data, (text) => context.print(text));
  const session = context.engine.open(config, data.itemShape, filters?.layer);
  try {
    const path = request.out ?? (await freeRunPath(config, context.runsFolder));
    const run = await createRun(path, config, {
      command: context.commandLine,
      created: new Date().toISOString(),
      status: 'running',
      message: null,
      iterations: 0,
      seconds: { training: 0, sampling: 0, total: 0 },
      data: await recordData(name, data, config.images),
      machine: describeMachine(config.threads, session.runtime),
    });
    if (filters !== undefined) await writeFilters(path, filters);
    context.print(
      `Training ${config.model} on ${data.name} (${data.size} items) with ${session.runtime}; the run is in ${path}`,
    );
    return await holdRun(path, async (database) => await runTraining(context, { run, data, session, database }));
  } finally {
    await session.close();
  }
}
