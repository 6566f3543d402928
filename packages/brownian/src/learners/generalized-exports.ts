import type { Tensor } from '@brownian/graph';
import type { ExportedFunction, Params } from '../interfaces.ts';
import type { Generator } from '../nets/labelled.ts';
import { builtIn } from '../nets/net.ts';
import { type ExportedPotential, describeItems, descriptiveExports } from './descriptive-exports.ts';

/** What the exported functions of a generalised model are made of. */
export interface ExportedGenerator extends ExportedPotential {
  readonly net: Generator;
  readonly generator: Params;
}

/** The generator; and the functions of its synthesizer, unless Φ needs a label, which a file has no way to say. */
export function generalizedExports({ net, generator, ...synthesizer }: ExportedGenerator): ExportedFunction[] {
  const weights = builtIn(generator);
  const [dim] = net.inputShape as readonly [number];
  const z = { name: 'z', shape: ['batch', dim] as const, description: 'latents: standard normal values' };
  const label = {
    name: 'label',
    shape: ['batch', net.classes] as const,
    description: 'a weight for each label: 1 for the one that is wanted, 0 for the others; mixtures lie between',
  };
  const written: ExportedFunction = {
    name: 'generator',
    description: 'Items from latents; Langevin steps on Φ refine them.',
    inputs: net.classes === 0 ? [z] : [z, label],
    outputs: [{ name: 'x', description: describeItems(net.outputShape) }],
    apply: (latents: Tensor, labels?: Tensor) => [net.blend(weights, latents, labels)],
  };
  return net.classes === 0 ? [written, ...descriptiveExports(synthesizer)] : [written];
}
