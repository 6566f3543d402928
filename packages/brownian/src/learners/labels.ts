import { type NDArray, constant, formatShape, logSumExp, ndarray, sameShape, stack } from '@brownian/graph';
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

/**
 * Φ of an item whatever its label, for a potential that is conditional on labels: Φ(x) = log (1/C) Σ_c exp Φ(x, c).
 *
 * Read as the energy model of items and labels together, P(x, c) ∝ exp(Φ(x, c)) q(x) with one normaliser for all labels, Φ(x) is the potential of the
 * marginal P(x) (Grathwohl et al., "Your classifier is secretly an energy based model and you should treat it like one", ICLR 2020, section 3; there without
 * 1/C, which makes equal Φ(x, c) their own marginal). Training contrasts data and particles label by label, so it settles no constant per label: how much
 * each counts here is as training left it.
 *
 * @param classes C, at least 1; potentials without classes are returned as they are
 */
export function marginalPotential(potential: Potential, classes: number): Potential {
  if (classes === 0) return potential;
  return {
    ...potential,
    apply: (params, x) => {
      const n = x.shape[0] as number;
      const given = (label: number): NDArray => ndarray(new Int32Array(n).fill(label), [n]);
      const values = Array.from({ length: classes }, (_, c) => potential.apply(params, x, constant(given(c))));
      return logSumExp(stack(values), 0).sub(Math.log(classes));
    },
  };
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
