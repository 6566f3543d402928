import type { Command } from 'commander';
import { type InpaintRequest, inpaintCommand } from '../commands/inpaint.ts';
import { type InterpolateRequest, interpolateCommand } from '../commands/interpolate.ts';
import { reconstructCommand } from '../commands/reconstruct.ts';
import type { TaskRequest } from '../commands/task.ts';
import { type Run, examples } from './define.ts';
import { addSampling, samplingFlags } from './sampling.ts';

const IMAGES =
  'a folder or file of images, or a data set by name (default: images of the run’s data that it did not learn from)';

/** Flags of tasks that compare images with what they should be. */
function addComparison(command: Command, task: string): Command {
  return command
    .option('--n <n>', 'how many images, at most', '100')
    .option('--seed <n>', 'seed of choices and draws (default: that of the run)')
    .option('--network <name>', 'features of FID: classifier (of the data, trained once), values, or an .onnx file')
    .option(
      '--network-spec <json>',
      'what that file expects: JSON, or a file of it (default: the .json file beside it)',
    )
    .option('-o, --out <folder>', `where pictures and scores are written (default: ${task} in the run’s folder)`)
    .option('--json', 'print JSON');
}

/** `brownian inpaint` */
function addInpaint(program: Command, run: Run): void {
  const command = program
    .command('inpaint')
    .summary('complete images of which a part is missing')
    .description(
      'Leave out a part of images and let a trained model complete them, beside trivial fillings: a picture and scores (MSE, PSNR, SSIM, FID).',
    )
    .argument('<run>', 'folder of the run')
    .argument('[images]', IMAGES)
    .option('--mask <list>', 'square, spots, both, or an image of that size whose white is missing', 'square')
    .option(
      '--method <name>',
      'encode: latents that agree with the known pixels, decoded; dynamics: Langevin steps, the known pixels held; both (default: encode, if the model can)',
    );
  addComparison(command, 'inpaint');
  addSampling(command);
  command
    .addHelpText(
      'after',
      examples(
        'brownian inpaint runs/mnist-wgcn-1',
        'brownian inpaint runs/mnist-wgcn-1 --mask square,spots,both --n 500',
        'brownian inpaint runs/faces-ggcn-1 ./holiday --mask ./scratch.png',
        'brownian inpaint runs/mnist-wgcn-1 --steps 1000 --json',
      ),
    )
    .action(async (folder: string, images: string | undefined, values: Omit<InpaintRequest, 'run' | 'sampling'>) => {
      const given = { ...values, ...(images !== undefined && { images }), sampling: samplingFlags(values) };
      await run((context) => inpaintCommand(context, { ...given, run: folder }));
    });
}

/** `brownian reconstruct` */
function addReconstruct(program: Command, run: Run): void {
  const command = program
    .command('reconstruct')
    .summary('encode images and decode them again')
    .description('Encode images into the latents of a trained model and decode them again: a picture and scores.')
    .argument('<run>', 'folder of the run')
    .argument('[images]', IMAGES);
  addComparison(command, 'reconstruct')
    .addHelpText(
      'after',
      examples('brownian reconstruct runs/mnist-ggcn-1', 'brownian reconstruct runs/faces-ggcn-1 ./holiday'),
    )
    .action(async (folder: string, images: string | undefined, values: Omit<TaskRequest, 'run' | 'sampling'>) => {
      const given = { ...values, ...(images !== undefined && { images }), sampling: {} };
      await run((context) => reconstructCommand(context, { ...given, run: folder }));
    });
}

/** `brownian interpolate` */
function addInterpolate(program: Command, run: Run): void {
  program
    .command('interpolate')
    .summary('go from one sample or image to another')
    .description(
      'Go from one latent of a trained model to another in even steps: a picture, and how smoothly the rows change.',
    )
    .argument('<run>', 'folder of the run')
    .argument('[images]', `images to go between, two per row: ${IMAGES}`)
    .option(
      '--between <what>',
      'samples, or images, which are encoded (default: samples, or the images that are given)',
    )
    .option('--rows <n>', 'how many ways', '8')
    .option('--midpoints <n>', 'images between the two ends of a row', '8')
    .option('--path <name>', 'linear, between ends clipped to [-1, 1], or spherical (default: that of the model)')
    .option('--seed <n>', 'seed of the ends (default: that of the run)')
    .option('-o, --out <folder>', 'where picture and steps are written (default: interpolate in the run’s folder)')
    .addHelpText(
      'after',
      examples(
        'brownian interpolate runs/mnist-ggcn-1',
        'brownian interpolate runs/mnist-ggcn-1 --rows 4 --midpoints 14 --path spherical',
        'brownian interpolate runs/faces-ggcn-1 --between images',
      ),
    )
    .action(async (folder: string, images: string | undefined, values: Omit<InterpolateRequest, 'run'>) => {
      const given = { ...values, ...(images !== undefined && { images }) };
      await run((context) => interpolateCommand(context, { ...given, run: folder }));
    });
}

/** Commands that put a trained model to use. */
export function addTasks(program: Command, run: Run): void {
  addInpaint(program, run);
  addInterpolate(program, run);
  addReconstruct(program, run);
}
