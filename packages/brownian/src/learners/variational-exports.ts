import { type Tensor, expand, grad, operand } from '@brownian/graph';
import type { ExportedFunction, Params, Potential } from '../interfaces.ts';
import { builtIn } from '../nets/net.ts';
import { describeItems } from './descriptive-exports.ts';

/** What the exported functions of a variational model are made of. */
export interface ExportedFlow {
  readonly potential: Potential;
  readonly params: Params;
  readonly itemShape: readonly number[];
  /** Whether Φ takes the clock. */
  readonly clock: boolean;
}

/** The potential at the end of the path, and the velocity that carries noise to samples. */
export function variationalExports({ potential, params, itemShape, clock }: ExportedFlow): ExportedFunction[] {
  const x = { name: 'x', shape: ['batch', ...itemShape] as const, description: describeItems(itemShape) };
  const s = { name: 's', shape: ['batch'] as const, description: 'clock of each item, from 0 (noise) to 1 (data)' };
  const weights = builtIn(params);
  const end = (items: Tensor): Tensor | undefined =>
    clock ? expand(operand(1), [items.shape[0] as number]) : undefined;
  return [
    {
      name: 'potential',
      description:
        'Φ(x) at the end of the path, higher where x looks more like the data; its scale means nothing by itself.',
      inputs: [x],
      outputs: [{ name: 'potential', description: 'Φ of each item' }],
      apply: (items: Tensor) => [potential.apply(weights, items, end(items))],
    },
    {
      name: 'velocity',
      description: 'dx/ds = ∇Φ: solving this equation from Gaussian noise at s = 0 to s = 1 draws samples.',
      inputs: clock ? [x, s] : [x],
      outputs: [{ name: 'velocity', description: 'change of x per unit of the clock' }],
      apply: (items: Tensor, times?: Tensor) => [
        grad((at: Tensor) => potential.apply(weights, at, times).sum())(items),
      ],
    },
  ];
}
