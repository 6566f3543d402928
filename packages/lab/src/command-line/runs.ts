import type { Command } from 'commander';
import { reportCommand } from '../commands/report.ts';
import { compareCommand, deleteCommand, exportCommand, listCommand } from '../commands/runs.ts';
import { type Run, examples } from './define.ts';

/** `brownian report` */
export function addReport(program: Command, run: Run): void {
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

/** `brownian runs` and what is below it */
export function addRuns(program: Command, run: Run): void {
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
