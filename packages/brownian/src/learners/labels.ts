import { type NDArray, constant, formatShape, sameShape } from '@brownian/graph';
import type { Learner, Potential } from '../interfaces.ts';

/** Integers of an array at `places`, int32. */
export function takeIntegers(array: NDArray, places: ArrayLike<number>): NDArray {
  const data = Int32Array.from(places, (place) => Number(array.data[place]));
  return { dtype: 'int32', shape: [data.length], data };
}

/** Φ given labels, int32 `[particles]`, which are built in; without any, Φ as it is. */
export function givenLabels(potential: Potential, labels: NDArray | undefined): Potential {
  if (labels === undefined) return potential;
  return { ...potential, apply: (params, x) => potential.apply(params, x, constant(labels)) };
}

/** @throws RangeError unless these are `n` labels that samples of the learner can be asked for */
export function checkLabels(
  { name, classes = 0 }: Pick<Learner, 'name' | 'classes'>,
  labels: NDArray,
  n: number,
): void {
  if (classes === 0)
    throw new RangeError(`${name}: the model is not conditional on labels, so samples cannot be asked for by label.`);
  const wrong = Array.from(labels.data, Number).find((label) => !(label >= 0 && label < classes));
  if (sameShape(labels.shape, [n]) && wrong === undefined) return;
  throw new RangeError(
    `${name}: ${n} labels from 0 to ${classes - 1} are wanted, got the shape ${formatShape(labels.shape)}${wrong === undefined ? '' : ` and the label ${wrong}`}.`,
  );
}
