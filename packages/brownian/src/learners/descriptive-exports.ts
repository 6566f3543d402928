import type { Tensor } from '@brownian/graph';
import type { ExportedFunction, ExportedValue, Params, Potential } from '../interfaces.ts';
import { builtIn } from '../nets/net.ts';
import { langevinStep } from '../samplers/langevin.ts';
import type { LangevinOptions } from './options.ts';

/** What the exported functions of a potential are made of. */
export interface ExportedPotential {
  readonly potential: Potential;
  readonly params: Params;
  readonly itemShape: readonly number[];
  readonly langevin: LangevinOptions;
  /** Labels that Φ is conditional on; 0 or absent for none. */
  readonly classes?: number;
}

/** Items in the words of a model card. */
export function describeItems(itemShape: readonly number[]): string {
  return itemShape.length === 3 ? 'images, values in [-1, 1]' : 'points';
}

/** Labels as an input of a file: a weight for each, so that what lies between them can be asked for too. */
export function labelInput(classes: number): ExportedValue {
  return {
    name: 'label',
    shape: ['batch', classes],
    description: 'a weight for each label: 1 for the one that is wanted, 0 for the others; mixtures lie between',
  };
}

/** Φ given weights of labels; Φ as it is without classes. */
function given(potential: Potential, label: Tensor | undefined): Potential {
  const blend = potential.blend?.bind(potential);
  if (blend === undefined || label === undefined) return potential;
  return { ...potential, apply: (params, x) => blend(params, x, label) };
}

/** A potential, its filters if it has some, and one step of Langevin dynamics on it. */
export function descriptiveExports({
  potential,
  params,
  itemShape,
  langevin,
  classes = 0,
}: ExportedPotential): ExportedFunction[] {
  const shape = ['batch', ...itemShape] as const;
  const x = { name: 'x', shape, description: describeItems(itemShape) };
  const weights = builtIn(params);
  const features = potential.features?.bind(potential);
  const noise = { name: 'noise', shape, description: 'standard normal values, new ones for every step' };
  const label = classes === 0 ? [] : [labelInput(classes)];
  const noisy = langevin.temperature !== 0;
  const moved = { name: 'moved', description: 'x after the step' };
  return [
    {
      name: 'potential',
      description: `${classes === 0 ? 'Φ(x)' : 'Φ(x | label)'}, higher where x looks more like the data; its scale means nothing by itself.`,
      inputs: [x, ...label],
      outputs: [{ name: 'potential', description: 'Φ of each item' }],
      apply: (items: Tensor, wanted?: Tensor) => [given(potential, wanted).apply(weights, items)],
    },
    {
      name: 'langevin-step',
      description: 'One step of Langevin dynamics on Φ: applied over and over it draws samples from noise.',
      inputs: [x, ...(noisy ? [noise] : []), ...label],
      outputs: [moved],
      apply: (items: Tensor, ...others: Tensor[]) => {
        const xi = noisy ? (others[0] as Tensor) : items.mul(0);
        return [langevinStep(given(potential, others[noisy ? 1 : 0]), langevin, weights, items, xi).x];
      },
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
