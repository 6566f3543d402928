/** A threshold's share of true positives against that of false ones. */
export interface RocPoint {
  readonly falsePositives: number;
  readonly truePositives: number;
}

/**
 * The receiver operating characteristic: for every threshold the share of positives at or above it against that of negatives, from
 * (0, 0) to (1, 1). Its area by trapezia is `auroc`.
 *
 * @param scores higher means more positive
 * @param positive whether each is a positive
 * @throws RangeError when the lengths differ or one of the classes is missing
 */
export function rocCurve(scores: ArrayLike<number>, positive: ArrayLike<number | boolean>): RocPoint[] {
  const n = scores.length;
  const order = Array.from({ length: n }, (_, i) => i).toSorted(
    (a, b) => (scores[b] as number) - (scores[a] as number),
  );
  const total = order.reduce((sum, i) => sum + Number(positive[i]), 0);
  if (positive.length !== n || total === 0 || total === n)
    throw new RangeError(
      `A ROC curve needs a label for each score, and positives and negatives; got ${n} scores, ${positive.length} labels and ${total} positives.`,
    );
  const points: RocPoint[] = [{ falsePositives: 0, truePositives: 0 }];
  let [hits, misses] = [0, 0];
  order.forEach((i, place) => {
    if (Number(positive[i]) > 0) hits++;
    else misses++;
    // Equal scores are passed together.
    const next = order[place + 1];
    if (next !== undefined && scores[next] === scores[i]) return;
    points.push({ falsePositives: misses / (n - total), truePositives: hits / total });
  });
  return points;
}
