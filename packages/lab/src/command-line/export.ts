import type { Command } from 'commander';
import { type ExportRequest, exportCommand } from '../commands/export.ts';
import { type Run, examples } from './define.ts';

/** `brownian export` */
export function addExport(program: Command, run: Run): void {
  program
    .command('export')
    .summary('write a trained model as ONNX files')
    .description(
      'Write the functions of a trained model (potential, Langevin step, features, generator, …) as ONNX files that run without Brownian, with a model card.',
    )
    .argument('<run>', 'folder of the run')
    .option('--batch <n>', 'items at a time, for functions that cannot take any number (default: as in training)')
    .option('-o, --out <folder>', 'where files are written (default: export in the run’s folder)')
    .addHelpText(
      'after',
      examples('brownian export runs/mnist-wgcn-1', 'brownian export runs/mnist-dcgan-1 --batch 16 --out ./model'),
    )
    .action(async (folder: string, values: Omit<ExportRequest, 'run'>) => {
      await run((context) => exportCommand(context, { ...values, run: folder }));
    });
}
