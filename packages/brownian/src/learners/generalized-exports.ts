import { type Tensor, concat } from '@brownian/graph';
import type { ExportedFunction, Params } from '../interfaces.ts';
import type { Generator } from '../nets/labelled.ts';
import { builtIn } from '../nets/net.ts';
import type { HiddenStart } from './hidden.ts';
import { type ExportedPotential, describeItems, descriptiveExports, labelInput } from './descriptive-exports.ts';

/** What the exported functions of a generalised model are made of. */
export interface ExportedGenerator extends ExportedPotential {
  readonly net: Generator;
  readonly generator: Params;
  /** Where its latents begin. */
  readonly start: HiddenStart;
}

/** The generator of masked images: these and their masks, as images, in the place of flat latents. */
function completion(net: Generator, generator: Params): ExportedFunction {
  const weights = builtIn(generator);
  const [channels, height, width] = net.outputShape as readonly [number, number, number];
  return {
    name: 'generator',
    description: 'Images of which a part is missing, completed; what is known stays as it is.',
    inputs: [
      {
        name: 'x',
        shape: ['batch', channels, height, width],
        description: 'images in [-1, 1]; missing pixels are not looked at',
      },
      {
        name: 'known',
        shape: ['batch', 1, height, width],
        description: '1 where a pixel is known, 0 where it is missing',
      },
    ],
    outputs: [{ name: 'completed', description: describeItems(net.outputShape) }],
    apply: (x: Tensor, known: Tensor) => {
      const planes = concat([x.mul(known), known], 1);
      return [net.blend(weights, planes.reshape([x.shape[0] as number, -1]), undefined)];
    },
  };
}

/** The generator and the functions of its synthesizer; with classes, both are told a weight for each label. */
export function generalizedExports({ net, generator, start, ...synthesizer }: ExportedGenerator): ExportedFunction[] {
  if (start === 'masked') return [completion(net, generator), ...descriptiveExports(synthesizer)];
  const weights = builtIn(generator);
  const [dim] = net.inputShape as readonly [number];
  const z = { name: 'z', shape: ['batch', dim] as const, description: 'latents: standard normal values' };
  const written: ExportedFunction = {
    name: 'generator',
    description: 'Items from latents; Langevin steps on Φ refine them.',
    inputs: net.classes === 0 ? [z] : [z, labelInput(net.classes)],
    outputs: [{ name: 'x', description: describeItems(net.outputShape) }],
    apply: (latents: Tensor, labels?: Tensor) => [net.blend(weights, latents, labels)],
  };
  return [written, ...descriptiveExports({ ...synthesizer, classes: net.classes })];
}
