import type { Command } from 'commander';
import { type DetectRequest, detectCommand } from '../commands/detect.ts';
import { type NeighboursRequest, neighboursCommand } from '../commands/neighbours.ts';
import { type Run, examples } from './define.ts';

/** `brownian detect` */
function addDetect(program: Command, run: Run): void {
  program
    .command('detect')
    .summary('score items by how normal a trained model finds them')
    .description(
      'Score items by the potential of a trained model and measure how well that tells its data from others: AUROC, ROC curves and ' +
        'histograms on a page, and a file with a score per item, by its number and its file. Others are compared with data that the ' +
        'model did not learn from (--in): the last column of the file, p_value, is the share of these that are no more normal than the ' +
        'item. A run that learned from all of its data has none; train with --images.test-share, or give new ones. Otherwise they are ' +
        'compared with the data learned from, which makes new data look less normal than they are, and the page says so.',
    )
    .argument('<run>', 'folder of the run')
    .option(
      '--in <data>',
      'new data like those learned from, which others are compared with (default: those of the run that it did not learn from)',
    )
    .option(
      '--out <data...>',
      'data to tell apart, or to look for anomalies in: names, files or folders; interpolated for mixtures of pairs',
    )
    .option('--n <n>', 'items of each set, at most (default: 2000 to compare with, all of --out)')
    .option(
      '--as-run',
      'crop images of --in and --out, and take their range, as those of the run; default: scaled whole',
    )
    .option('--score <name>', 'potential, or typicality: nearness to the median Φ of data learned from', 'potential')
    .option('--seed <n>', 'seed of the choice of items (default: that of the run)')
    .option('--folder <folder>', 'where page and scores are written (default: detect in the run’s folder)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(
        'brownian detect runs/mnist-vapo-1 --out fashion-mnist interpolated',
        'brownian detect runs/mnist-wgcn-1 --out fashion-mnist --score typicality',
        'brownian train ./parts --model vapo --images.test-share 0.1',
        'brownian detect runs/parts-vapo-1 --out ./incoming',
        'brownian detect runs/parts-vapo-1 --in ./new-good-parts --out ./incoming --as-run',
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
