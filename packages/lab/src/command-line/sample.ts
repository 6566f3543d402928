import type { Command } from 'commander';
import { sampleCommand } from '../commands/sample.ts';
import { type Run, examples } from './define.ts';
import { addSampling, samplingFlags } from './sampling.ts';

interface SampleFlags {
  readonly n: string;
  readonly seed?: string;
  readonly out?: string;
  readonly size?: string;
  readonly label?: string;
}

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
    .option('--label <n,…>', 'labels of the samples, taken in turn, for models that are conditional on labels')
    .option('-o, --out <file>', 'a .png, .npy or .safetensors file (default: a PNG in the samples folder of the run)');
  addSampling(command);
  command.addHelpText(
    'after',
    examples(
      'brownian sample runs/mnist-wgcn-1',
      'brownian sample runs/mnist-wgcn-1 --n 1000 --seed 7 --out digits.npy',
      'brownian sample runs/mnist-ggcn-star-1 --label 3',
      'brownian sample runs/bricks-w-pgcn-1 --n 1 --size 256x256 --steps 2000',
    ),
  );
  command.action(async (folder: string, values: SampleFlags & Readonly<Record<string, string>>) => {
    const { n, seed, out, size, label } = values;
    const sampling = samplingFlags(values);
    await run((context) => sampleCommand(context, { run: folder, n, seed, out, size, label, sampling }));
  });
}
