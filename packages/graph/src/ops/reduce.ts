import { type Tensor, apply, normalizeAxes } from '../tensor.ts';
import type { Shape } from '../types.ts';
import { exp, log } from './elementwise.ts';

/** Axes of a reduction: one, several, or all when left out; negative ones count from the end. */
export type Axes = number | readonly number[];

/** The shape with the reduced axes kept as ones. */
function kept(x: Tensor, axes: readonly number[]): Shape {
  return x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
}

/** Largest value over `axes`; equal ones share the derivative. */
export function max(x: Tensor, axes?: Axes): Tensor {
  return apply('max', [x], { axes: normalizeAxes(x, axes, 'max') });
}

/** Smallest value over `axes`. */
export function min(x: Tensor, axes?: Axes): Tensor {
  return max(x.neg(), normalizeAxes(x, axes, 'min')).neg();
}

/** Population variance over `axes`: mean (x − mean x)². */
export function variance(x: Tensor, axes?: Axes): Tensor {
  const over = normalizeAxes(x, axes, 'variance');
  return x
    .sub(x.mean(over).reshape(kept(x, over)))
    .square()
    .mean(over);
}

/** log Σ eˣ over `axes`, computed around the maximum so that it does not overflow. */
export function logSumExp(x: Tensor, axes?: Axes): Tensor {
  const over = normalizeAxes(x, axes, 'logSumExp');
  // The shift cancels in value and derivative, so it is taken as a constant.
  const shift = apply('stopGradient', [max(x, over)], {});
  return log(exp(x.sub(shift.reshape(kept(x, over)))).sum(over)).add(shift);
}

/** eˣ / Σ eˣ along `axis` (the last by default). */
export function softmax(x: Tensor, axis = -1): Tensor {
  return exp(x.sub(logNormalizer(x, axis, 'softmax')));
}

/** x − log Σ eˣ along `axis` (the last by default). */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return x.sub(logNormalizer(x, axis, 'logSoftmax'));
}

function logNormalizer(x: Tensor, axis: number, operation: string): Tensor {
  const over = normalizeAxes(x, axis, operation);
  return logSumExp(x, over).reshape(kept(x, over));
}
