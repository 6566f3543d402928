import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DataError } from 'brownian';
import { Command, CommanderError } from 'commander';
import { addData } from './command-line/data.ts';
import { type Run, examples } from './command-line/define.ts';
import { addDetection } from './command-line/detect.ts';
import { addEvaluate } from './command-line/evaluate.ts';
import { addExport } from './command-line/export.ts';
import { addReport, addRuns } from './command-line/runs.ts';
import { addSample } from './command-line/sample.ts';
import { PROCESS_TERMINAL, type Terminal, confirm } from './command-line/terminal.ts';
import { addTasks } from './command-line/tasks.ts';
import { addResume, addTrain } from './command-line/train.ts';
import { usageProblem } from './command-line/usage.ts';
import type { Context } from './commands/context.ts';
import { spellFlags } from './config/flags.ts';
import { addReproduce } from './commands/reproduce.ts';
import { type Engine, nodeEngine } from './engine.ts';
import { UserError } from './errors.ts';
import { quoteArgument } from './shell-words.ts';
import { barProgress, lineProgress } from './progress.ts';
import { barTask, lineTask } from './task-progress.ts';
import { version } from './version.ts';

function fail(error: unknown, debug: boolean, terminal: Terminal): number {
  const message = error instanceof Error ? error.message : String(error);
  const expected = error instanceof UserError || error instanceof DataError;
  terminal.err(`brownian: ${message}${expected || debug ? '' : ' (Run again with --debug for the stack.)'}\n`);
  if (debug && error instanceof Error) terminal.err(`${error.stack ?? ''}\n`);
  return error instanceof UserError ? error.exitCode : 1;
}

/** Prints the help that commander gives where a command lacks its subcommand, which is no problem. */
function helped(error: CommanderError, text: string, terminal: Terminal): boolean {
  const help = error.code === 'commander.help';
  if (help) terminal.out(text);
  return help;
}

/** A command line that gives the same run again. */
function retype(argv: readonly string[]): string {
  const quoted = argv.map(quoteArgument);
  return ['brownian', ...quoted.filter((argument) => argument !== '--debug')].join(' ');
}

/**
 * The `brownian` command.
 *
 * @param argv arguments after the program's name.
 * @returns the exit code: 0, 1 for an error, 2 for a command line that cannot be understood, 130 after Ctrl-C.
 */
export async function main(
  argv: readonly string[],
  engine: Engine = nodeEngine,
  terminal: Terminal = PROCESS_TERMINAL,
): Promise<number> {
  let exitCode: number = 0;
  let told = '';
  const context: Context = {
    engine,
    print: (line) => terminal.out(`${line}\n`),
    progress: () =>
      terminal.bar === null ? lineProgress((line) => terminal.out(`${line}\n`)) : barProgress(terminal.bar),
    task: () => (terminal.bar === null ? lineTask((line) => terminal.out(`${line}\n`)) : barTask(terminal.bar)),
    confirm: (question) => confirm(terminal, question),
    commandLine: retype(argv),
    runsFolder: 'runs',
  };
  const run: Run = async (task) => {
    exitCode = await task(context);
  };
  const program = new Command('brownian')
    .description('Energy-based generative modelling by particle evolution.')
    .version(version(), '-V, --version')
    .option('--debug', 'print the stack of an unexpected error')
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => void (told += text),
    })
    .showSuggestionAfterError(false)
    .exitOverride();
  addTrain(program, argv, run);
  addResume(program, argv, run);
  addSample(program, run);
  addEvaluate(program, run);
  addTasks(program, run);
  addDetection(program, run);
  addExport(program, run);
  addReport(program, run);
  addRuns(program, run);
  addData(program, argv, run);
  addReproduce(program, run, examples);
  program.addHelpText(
    'after',
    examples('brownian train mnist --minutes 4', 'brownian sample runs/mnist-wgcn-1', 'brownian train --help'),
  );
  const debug = argv.includes('--debug');
  const given = argv.filter((argument) => argument !== '--debug');
  try {
    if (given.length === 0) program.outputHelp();
    else await program.parseAsync(spellFlags(given), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return fail(error, debug, terminal);
    if (helped(error, told, terminal) || error.exitCode === 0) return 0;
    terminal.err(`brownian: ${usageProblem(error, program, given)}\n`);
    return 2;
  }
}

/** Whether this file is the program that node was asked to run, as `node --import tsx src/cli.ts` does. */
function isProgram(): boolean {
  const program = process.argv[1];
  return program !== undefined && realpathSync(program) === fileURLToPath(import.meta.url);
}

if (isProgram()) process.exitCode = await main(process.argv.slice(2));
