import type { Primitive } from '../primitives.ts';
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

/** Convolutions that ONNX adds a bias to, with the axis of the channels of their result, from the end. */
const CHANNEL_AXES: ReadonlyMap<Primitive, number> = new Map<Primitive, number>([
  ['conv2d', -3],
  ['conv2dInputGrad', -3],
  ['conv2dChannelsLast', -1],
]);

/** The vector `[channels]` that `x` is, or is a reshape of, if it broadcasts along this axis of images. */
function channelVector(x: Tensor, channels: number, axis: number): Tensor | undefined {
  const vector = x.primitive === 'reshape' ? x.inputs[0] : x;
  if (vector === undefined || vector.shape.length !== 1 || vector.shape[0] !== channels) return undefined;
  return x.shape.at(axis) === channels && x.shape.every((size, i) => i === x.shape.length + axis || size === 1)
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
    const conv = sum.inputs.find((x) => CHANNEL_AXES.has(x.primitive));
    const addend = sum.inputs.find((x) => x !== conv);
    if (conv === undefined || addend === undefined || uses.get(conv) !== 1) continue;
    const axis = CHANNEL_AXES.get(conv.primitive) as number;
    const bias = channelVector(addend, conv.shape.at(axis) as number, axis);
    if (bias === undefined) continue;
    biased.set(sum, { node: conv, bias });
    absorbed.add(conv);
    if (addend !== bias && uses.get(addend) === 1) absorbed.add(addend);
  }
  return { biased, absorbed };
}
