import type { Command } from 'commander';
import { type DetectRequest, detectCommand } from '../commands/detect.ts';
import { type NeighboursRequest, neighboursCommand } from '../commands/neighbours.ts';
import { type Run, examples } from './define.ts';

/** Flags of these commands, for the spelling of a wrong one. */
export const DETECT_FLAGS: readonly string[] = ['--in', '--folder', '--score', '--k'];

/** `brownian detect` */
function addDetect(program: Command, run: Run): void {
  program
    .command('detect')
    .summary('score items by how normal a trained model finds them')
    .description(
      'Score items by the potential of a trained model and measure how well that tells its data from others: AUROC, ROC curves and ' +
        'histograms on a page, and a file with a score per item. The last column of that file, p_value, is the share of new data of ' +
        'the run that are no more normal than the item.',
    )
    .argument('<run>', 'folder of the run')
    .option('--in <data>', 'data like those learned from (default: those of the run that it did not learn from)')
    .option(
      '--out <data...>',
      'data to tell apart, or to look for anomalies in: names, files or folders; interpolated for mixtures of pairs',
    )
    .option('--n <n>', 'items of each set, at most', '2000')
    .option('--score <name>', 'potential, or typicality: nearness to the median Φ of data learned from', 'potential')
    .option('--seed <n>', 'seed of the choice of items (default: that of the run)')
    .option('--folder <folder>', 'where page and scores are written (default: detect in the run’s folder)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'brownian detect runs/mnist-vapo-1 --out fashion-mnist interpolated',
        'brownian detect runs/mnist-wgcn-1 --out fashion-mnist --score typicality',
        'brownian detect runs/parts-vapo-1 --out ./incoming',
      ),
    )
    .action(async (folder: string, values: Omit<DetectRequest, 'run'>) => {
      await run((context) => detectCommand(context, { ...values, run: folder }));
    });
}

/** `brownian neighbours` */
function addNeighbours(program: Command, run: Run): void {
  program
    .command('neighbours')
    .summary('show samples beside the training images nearest to them')
    .description('Draw samples beside the training images nearest to them, to see whether they are new or copies.')
    .argument('<run>', 'folder of the run')
    .option('--n <n>', 'how many samples', '8')
    .option('--k <n>', 'neighbours of each', '7')
    .option('--seed <n>', 'seed of the samples (default: that of the run)')
    .option('-o, --out <folder>', 'where picture and distances are written (default: neighbours in the run’s folder)')
    .addHelpText(
      'after',
      examples('brownian neighbours runs/mnist-vapo-1', 'brownian neighbours runs/mnist-wgcn-1 --n 20 --k 3'),
    )
    .action(async (folder: string, values: Omit<NeighboursRequest, 'run'>) => {
      await run((context) => neighboursCommand(context, { ...values, run: folder }));
    });
}

/** Commands that look at what a trained model has learned. */
export function addDetection(program: Command, run: Run): void {
  addDetect(program, run);
  addNeighbours(program, run);
}
