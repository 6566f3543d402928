import { type Shape, concat, constant, formatShape, full } from '@brownian/graph';
import type { Potential } from '../interfaces.ts';
import type { Layer } from '../nets/net.ts';

/** Options of {@link scalarPotential}. */
export interface ScalarPotentialOptions {
  /**
   * Give the net the clock s of the flow too, as a last channel (images) or coordinate (points) that holds it. Default false:
   * the paper's Φ has no time.
   */
  readonly clock?: boolean;
  /** Φ is this times the net's output: optimizers such as Adam do not see the scale of a gradient. Default 1. */
  readonly gain?: number;
}

/**
 * Φ(x) = gain times the output of a net with one output unit; or Φ(x, s) with a clock, which {@link Potential.apply} takes as its condition.
 *
 * @param itemShape of a particle, without the clock
 * @throws RangeError when the net has another number of outputs
 */
export function scalarPotential(
  layer: Layer,
  itemShape: Shape,
  { clock = false, gain = 1 }: ScalarPotentialOptions = {},
): Potential {
  const [channels, ...positions] = itemShape as readonly [number, ...number[]];
  const net = layer(clock ? [channels + 1, ...positions] : itemShape);
  if (net.outputShape.join() !== '1')
    throw new RangeError(`scalarPotential: a net has one output, shape [1], this one ${formatShape(net.outputShape)}.`);
  return {
    init: (key) => net.init(key),
    apply: (params, x, condition) => {
      if (clock !== (condition !== undefined))
        throw new TypeError(
          clock
            ? 'scalarPotential: this potential has a clock, so it needs the times s as its condition.'
            : 'scalarPotential: this potential has no clock, so it takes no condition.',
        );
      if (condition === undefined) return net.apply(params, x).reshape([-1]).mul(gain);
      const n = x.shape[0] as number;
      const ones = constant(full([n, 1, ...positions], 1));
      const plane = ones.mul(condition.reshape([n, 1, ...positions.map(() => 1)]));
      return net
        .apply(params, concat([x, plane], 1))
        .reshape([-1])
        .mul(gain);
    },
  };
}
