import { tanh } from '@brownian/graph';
import { ACTIVATIONS } from '../nets/activations.ts';
import { autoEncoder } from '../nets/auto-encoder.ts';
import { dcganGenerator } from '../nets/dcgan.ts';
import { V0_CHANNELS, v0Generator } from '../nets/ggcn-v0.ts';
import { type Generator, labelledGenerator } from '../nets/labelled.ts';
import { mlp } from '../nets/mlp.ts';
import type { Layer } from '../nets/net.ts';
import { resNet50Generator } from '../nets/resnet50.ts';
import { keepingKnown } from './masked.ts';
import type { GeneratorNet, HiddenOptions, UpsamplingOptions } from './options.ts';

const activation = ACTIVATIONS.leakyRelu;

/** The generators that options can name. */
const GENERATORS: Readonly<Record<GeneratorNet, (output: readonly number[], width: number) => Layer>> = {
  dcgan: (output, width) => dcganGenerator({ output, width, norm: 'image' }),
  v0: (output, width) =>
    v0Generator(
      output,
      V0_CHANNELS.map((channels) => (channels / (V0_CHANNELS[0] as number)) * width),
    ),
  resnet50: (output, width) => resNet50Generator(output, { width }),
  // Points have no bounds.
  mlp: (output, width) =>
    mlp({ widths: [width, width], output, activation, ...(output.length === 3 && { last: tanh }) }),
  linear: (output) => mlp({ widths: [], output, activation }),
  'auto-encoder': (output, width) => autoEncoder({ output, width }),
};

/**
 * The generator that options describe.
 *
 * @param dim length of a latent
 * @param start where latents begin; what is known of `masked` images is left as it is
 * @param classes labels it takes; 0 for none
 * @throws RangeError when the network does not fit items of this shape
 */
export function buildGenerator(
  { net, width, embedding }: Pick<UpsamplingOptions, 'net' | 'width' | 'embedding'>,
  output: readonly number[],
  {
    dim,
    classes,
    start = 'normal',
  }: Pick<HiddenOptions, 'dim'> & {
    readonly classes: number;
    readonly start?: HiddenOptions['start'];
  },
): Generator {
  if (output.length !== 3 && net !== 'mlp' && net !== 'linear')
    throw new RangeError(
      `upsampling.net "${net}" makes images [channels, height, width], these items have shape [${output.join(', ')}]; take mlp.`,
    );
  const generator = labelledGenerator(GENERATORS[net](output, width), { dim, classes, embedding });
  return start === 'masked' ? keepingKnown(generator) : generator;
}
