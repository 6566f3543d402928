import type { Command } from 'commander';
import { fetchCommand, inspectCommand } from '../commands/data.ts';
import { FIELDS } from '../config/fields.ts';
import { commandOptions, flagValues, modelIn } from '../config/flags.ts';
import { type Run, examples } from './define.ts';

/** Options of a run that say how data are opened. */
const DATA_OPTIONS: readonly string[] = FIELDS.filter(
  ({ path, group }) => group === 'images' || path === 'limit' || path === 'seed',
).map(({ path }) => path);

/** `brownian data` and what is below it */
export function addData(program: Command, argv: readonly string[], run: Run): void {
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
