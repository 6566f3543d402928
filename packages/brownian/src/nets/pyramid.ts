import { type Tensor, concat, constant, formatShape, full } from '@brownian/graph';
import type { Layer } from './net.ts';

/** Images at a fraction of their size: the mean of each block of `factor` × `factor` pixels. */
function shrunk(x: Tensor, factor: number): Tensor {
  if (factor === 1) return x;
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  return x.reshape([n, c, h / factor, factor, w / factor, factor]).mean([3, 5]);
}

/** Each position becomes a block of `factor` × `factor`. */
function repeated(x: Tensor, factor: number): Tensor {
  if (factor === 1) return x;
  const [n, c, h, w] = x.shape as readonly [number, number, number, number];
  const ones = constant(full([1, 1, 1, factor, 1, factor], 1));
  return x
    .reshape([n, c, h, 1, w, 1])
    .mul(ones)
    .reshape([n, c, h * factor, w * factor]);
}

/**
 * A bank that looks at an image at several scales: the responses of its filters to the image, to the image at half its size, at a quarter and so on, as
 * further channels. Coarser responses are repeated to the size of the finest. Weights are shared, so patterns are found at every scale:
 * filters that see 14 pixels see 28 and 56 of the image as well.
 *
 * @param scales how many; 1 is the bank by itself
 * @throws RangeError when images or responses are not divisible as often
 */
export function pyramid(bank: Layer, scales: number): Layer {
  return (inputShape) => {
    const [channels, height, width] = inputShape as readonly [number, number, number];
    const factors = Array.from({ length: scales }, (_, i) => 2 ** i);
    const whole = (size: number): boolean => size % (factors.at(-1) as number) === 0;
    if (inputShape.length !== 3 || scales < 1 || !whole(height) || !whole(width))
      throw new RangeError(
        `pyramid: images of ${formatShape(inputShape)} have no ${scales} scales; their height and width must be multiples of ${factors.at(-1) ?? 1}.`,
      );
    const nets = factors.map((factor) => bank([channels, height / factor, width / factor]));
    const [finest] = nets as [(typeof nets)[number]];
    const [filters, ...positions] = finest.outputShape as readonly [number, ...number[]];
    nets.forEach(({ outputShape: [, ...found] }, i) => {
      if (found.length === 2 && found.every((size, axis) => size * (factors[i] as number) === positions[axis])) return;
      throw new RangeError(
        `pyramid: filters give ${formatShape(positions)} positions for the image and ${formatShape(found)} at 1/${factors[i]} of its size; they must shrink alike.`,
      );
    });
    return {
      inputShape,
      outputShape: [filters * scales, ...positions],
      init: (key) => finest.init(key),
      apply: (params, x) =>
        concat(
          nets.map((net, i) => repeated(net.apply(params, shrunk(x, factors[i] as number)), factors[i] as number)),
          1,
        ),
    };
  };
}
