import { type NDArray, formatShape, ndarray } from '@brownian/graph';

/** Rows of softmax in double precision: logits `[n, classes]` → `[n, classes]`. */
function probabilitiesOf(logits: NDArray): NDArray {
  const [n, classes] = logits.shape as readonly [number, number];
  const out = Float64Array.from(logits.data as Float32Array);
  for (let i = 0; i < n; i++) {
    const row = out.subarray(i * classes, (i + 1) * classes);
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    row.forEach((value, c) => (row[c] = Math.exp(value - largest)));
    const total = row.reduce((a, b) => a + b, 0);
    row.forEach((value, c) => (row[c] = value / total));
  }
  return ndarray(out, [n, classes]);
}

/**
 * Inception Score exp(mean KL(p(y|x) ‖ p(y))) of class probabilities (Salimans et al. 2016, section 4), in one split: from 1
 * (all samples alike, or none of a clear class) to the number of classes.
 *
 * @param probabilities `[samples, classes]` of a named classifier; scores of different classifiers do not compare
 * @throws RangeError when there are no samples
 */
export function inceptionScoreOfProbabilities(probabilities: NDArray): number {
  const [n = 0, classes = 0] = probabilities.shape;
  if (n === 0) throw new RangeError('The Inception Score of no samples does not exist.');
  if (probabilities.shape.length !== 2)
    throw new RangeError(`The Inception Score takes rows [samples, classes], got ${formatShape(probabilities.shape)}.`);
  const p = probabilities.data as Float32Array;
  const total = new Float64Array(classes);
  for (let i = 0; i < p.length; i++) total[i % classes] = (total[i % classes] as number) + (p[i] as number);
  // log p − log (total / n), in logarithms: the mean of subnormal probabilities would round to 0 and its quotient to ∞.
  const logTotals = total.map((value) => Math.log(value) - Math.log(n));
  let divergence = 0;
  for (let i = 0; i < p.length; i++) {
    const value = p[i] as number;
    if (value > 0) divergence += value * (Math.log(value) - (logTotals[i % classes] as number));
  }
  return Math.exp(divergence / n);
}

/**
 * {@link inceptionScoreOfProbabilities} of the softmax of logits.
 *
 * @param logits `[samples, classes]` of a named classifier
 * @throws RangeError when there are no samples
 */
export function inceptionScore(logits: NDArray): number {
  return inceptionScoreOfProbabilities(probabilitiesOf(logits));
}
