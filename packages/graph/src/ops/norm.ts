import { ShapeError } from '../rules/shape.ts';
import type { Tensor } from '../tensor.ts';
import { sqrt } from './elementwise.ts';
import { variance } from './reduce.ts';

/** Per-channel scale and shift of a normalisation, each `[channels]` (for layer norm, the normalised shape). */
export interface Affine {
  readonly scale: Tensor;
  readonly shift: Tensor;
}

/** Statistics of a batch, each `[channels]`. */
export interface BatchStatistics {
  readonly mean: Tensor;
  /** Population variance. */
  readonly variance: Tensor;
}

function channelShape(x: Tensor): number[] {
  return x.shape.map((size, axis) => (axis === 1 ? size : 1));
}

/**
 * Batch normalisation with the statistics of the batch itself (training mode), over all axes but the channels (axis 1):
 * scale · (x − mean)/√(variance + ε) + shift, with the population variance.
 *
 * @returns the normalised tensor and the statistics, for running averages
 */
export function batchNorm(
  x: Tensor,
  { scale, shift }: Affine,
  epsilon = 1e-5,
): { y: Tensor; statistics: BatchStatistics } {
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const statistics = { mean: x.mean(axes), variance: variance(x, axes) };
  return { y: batchNormEvaluate(x, { scale, shift }, statistics, epsilon), statistics };
}

/** Batch normalisation with given statistics (evaluation mode). */
export function batchNormEvaluate(
  x: Tensor,
  { scale, shift }: Affine,
  statistics: BatchStatistics,
  epsilon = 1e-5,
): Tensor {
  const at = channelShape(x);
  const gain = scale.div(sqrt(statistics.variance.add(epsilon)));
  return x.sub(statistics.mean.reshape(at)).mul(gain.reshape(at)).add(shift.reshape(at));
}

/** Layer normalisation over the last axes, as many as `scale` has. */
export function layerNorm(x: Tensor, { scale, shift }: Affine, epsilon = 1e-5): Tensor {
  const first = x.shape.length - scale.shape.length;
  const axes = scale.shape.map((_, i) => first + i);
  const kept = x.shape.map((size, axis) => (axis >= first ? 1 : size));
  const centred = x.sub(x.mean(axes).reshape(kept));
  return centred
    .div(sqrt(variance(x, axes).add(epsilon)).reshape(kept))
    .mul(scale)
    .add(shift);
}

/** Group normalisation: the channels (axis 1) in `groups`, each normalised over its channels and pixels. */
export function groupNorm(x: Tensor, groups: number, { scale, shift }: Affine, epsilon = 1e-5): Tensor {
  const [n, c] = x.shape as readonly [number, number];
  if (c % groups !== 0) throw new ShapeError(`groupNorm: ${c} channels do not divide into ${groups} groups`);
  const grouped = x.reshape([n, groups, -1]);
  const centred = grouped.sub(grouped.mean(2).reshape([n, groups, 1]));
  const y = centred.div(sqrt(variance(grouped, 2).add(epsilon)).reshape([n, groups, 1])).reshape(x.shape);
  const at = channelShape(x);
  return y.mul(scale.reshape(at)).add(shift.reshape(at));
}
