import {
  BUILT_IN_NETS,
  type BuiltInNet,
  type DescriptorOptions,
  type LangevinOptions,
  V0_CHANNELS,
  buildPotential,
} from 'brownian';
import type { DataFacts, Unread } from './family-config.ts';

/** The message of what a check throws; false when it does not apply or throws nothing. */
export function problemOf(verify: () => unknown, applies: boolean): string | false {
  if (!applies) return false;
  try {
    verify();
    return false;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The net of Φ fits the kind of items, and has channels where it needs some. */
export function netTakesItems(
  { potential: { net, channels } }: { readonly potential: DescriptorOptions },
  { itemShape }: DataFacts,
): string | false {
  if ((net === 'mlp') !== (itemShape.length === 1))
    return (
      `--potential.net is ${net}, which takes ${net === 'mlp' ? 'points' : 'images'}; the items of these data have shape ` +
      `[${itemShape.join(', ')}]${net === 'mlp' ? ', so use conv, gabor or vgg.' : ', so use mlp (gcn and wgcn have it as their default).'}`
    );
  return (
    (net === 'conv' || net === 'grid' || net === 'mlp') &&
    channels.length === 0 &&
    `--potential.channels is empty; ${net} needs a list of whole numbers such as 16,32,64.`
  );
}

/** Channels of the nets that have a number of layers of their own: the paper's, which follow where only the net is given. */
const OWN_CHANNELS: Readonly<Record<string, readonly number[]>> = { v0: V0_CHANNELS, resnet50: [64] };

/** A model's potential by default, where the user says these things of it. */
export function followNet(potential: DescriptorOptions, given: Readonly<Record<string, unknown>>): DescriptorOptions {
  const { net } = (given['potential'] ?? {}) as Partial<DescriptorOptions>;
  const channels = net === undefined || !Object.hasOwn(OWN_CHANNELS, net) ? undefined : OWN_CHANNELS[net];
  return channels === undefined ? potential : { ...potential, channels };
}

/** The nets of the paper have as many channels as layers, and images of the sizes that they are for. */
export function netHasItsChannels(
  { potential }: { readonly potential: DescriptorOptions },
  { itemShape }: DataFacts,
): string | false {
  const { net, channels } = potential;
  const own = Object.hasOwn(OWN_CHANNELS, net) ? OWN_CHANNELS[net] : undefined;
  if (own === undefined) return false;
  if (channels.length !== own.length)
    return (
      `--potential.channels is ${channels.length === 0 ? 'none' : channels.join(',')}; --potential.net ${net} takes ` +
      `${own.length === 1 ? 'one number' : `${own.length} numbers`}, by default ${own.join(',')}.`
    );
  return problemOf(() => buildPotential(potential, itemShape), true);
}

/** What each net of Φ does not read; fixed filters read nothing of it. */
const UNREAD_BY_NET: Readonly<Record<BuiltInNet, readonly (keyof DescriptorOptions)[]>> = {
  conv: [],
  grid: [],
  mlp: ['kernels', 'hidden'],
  v0: ['kernels', 'hidden', 'activation'],
  resnet50: ['kernels', 'hidden', 'activation'],
  gabor: ['channels', 'kernels', 'hidden', 'activation'],
};

/** Options of Φ that its net does not read, and of its flow where that is KL. */
export function unreadOfPotential({ net }: DescriptorOptions, beta: number): readonly Unread[] {
  const known = (BUILT_IN_NETS as readonly string[]).includes(net);
  const options = UNREAD_BY_NET[known ? (net as BuiltInNet) : 'gabor'];
  return [
    {
      when: true,
      options: options.map((name) => `potential.${name}`),
      because: `--potential.net ${net} does not read it; leave it out or choose another net`,
    },
    {
      when: beta === 0,
      options: ['flow.penalty', 'flow.implicitSteps'],
      because: '--flow.beta is 0, so there is no penalty; leave it out or give a β',
    },
  ];
}

/** Labels that Φ is conditional on are those of the data. */
export function labelsAreThere(
  { potential: { classes } }: { readonly potential: DescriptorOptions },
  data: DataFacts,
): string | false {
  const found = data.classes?.length ?? 0;
  return (
    classes > 0 &&
    classes !== found &&
    `--potential.classes is ${classes}; ${found === 0 ? 'these data have no classes, so leave it out' : `these data have ${found} classes, so make it ${found}`}.`
  );
}

/** The bounds of particles are in order. */
export function clipInOrder({ langevin: { clip } }: { readonly langevin: LangevinOptions }): string | false {
  return (
    clip !== null &&
    clip[0] >= clip[1] &&
    `--langevin.clip is ${clip.join(',')}; its first number must be below its second.`
  );
}
