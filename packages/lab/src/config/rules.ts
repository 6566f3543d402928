import type { DescriptorOptions, LangevinOptions } from 'brownian';
import type { DataFacts } from './family-config.ts';

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
