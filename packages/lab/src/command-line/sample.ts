import { type Command, Option } from 'commander';
import { sampleCommand } from '../commands/sample.ts';
import { type Field, FIELDS, keyOf } from '../config/fields.ts';
import { kebab } from '../config/suggest.ts';
import { type Run, examples } from './define.ts';

interface SampleFlags {
  readonly n: string;
  readonly seed?: string;
  readonly out?: string;
  readonly size?: string;
}

/** How finished samples are drawn: the options of the group `sampling`, of whatever model. */
const SAMPLING: readonly Field[] = FIELDS.filter(({ group }) => group === 'sampling');

/** `brownian sample` */
export function addSample(program: Command, run: Run): void {
  const command = program
    .command('sample')
    .summary('draw samples from a trained run')
    .description('Draw samples from the newest checkpoint of a run.')
    .argument('<run>', 'folder of the run')
    .option('--n <n>', 'how many samples', '64')
    .option('--seed <n>', 'seed of the samples (default: that of the run)')
    .option('--size <HxW>', 'height and width, for potentials with weights per channel (default: that of the data)')
    .option('-o, --out <file>', 'a .png, .npy or .safetensors file (default: a PNG in the samples folder of the run)');
  for (const field of SAMPLING) {
    const choices = field.kind === 'choice' ? `: ${field.choices.join(', ')}` : '';
    const description = `${field.description}${choices} (default: that of the run)`;
    command.addOption(new Option(`--${kebab(keyOf(field))} <value>`, description).helpGroup('How samples are drawn:'));
  }
  command.addHelpText(
    'after',
    examples(
      'brownian sample runs/mnist-wgcn-1',
      'brownian sample runs/mnist-wgcn-1 --n 1000 --seed 7 --out digits.npy',
      'brownian sample runs/bricks-w-pgcn-1 --n 1 --size 256x256 --steps 2000',
    ),
  );
  command.action(async (folder: string, values: SampleFlags & Readonly<Record<string, string>>) => {
    const { n, seed, out, size } = values;
    const sampling = Object.fromEntries(SAMPLING.map((field) => [field.path, values[keyOf(field)]]));
    await run((context) => sampleCommand(context, { run: folder, n, seed, out, size, sampling }));
  });
}
