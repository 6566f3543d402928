import type { Potential } from '../interfaces.ts';
import { ACTIVATIONS } from '../nets/activations.ts';
import { gaborBank } from '../nets/gabor.ts';
import { conv, dense, flatten, pointwise } from '../nets/layers.ts';
import { v0Synthesizer } from '../nets/ggcn-v0.ts';
import { type Layer, chain } from '../nets/net.ts';
import { resNet50 } from '../nets/resnet50.ts';
import { descriptor } from '../potentials/descriptor.ts';
import type { BuiltInNet, DescriptorOptions } from './options.ts';

/** A network that options can name, and what has to be known of it. */
interface NamedNet {
  readonly takes: 'images' | 'points';
  /** Whether its filters are learned; θ starts at zero over fixed ones. */
  readonly learned: boolean;
  readonly layer: (options: DescriptorOptions) => Layer;
}

/** Convolutions of stride 2 and, with `hidden`, a dense layer: the learned filters of small images. */
export function convolutions({
  channels,
  kernels,
  hidden,
  activation,
}: Pick<DescriptorOptions, 'channels' | 'kernels' | 'hidden' | 'activation'>): Layer {
  if (kernels.length === 0) throw new RangeError('potential.kernels must have at least one kernel for the net "conv".');
  const act = pointwise(ACTIVATIONS[activation]);
  const layers = channels.flatMap((count, i) => {
    const kernel = kernels[Math.min(i, kernels.length - 1)] as number;
    return [conv({ channels: count, kernel, stride: 2, padding: Math.floor((kernel - 1) / 2) }), act];
  });
  return chain(...layers, ...(hidden > 0 ? [flatten(), dense(hidden), act] : []));
}

/**
 * The descriptors of multi-grid models, after Gao et al. 2018: the strided convolutions of `conv` for images of more than 16 pixels; for smaller
 * grids 3×3 ones of stride 1, without the widest below 8 pixels, of which the last has stride 2.
 */
function gridConvolutions(options: DescriptorOptions): Layer {
  const act = pointwise(ACTIVATIONS[options.activation]);
  return (inputShape) => {
    const size = Math.min(...inputShape.slice(1));
    if (size > 16) return convolutions(options)(inputShape);
    const { channels, hidden } = options;
    const kept = size < 8 && channels.length > 2 ? channels.slice(1) : channels;
    const layers = kept.flatMap((count, i) => [
      conv({ channels: count, kernel: 3, stride: i + 1 === kept.length ? 2 : 1 }),
      act,
    ]);
    return chain(...layers, ...(hidden > 0 ? [flatten(), dense(hidden), act] : []))(inputShape);
  };
}

function residual({ channels }: DescriptorOptions): Layer {
  const [width] = channels;
  if (width !== undefined && channels.length === 1) return resNet50({ width });
  throw new RangeError(
    `potential.channels is ${channels.join(', ')}; the net "resnet50" takes one number, the channels of its first stage, which are 64.`,
  );
}

/** The networks that come with the library, by the name under which options choose them. */
const NETS: Readonly<Record<BuiltInNet, NamedNet>> = {
  conv: { takes: 'images', learned: true, layer: convolutions },
  grid: { takes: 'images', learned: true, layer: gridConvolutions },
  gabor: { takes: 'images', learned: false, layer: () => gaborBank() },
  v0: { takes: 'images', learned: true, layer: ({ channels }) => v0Synthesizer(channels) },
  resnet50: { takes: 'images', learned: true, layer: residual },
  mlp: {
    takes: 'points',
    learned: true,
    layer: ({ channels, activation }) =>
      chain(...channels.flatMap((width) => [dense(width), pointwise(ACTIVATIONS[activation])])),
  },
};

/** Names of the networks that come with the library; any other name stands for filters that the caller gives. */
export const BUILT_IN_NETS: readonly BuiltInNet[] = Object.keys(NETS) as BuiltInNet[];

/** Whether a network that comes with the library is not learned. */
export function hasFixedFilters({ net }: DescriptorOptions): boolean {
  return Object.hasOwn(NETS, net) && !NETS[net as BuiltInNet].learned;
}

function namedNet({ net }: DescriptorOptions, filters: Layer | undefined): NamedNet {
  if (filters !== undefined) return { takes: 'images', learned: false, layer: () => filters };
  if (Object.hasOwn(NETS, net)) return NETS[net as BuiltInNet];
  throw new RangeError(
    `potential.net "${net}" does not come with the library (${BUILT_IN_NETS.join(', ')} do); give its filters as well.`,
  );
}

/**
 * The potential that options describe.
 *
 * @param filters fixed filters in the place of `options.net`, such as `vggFilters(…)`
 */
export function buildPotential(options: DescriptorOptions, itemShape: readonly number[], filters?: Layer): Potential {
  const { takes, learned: learns, layer } = namedNet(options, filters);
  if (itemShape.length !== (takes === 'points' ? 1 : 3)) {
    const wants = takes === 'points' ? takes : 'images [channels, height, width]';
    throw new RangeError(
      `potential.net "${options.net}" takes ${wants}, these items have shape [${itemShape.join(', ')}].`,
    );
  }
  const { theta, gain, classes } = options;
  return descriptor(layer(options)(itemShape), { theta, gain, classes, start: learns ? 'random' : 'zero' });
}
