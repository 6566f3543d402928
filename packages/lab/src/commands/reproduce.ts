import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { nodeRuntime } from '@brownian/runtime/node';
import { type Command, Option } from 'commander';
import { UserError } from '../errors.ts';
import { listenForInterrupt } from '../interrupt.ts';
import type { Experiment } from '../reproduce/experiment.ts';
import { EXPERIMENTS } from '../reproduce/experiments.ts';
import { readScale } from '../reproduce/options.ts';
import { reproduce } from '../reproduce/reproduce.ts';
import { wholeNumber } from '../scoring/request.ts';
import type { Context, ExitCode } from './context.ts';

/** What `brownian reproduce <experiment>` was given, as text. */
type Given = Readonly<Record<string, string | undefined>>;

function limitOf(minutes: string | undefined): number | null {
  if (minutes === undefined) return null;
  const value = Number(minutes);
  if (Number.isFinite(value) && value > 0) return value * 60;
  throw new UserError(`--minutes is ${JSON.stringify(minutes)}; it must be a number above 0.`, { exitCode: 2 });
}

/** Runs the cells of an experiment that are missing and writes its report. @throws UserError for anything the user can put right */
async function reproduceCommand(context: Context, experiment: Experiment, given: Given): Promise<ExitCode> {
  const scale = readScale(experiment, given);
  const seconds = limitOf(given['minutes']);
  const asked = given['threads'];
  const threads = asked === undefined ? availableParallelism() : wholeNumber('--threads', asked, 1, 1024);
  const folder = given['out'] ?? join(context.runsFolder, `reproduce-${experiment.name}`);
  const interrupt = listenForInterrupt(() =>
    context.print('Stopping; the cell that is running is given up. Press Ctrl-C again to stop at once.'),
  );
  const runtime = nodeRuntime(asked === undefined ? {} : { threads });
  try {
    const bench = {
      runtime,
      threads,
      task: context.task(),
      stop: interrupt.signal,
      note: (text: string) => context.print(text),
    };
    const { done, planned, page, markdown } = await reproduce({
      experiment,
      scale,
      folder,
      command: context.commandLine,
      seconds,
      bench,
    });
    context.print(`${done} of ${planned} cells. Report: ${page}; table: ${markdown}`);
    if (done < planned) context.print(`Go on with the rest: ${context.commandLine}`);
    return interrupt.signal.aborted ? 130 : 0;
  } finally {
    interrupt.release();
    await runtime.dispose();
  }
}

/** Adds `brownian reproduce` and its experiments to the program. */
export function addReproduce(
  program: Command,
  run: (task: (context: Context) => Promise<ExitCode>) => Promise<void>,
  examples: (...lines: readonly string[]) => string,
): void {
  const command = program
    .command('reproduce')
    .summary('repeat an experiment of a paper')
    .description(
      'Repeat an experiment of a paper, at its settings or a stated scale. Cells are kept as they end: the same command goes on where it stopped.',
    )
    .addHelpText('after', examples(...EXPERIMENTS.map(({ name }) => `brownian reproduce ${name}`)));
  for (const experiment of EXPERIMENTS) {
    const sub = command
      .command(experiment.name)
      .summary(experiment.summary)
      .description(`${experiment.title} ${experiment.summary}.`);
    const own = Object.entries(experiment.options).map(([name, { meaning, standard }]) => {
      const option = new Option(
        `--${name} <${name}>`,
        standard === null ? meaning : `${meaning} (default: ${standard})`,
      );
      sub.addOption(option);
      return [name, option.attributeName()] as const;
    });
    sub
      .option('--minutes <n>', 'begin no cell after this time (default: run all)')
      .option('--threads <n>', 'CPU threads; one is best for small networks (default: all cores)')
      .option('-o, --out <folder>', `where cells and report are kept (default: runs/reproduce-${experiment.name})`)
      .addHelpText('after', examples(...experiment.examples))
      .action(async (values: Given) => {
        // commander keeps image-time as imageTime.
        const given = { ...values, ...Object.fromEntries(own.map(([name, key]) => [name, values[key]])) };
        await run((context) => reproduceCommand(context, experiment, given));
      });
  }
}
