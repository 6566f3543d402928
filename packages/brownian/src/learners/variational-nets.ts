import { ACTIVATIONS } from '../nets/activations.ts';
import { dense, flatten } from '../nets/layers.ts';
import { mlp } from '../nets/mlp.ts';
import { type Layer, chain } from '../nets/net.ts';
import { WIDE_RESNETS, type WideResNetOptions, wideResNet } from '../nets/wide-resnet.ts';
import { convolutions } from './potential.ts';
import type { VariationalNet, VariationalPotentialOptions } from './variational-options.ts';

/** What describes a network besides its name and `gain`, which all have. */
type Described = Omit<VariationalPotentialOptions, 'net' | 'gain' | 'clock'>;

interface NamedNet {
  readonly takes: 'images' | 'points';
  /** The options that it reads; the others mean nothing to it. */
  readonly reads: readonly (keyof Described)[];
  readonly layer: (options: VariationalPotentialOptions) => Layer;
  /** What it is by default for items of a shape. */
  readonly defaults: (itemShape: readonly number[]) => Described & Pick<VariationalPotentialOptions, 'gain' | 'clock'>;
}

/** The wide residual net for images of this height: that of the next smaller size with settings of its own. */
function wideResNetFor(itemShape: readonly number[]): WideResNetOptions {
  const [, height] = itemShape as readonly [number, number];
  if (height >= 64) return WIDE_RESNETS[64];
  return height >= 32 ? WIDE_RESNETS[32] : WIDE_RESNETS[28];
}

const NETS: Readonly<Record<VariationalNet, NamedNet>> = {
  mlp: {
    takes: 'points',
    reads: ['channels', 'activation'],
    layer: ({ channels, activation }) => mlp({ widths: channels, output: [1], activation: ACTIVATIONS[activation] }),
    defaults: () => ({
      channels: [128, 128, 128],
      kernels: [],
      blocks: 0,
      hidden: 0,
      activation: 'silu',
      gain: 1,
      clock: true,
    }),
  },
  conv: {
    takes: 'images',
    reads: ['channels', 'kernels', 'hidden', 'activation'],
    layer: (options) => chain(convolutions(options), flatten(), dense(1)),
    defaults: (itemShape) => ({
      channels: [32, 64, 128],
      kernels: [5, 4],
      // Not read; configurations have it as it was written, so it stays.
      blocks: wideResNetFor(itemShape).blocks,
      hidden: 256,
      activation: 'silu',
      gain: 100,
      clock: false,
    }),
  },
  'wide-resnet': {
    takes: 'images',
    reads: ['channels', 'blocks', 'hidden'],
    layer: ({ channels, blocks, hidden }) => wideResNet({ widths: channels, blocks, hidden }),
    defaults: (itemShape) => {
      const { widths, blocks } = wideResNetFor(itemShape);
      // The mean over positions and GELU, as the paper has them.
      return { channels: widths, kernels: [], blocks, hidden: 0, activation: 'gelu', gain: 100, clock: false };
    },
  },
};

function takesItems({ takes }: NamedNet, itemShape: readonly number[]): boolean {
  return itemShape.length === (takes === 'points' ? 1 : 3);
}

/** The options that each network of a variational potential reads, besides `gain` and `clock`. */
export const VARIATIONAL_NETS: Readonly<Record<VariationalNet, readonly (keyof Described)[]>> = {
  mlp: NETS.mlp.reads,
  conv: NETS.conv.reads,
  'wide-resnet': NETS['wide-resnet'].reads,
};

/** The default potential with one of the networks. */
export function potentialWith(net: VariationalNet, itemShape: readonly number[]): VariationalPotentialOptions {
  return { net, ...NETS[net].defaults(itemShape) };
}

/**
 * The default potential with a network: channels, blocks and the rest as that network has them for items of this shape.
 *
 * @returns undefined when there is no such network, or the items do not fit it
 */
export function variationalPotential(
  net: string,
  itemShape: readonly number[],
): VariationalPotentialOptions | undefined {
  if (!Object.hasOwn(NETS, net) || !takesItems(NETS[net as VariationalNet], itemShape)) return undefined;
  return potentialWith(net as VariationalNet, itemShape);
}

/** @throws RangeError when there is no such network, or items of this shape do not fit it */
export function buildVariationalNet(options: VariationalPotentialOptions, itemShape: readonly number[]): Layer {
  const { net } = options;
  if (!Object.hasOwn(NETS, net))
    throw new RangeError(
      `potential.net "${net}" is not a network of vapo; it must be one of ${Object.keys(NETS).join(', ')}.`,
    );
  const named = NETS[net as VariationalNet];
  if (takesItems(named, itemShape)) return named.layer(options);
  const wants = named.takes === 'points' ? named.takes : 'images [channels, height, width]';
  throw new RangeError(`potential.net "${net}" takes ${wants}, these items have shape [${itemShape.join(', ')}].`);
}
