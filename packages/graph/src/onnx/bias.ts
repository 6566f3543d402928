import type { Tensor } from '../tensor.ts';

/** A convolution and what is added to each of its channels. */
export interface BiasedConvolution {
  readonly node: Tensor;
  /** `[channels]` */
  readonly bias: Tensor;
}

/** Number of uses of each tensor, as an operand or an output. */
function countUses(order: readonly Tensor[], outputs: readonly Tensor[]): Map<Tensor, number> {
  const uses = new Map<Tensor, number>();
  for (const x of [...order.flatMap((node) => node.inputs), ...outputs]) uses.set(x, (uses.get(x) ?? 0) + 1);
  return uses;
}

/** The vector `[channels]` that `x` is a reshape of, if it broadcasts along the channels of images. */
function channelVector(x: Tensor, channels: number): Tensor | undefined {
  const [vector] = x.inputs;
  if (x.primitive !== 'reshape' || vector === undefined || vector.shape.length !== 1 || vector.shape[0] !== channels)
    return undefined;
  return x.shape.length >= 3 &&
    x.shape.at(-3) === channels &&
    x.shape.every((size, i) => i === x.shape.length - 3 || size === 1)
    ? vector
    : undefined;
}

/**
 * Sums of a convolution (or a transposed one) with a bias per channel, which ONNX adds on the way: by the `add` node, the convolution
 * that is computed in its place. `absorbed` are the nodes that nothing else needs.
 */
export function findBiases(
  order: readonly Tensor[],
  outputs: readonly Tensor[],
): { biased: Map<Tensor, BiasedConvolution>; absorbed: Set<Tensor> } {
  const uses = countUses(order, outputs);
  const biased = new Map<Tensor, BiasedConvolution>();
  const absorbed = new Set<Tensor>();
  for (const sum of order) {
    if (sum.primitive !== 'add') continue;
    const conv = sum.inputs.find((x) => x.primitive === 'conv2d' || x.primitive === 'conv2dInputGrad');
    const addend = sum.inputs.find((x) => x !== conv);
    if (conv === undefined || addend === undefined || uses.get(conv) !== 1) continue;
    const bias = channelVector(addend, conv.shape[1] as number);
    if (bias === undefined) continue;
    biased.set(sum, { node: conv, bias });
    absorbed.add(conv);
    if (uses.get(addend) === 1) absorbed.add(addend);
  }
  return { biased, absorbed };
}
