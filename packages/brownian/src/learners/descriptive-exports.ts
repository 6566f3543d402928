import type { Tensor } from '@brownian/graph';
import type { ExportedFunction, Params, Potential } from '../interfaces.ts';
import { builtIn } from '../nets/net.ts';
import { langevinStep } from '../samplers/langevin.ts';
import type { LangevinOptions } from './options.ts';

/** What the exported functions of a potential are made of. */
export interface ExportedPotential {
  readonly potential: Potential;
  readonly params: Params;
  readonly itemShape: readonly number[];
  readonly langevin: LangevinOptions;
}

/** Items in the words of a model card. */
export function describeItems(itemShape: readonly number[]): string {
  return itemShape.length === 3 ? 'images, values in [-1, 1]' : 'points';
}

/** A potential, its filters if it has some, and one step of Langevin dynamics on it. */
export function descriptiveExports({ potential, params, itemShape, langevin }: ExportedPotential): ExportedFunction[] {
  const shape = ['batch', ...itemShape] as const;
  const x = { name: 'x', shape, description: describeItems(itemShape) };
  const weights = builtIn(params);
  const features = potential.features?.bind(potential);
  const noise = { name: 'noise', shape, description: 'standard normal values, new ones for every step' };
  const moved = { name: 'moved', description: 'x after the step' };
  return [
    {
      name: 'potential',
      description: 'Φ(x), higher where x looks more like the data; its scale means nothing by itself.',
      inputs: [x],
      outputs: [{ name: 'potential', description: 'Φ of each item' }],
      apply: (items: Tensor) => [potential.apply(weights, items)],
    },
    {
      name: 'langevin-step',
      description: 'One step of Langevin dynamics on Φ: applied over and over it draws samples from noise.',
      inputs: langevin.temperature === 0 ? [x] : [x, noise],
      outputs: [moved],
      apply: (items: Tensor, xi?: Tensor) => [langevinStep(potential, langevin, weights, items, xi ?? items.mul(0)).x],
    },
    ...(features === undefined
      ? []
      : [
          {
            name: 'features',
            description: 'Responses of the filters that Φ weighs.',
            inputs: [x],
            outputs: [{ name: 'features', description: 'the responses, one channel per filter' }],
            apply: (items: Tensor) => [features(weights, items)],
          },
        ]),
  ];
}
