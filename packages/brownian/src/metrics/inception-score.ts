import { type NDArray, float32Data } from '@brownian/graph';

/** Rows of softmax in double precision. */
function probabilities(logits: NDArray): Float64Array[] {
  const [n, classes] = logits.shape as readonly [number, number];
  const data = float32Data(logits);
  return Array.from({ length: n }, (_, i) => {
    const row = Float64Array.from(data.subarray(i * classes, (i + 1) * classes));
    const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const raised = row.map((v) => Math.exp(v - largest));
    const total = raised.reduce((a, b) => a + b, 0);
    return raised.map((v) => v / total);
  });
}

/**
 * Inception Score exp(mean KL(p(y|x) ‖ p(y))) of class logits (Salimans et al. 2016, section 4), in one split: from 1 (all
 * samples alike, or none of a clear class) to the number of classes.
 *
 * @param logits `[samples, classes]` of a named classifier; scores of different classifiers do not compare
 * @throws RangeError when there are no samples
 */
export function inceptionScore(logits: NDArray): number {
  const rows = probabilities(logits);
  if (rows.length === 0) throw new RangeError('The Inception Score of no samples does not exist.');
  const classes = logits.shape[1] as number;
  const total = new Float64Array(classes);
  for (const row of rows) row.forEach((p, c) => (total[c] = (total[c] as number) + p));
  // log p − log (total / n), in logarithms: the mean of subnormal probabilities would round to 0 and its quotient to ∞.
  const logCount = Math.log(rows.length);
  let divergence = 0;
  for (const row of rows)
    row.forEach((p, c) => (divergence += p === 0 ? 0 : p * (Math.log(p) - Math.log(total[c] as number) + logCount)));
  return Math.exp(divergence / rows.length);
}
