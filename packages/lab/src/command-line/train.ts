import { MODELS } from 'brownian';
import type { Command } from 'commander';
import { RESUMABLE, resumeCommand } from '../commands/resume.ts';
import { trainCommand } from '../commands/train.ts';
import { commandOptions, flagValues, modelIn } from '../config/flags.ts';
import { type Run, examples } from './define.ts';

/** `brownian train` */
export function addTrain(program: Command, argv: readonly string[], run: Run): void {
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

/** `brownian resume` */
export function addResume(program: Command, argv: readonly string[], run: Run): void {
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
