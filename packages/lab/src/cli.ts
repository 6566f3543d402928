import { readFileSync, realpathSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { DataError, MODELS } from 'brownian';
import { Command, CommanderError } from 'commander';
import type { Context, ExitCode } from './commands/context.ts';
import { type EvaluateRequest, evaluateCommand } from './commands/evaluate.ts';
import { fetchCommand, inspectCommand } from './commands/data.ts';
import { reportCommand } from './commands/report.ts';
import { addReproduce } from './commands/reproduce.ts';
import { RESUMABLE, resumeCommand } from './commands/resume.ts';
import { compareCommand, deleteCommand, exportCommand, listCommand } from './commands/runs.ts';
import { sampleCommand } from './commands/sample.ts';
import { trainCommand } from './commands/train.ts';
import { commandOptions, flagNames, flagValues, modelIn, spellFlags } from './config/flags.ts';
import { FIELDS } from './config/fields.ts';
import { nearest } from './config/suggest.ts';
import { type Engine, nodeEngine } from './engine.ts';
import { UserError } from './errors.ts';
import { barProgress, lineProgress } from './progress.ts';
import { metricsHelp } from './scoring/request.ts';
import { barTask, lineTask } from './task-progress.ts';

/** Flags of `evaluate`, for the spelling of a wrong one. */
const EVALUATE_FLAGS = ['--against', '--split', '--metrics', '--reference', '--network', '--network-spec', '--json'];

type Run = (task: (context: Context) => Promise<ExitCode>) => Promise<void>;

function version(): string {
  const file = fileURLToPath(new URL('../package.json', import.meta.url));
  const { version: value } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return value;
}

/** Examples at the end of a command's help. */
function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`;
}

function addTrain(program: Command, argv: readonly string[], run: Run): void {
  const model = modelIn(argv);
  const models = Object.entries(MODELS).map(
    ([name, { title, description }]) => `  ${name.padEnd(8)} ${title}: ${description}`,
  );
  const command = program
    .command('train')
    .summary('train a model and write its report')
    .description(
      'Train a model on images or points. Makes a run: a folder with configuration, metrics, checkpoints, samples and a report.',
    )
    .argument('[data]', 'mnist, cifar-10, …, a toy distribution such as 8-gaussians, or a file or folder of images')
    .option('-c, --config <file>', 'JSON file of options, by the names in the groups below; flags win over it')
    .option('-o, --out <folder>', 'where to put the run (default: runs/<data>-<model>-<number>)');
  for (const option of commandOptions(model)) command.addOption(option);
  command.addHelpText(
    'after',
    `\nDefaults are those of ${model} on 28×28 images; --model <name> --help shows those of another.`,
  );
  command.addHelpText('after', `\nModels:\n${models.join('\n')}`);
  command.addHelpText(
    'after',
    examples(
      'brownian train mnist --minutes 4',
      'brownian train mnist --model gcn --iterations 500 --steps 40 --out runs/first',
      'brownian train 8-gaussians --iterations 1000',
      'brownian train ./my-photos --images.size 64 --images.flip true',
      'brownian train faces.tar.gz --images.crop 80 --images.size 64 --config experiment.json',
    ),
  );
  command.action(async (data: string | undefined, values: Readonly<Record<string, unknown>>) => {
    const { config, out } = values as { readonly config?: string; readonly out?: string };
    await run((context) => trainCommand(context, { data, configFile: config, out, flags: flagValues(values) }));
  });
}

function addResume(program: Command, argv: readonly string[], run: Run): void {
  const command = program
    .command('resume')
    .summary('go on with a run from its newest checkpoint')
    .description('Go on with a run from its newest checkpoint; the result is the same as if it had never stopped.')
    .argument('<run>', 'folder of the run');
  for (const option of commandOptions(modelIn(argv), RESUMABLE)) command.addOption(option);
  command.addHelpText('after', '\nOptions that are not given stay as they were.');
  command.addHelpText(
    'after',
    examples('brownian resume runs/mnist-wgcn-1', 'brownian resume runs/mnist-wgcn-1 --iterations 5000'),
  );
  command.action(async (folder: string, values: Readonly<Record<string, unknown>>) => {
    await run((context) => resumeCommand(context, { run: folder, flags: flagValues(values) }));
  });
}

interface SampleFlags {
  readonly n: string;
  readonly seed?: string;
  readonly out?: string;
  readonly size?: string;
  readonly steps?: string;
}

function addSample(program: Command, run: Run): void {
  program
    .command('sample')
    .summary('draw samples from a trained run')
    .description('Draw samples from the newest checkpoint of a run.')
    .argument('<run>', 'folder of the run')
    .option('--n <n>', 'how many samples', '64')
    .option('--seed <n>', 'seed of the samples (default: that of the run)')
    .option('--size <HxW>', 'height and width, for potentials with weights per channel (default: that of the data)')
    .option('--steps <n>', 'Langevin steps of a sample (default: sampling.steps of the run)')
    .option('-o, --out <file>', 'a .png, .npy or .safetensors file (default: a PNG in the samples folder of the run)')
    .addHelpText(
      'after',
      examples(
        'brownian sample runs/mnist-wgcn-1',
        'brownian sample runs/mnist-wgcn-1 --n 1000 --seed 7 --out digits.npy',
        'brownian sample runs/bricks-w-pgcn-1 --n 1 --size 256x256 --steps 2000',
      ),
    )
    .action(async (folder: string, values: SampleFlags) => {
      const { n, seed, out, size, steps } = values;
      await run((context) => sampleCommand(context, { run: folder, n, seed, out, size, steps }));
    });
}

function addEvaluate(program: Command, run: Run): void {
  program
    .command('evaluate')
    .summary('score a run, or images, against data')
    .description(
      'Score samples of a run, or the items of a folder or file, against data. Scores of a run are kept in it.',
    )
    .argument('<what>', 'folder of a run, or data: a folder or file of images or points')
    .option('--against <data>', 'the data to compare with (default: those that a run learned from)')
    .option('--split <part>', 'train or test part of those data (default: test, if there is one)')
    .option('--metrics <list>', 'names from the list below, with commas between (default: what suits the data)')
    .option('--samples <n>', 'how many samples of a run, or items (default: 1000 of a run, up to 10000 items)')
    .option('--reference <n>', 'how many items of the data (default: up to 10000)')
    .option('--network <name>', 'classifier (of the data, trained once), values, or an .onnx file')
    .option(
      '--network-spec <json>',
      'what that file expects: JSON, or a file of it (default: the .json file beside it)',
    )
    .option('--seed <n>', 'seed of samples, choices and projections (default: that of the run, or 1)')
    .option('--json', 'print JSON')
    .addHelpText('after', `\nMetrics:\n${metricsHelp()}`)
    .addHelpText(
      'after',
      examples(
        'brownian evaluate runs/mnist-wgcn-1',
        'brownian evaluate runs/mnist-wgcn-1 --metrics fid,kid,pr --samples 5000 --json',
        'brownian evaluate ./my-images --against mnist --network inception.onnx',
        'brownian evaluate ./inpainted --against ./originals --metrics mse,psnr,ssim',
        'brownian evaluate runs/8-gaussians-gcn-1 --metrics modes,sw',
      ),
    )
    .action(async (what: string, values: Omit<EvaluateRequest, 'what'>) => {
      await run((context) => evaluateCommand(context, { ...values, what }));
    });
}

function addReport(program: Command, run: Run): void {
  program
    .command('report')
    .summary('write the report of a run anew')
    .description('Write report.html of a run anew from what its folder holds; works while the run goes on.')
    .argument('<run>', 'folder of the run')
    .addHelpText('after', examples('brownian report runs/mnist-wgcn-1'))
    .action(async (folder: string) => {
      await run((context) => reportCommand(context, folder));
    });
}

function addRuns(program: Command, run: Run): void {
  const runs = program
    .command('runs')
    .summary('list, compare, delete and export runs')
    .description('List runs; or compare, delete or export them.')
    .addHelpText(
      'after',
      examples(
        'brownian runs',
        'brownian runs compare runs/mnist-wgcn-1 runs/mnist-wgcn-2',
        'brownian runs delete runs/mnist-wgcn-1',
        'brownian runs export runs/mnist-wgcn-1 --format tensorboard --out logs/wgcn',
      ),
    );
  runs
    .command('list', { isDefault: true })
    .description('List the runs of a folder: model, data, iterations, state, score, when. (Also without "list".)')
    .argument('[folder]', 'folder of runs (default: runs)')
    .addHelpText('after', examples('brownian runs', 'brownian runs list experiments'))
    .action(async (folder: string | undefined) => await run((context) => listCommand(context, folder)));
  runs
    .command('compare')
    .description('Print the settings in which runs differ and their results; write a page with their curves overlaid.')
    .argument('<runs...>', 'folders of the runs')
    .option('-o, --out <file>', 'the page (default: comparison.html beside the first run)')
    .addHelpText('after', examples('brownian runs compare runs/mnist-gcn-1 runs/mnist-wgcn-1 --out jko.html'))
    .action(async (paths: string[], { out }: { readonly out?: string }) => {
      await run((context) => compareCommand(context, paths, out));
    });
  runs
    .command('delete')
    .description('Delete runs for good, with all their files. A run in progress is refused.')
    .argument('<runs...>', 'folders of the runs')
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('brownian runs delete runs/mnist-gcn-1', 'brownian runs delete runs/* --yes'))
    .action(async (paths: string[], { yes = false }: { readonly yes?: boolean }) => {
      await run((context) => deleteCommand(context, paths, yes));
    });
  runs
    .command('export')
    .description('Write the metrics of a run for other tools; for TensorBoard with the pictures of its particles.')
    .argument('<run>', 'folder of the run')
    .requiredOption('-f, --format <name>', 'csv or tensorboard')
    .requiredOption('-o, --out <path>', 'the file (csv), or the folder for tensorboard --logdir')
    .addHelpText(
      'after',
      examples(
        'brownian runs export runs/mnist-wgcn-1 --format csv --out metrics.csv',
        'brownian runs export runs/mnist-wgcn-1 --format tensorboard --out logs/wgcn',
      ),
    )
    .action(async (path: string, options: { readonly format: string; readonly out: string }) => {
      await run((context) => exportCommand(context, path, options));
    });
}

/** Options of a run that say how data are opened. */
const DATA_OPTIONS: readonly string[] = FIELDS.filter(
  ({ path, group }) => group === 'images' || path === 'limit' || path === 'seed',
).map(({ path }) => path);

function addData(program: Command, argv: readonly string[], run: Run): void {
  const data = program
    .command('data')
    .summary('look at data, or fetch public data sets')
    .description('Look at data, or fetch public data sets.');
  const inspect = data
    .command('inspect')
    .summary('count, shapes, classes, values and a contact sheet')
    .description('Say what a data set holds: count, shapes, classes, range of values; and draw a contact sheet.')
    .argument('<data>', 'what brownian train takes')
    .option('--split <name>', 'train or test', 'train')
    .option('-o, --out <file>', 'the contact sheet (default: <data>-<split>.png)');
  for (const option of commandOptions(modelIn(argv), DATA_OPTIONS)) inspect.addOption(option);
  inspect.addHelpText(
    'after',
    examples('brownian data inspect ./my-photos', 'brownian data inspect faces.zip --images.crop 80 --images.size 64'),
  );
  inspect.action(async (name: string, values: Readonly<Record<string, unknown>>) => {
    const { split, out } = values as { readonly split?: string; readonly out?: string };
    await run((context) => inspectCommand(context, { data: name, split, out, flags: flagValues(values) }));
  });
  data
    .command('fetch')
    .summary('fetch a public data set into the cache')
    .description(
      'Fetch a public data set from its home, check it, and keep it in the cache (BROWNIAN_CACHE); goes on where it stopped.',
    )
    .argument(
      '[name]',
      'mnist, fashion-mnist, cifar-10, cifar-100, celeba or tiny-imagenet; without one they are listed',
    )
    .addHelpText('after', examples('brownian data fetch', 'brownian data fetch cifar-10'))
    .action(async (name: string | undefined) => {
      await run((context) => fetchCommand(context, name));
    });
}

/** One sentence for a command line that commander could not make sense of. */
function usageProblem(error: CommanderError): string {
  const text = error.message.replace(/^error: /, '').split('\n')[0] ?? '';
  const flag = error.code === 'commander.unknownOption' ? /'--([^']+)'/.exec(text)?.[1] : undefined;
  if (flag === undefined) return `${text.charAt(0).toUpperCase()}${text.slice(1)}; see brownian --help.`;
  const guess = nearest(flag, flagNames(['--config', '--out', '--n', '--size', ...EVALUATE_FLAGS]));
  return guess === undefined
    ? `There is no option --${flag}; see brownian train --help for all of them.`
    : `There is no option --${flag}; did you mean --${guess}?`;
}

/** What the command prints, and where: tests collect it. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** The stream to draw a progress bar on, when there is a person to see it. */
  readonly bar: NodeJS.WriteStream | null;
  /** Asks for a line of text; null when there is nobody to answer. */
  readonly ask: ((question: string) => Promise<string>) | null;
}

const PROCESS_TERMINAL: Terminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  bar: process.stderr.isTTY ? process.stderr : null,
  ask: process.stdin.isTTY ? askTerminal : null,
};

async function askTerminal(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

/** Asks a question; anything but yes is no. */
async function confirm(terminal: Terminal, question: string): Promise<boolean> {
  if (terminal.ask === null)
    throw new UserError(`There is nobody to answer "${question}"; give --yes to go ahead without asking.`);
  const answer = await terminal.ask(`${question} [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}

function fail(error: unknown, debug: boolean, terminal: Terminal): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    terminal.err(`brownian: ${usageProblem(error)}\n`);
    return 2;
  }
  const message = error instanceof Error ? error.message : String(error);
  const expected = error instanceof UserError || error instanceof DataError;
  terminal.err(`brownian: ${message}${expected || debug ? '' : ' (Run again with --debug for the stack.)'}\n`);
  if (debug && error instanceof Error) terminal.err(`${error.stack ?? ''}\n`);
  return error instanceof UserError ? error.exitCode : 1;
}

/** A command line that gives the same run again. */
function retype(argv: readonly string[]): string {
  const quoted = argv.map((argument) =>
    /^[\w./:,=+@%-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`,
  );
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
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: () => undefined })
    .showSuggestionAfterError(false)
    .exitOverride();
  addTrain(program, argv, run);
  addResume(program, argv, run);
  addSample(program, run);
  addEvaluate(program, run);
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
    return fail(error, debug, terminal);
  }
}

/** Whether this file is the program that node was asked to run, as `node --import tsx src/cli.ts` does. */
function isProgram(): boolean {
  const program = process.argv[1];
  return program !== undefined && realpathSync(program) === fileURLToPath(import.meta.url);
}

if (isProgram()) process.exitCode = await main(process.argv.slice(2));
