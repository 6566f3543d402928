import { type Shape, type Tensor, sizeOf } from '@brownian/graph';
import { dense, flatten, pointwise } from './layers.ts';
import { type Layer, chain } from './net.ts';

/** Options of {@link mlp}. */
export interface MlpOptions {
  /** Units of the hidden layers. */
  readonly widths: readonly number[];
  /** Shape of one output. */
  readonly output: Shape;
  /** Between the layers. */
  readonly activation: (x: Tensor) => Tensor;
  /** After the last layer. Default: nothing. */
  readonly last?: (x: Tensor) => Tensor;
}

/** Fully connected layers from flattened inputs to outputs of a shape. */
export function mlp({ widths, output, activation, last = (x) => x }: MlpOptions): Layer {
  const hidden = widths.flatMap((width) => [dense(width), pointwise(activation)]);
  return chain(flatten(), ...hidden, dense(sizeOf(output)), shaped(output, last));
}

function shaped(outputShape: Shape, f: (x: Tensor) => Tensor): Layer {
  return (inputShape) => ({
    inputShape,
    outputShape,
    init: () => [],
    apply: (_, x) => f(x).reshape([x.shape[0] as number, ...outputShape]),
  });
}
