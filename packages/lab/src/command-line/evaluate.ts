import type { Command } from 'commander';
import { type EvaluateRequest, evaluateCommand } from '../commands/evaluate.ts';
import { metricsHelp } from '../scoring/request.ts';
import { type Run, examples } from './define.ts';

/** `brownian evaluate` */
export function addEvaluate(program: Command, run: Run): void {
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
