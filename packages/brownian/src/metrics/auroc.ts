/**
 * Area under the receiver operating characteristic: the probability that a random positive scores higher than a random
 * negative, ties counting half (Mann and Whitney 1947; Hanley and McNeil 1982). From mean ranks, so exact.
 *
 * @param scores higher means more positive
 * @param positive whether each is a positive: 1 or 0, true or false
 * @returns from 0 to 1, .5 for scores that tell nothing
 * @throws RangeError when the lengths differ, a score is NaN, or one of the classes is missing
 *
 * @example
 * auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]); // 0.75
 */
export function auroc(scores: ArrayLike<number>, positive: ArrayLike<number | boolean>): number {
  const n = scores.length;
  if (positive.length !== n)
    throw new RangeError(`AUROC needs one label for each score, got ${n} scores and ${positive.length} labels.`);
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  const value = (place: number): number => scores[order[place] as number] as number;
  for (let i = 0; i < n; i++)
    if (Number.isNaN(scores[i])) throw new RangeError(`AUROC cannot rank score ${i}, which is NaN.`);
  order.sort((a, b) => (scores[a] as number) - (scores[b] as number));
  let [positives, rankSum] = [0, 0];
  for (let from = 0; from < n;) {
    let to = from;
    let hits = 0;
    while (to < n && value(to) === value(from)) hits += Number(positive[order[to++] as number]) > 0 ? 1 : 0;
    // Equal scores share the mean of their ranks, from + 1 to `to`.
    rankSum += (hits * (from + 1 + to)) / 2;
    positives += hits;
    from = to;
  }
  const negatives = n - positives;
  if (positives === 0 || negatives === 0)
    throw new RangeError(`AUROC needs positives and negatives, got ${positives} and ${negatives}.`);
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
