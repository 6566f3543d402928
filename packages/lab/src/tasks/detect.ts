import { type NDArray, type Tree, float32Data } from '@brownian/graph';
import { type Learner, type RocPoint, auroc, rocCurve } from 'brownian';
import type { StartTask } from '../scoring/collect.ts';
import type { Items } from '../scoring/items.ts';

/** What a set of items is in a detection. */
export type Role = 'train' | 'in' | 'out';

/** Items of which a person can be told which is which. */
export interface TracedItems extends Items {
  /** Items that there are; `count` of them were chosen. */
  readonly total: number;
  /** @param place of an item among those that were chosen */
  origin(place: number): { readonly index: string; readonly where: string };
  /** The items at some places, `[k, ...item]`. */
  pick(places: readonly number[]): Promise<NDArray>;
}

/** Items to be told apart. */
export interface DetectionSet {
  readonly role: Role;
  readonly items: TracedItems;
}

/** How likely a model finds the items of a set. */
export interface ScoredSet {
  readonly role: Role;
  readonly name: string;
  readonly items: TracedItems;
  /** Φ of each item, in their order. */
  readonly potentials: Float32Array;
  /** How normal each is: the higher the more like the data. */
  readonly scores: Float64Array;
  /**
   * The share of the reference that is at most as normal, the item itself counted with it; under 0.05 is unusual. Uniform for new items like
   * those of the reference, and for its own.
   */
  readonly pValues: Float64Array;
  /** Items with the lowest and with the highest scores, `[k, ...item]`. */
  readonly least: NDArray;
  readonly most: NDArray;
}

/** How well one set is told from the reference. */
export interface Separation {
  readonly name: string;
  /** Probability that a random item of the reference scores higher than one of this set. */
  readonly auroc: number;
  /** Share of this set that is let pass when 95 % of the reference are. */
  readonly falsePositivesAt95: number;
  readonly roc: readonly RocPoint[];
}

/**
 * What a score is: `potential`, Φ itself; `typicality`, minus its distance from the median Φ of data that the model learned from, for models
 * that find simple items likelier than data.
 */
export type DetectionScore = 'potential' | 'typicality';

/** A detection: all sets, and each of the others against the reference. */
export interface Detection {
  readonly score: DetectionScore;
  readonly sets: readonly ScoredSet[];
  /** The set that AUROC and p-values compare with: the `in` set, or without one the data learned from. */
  readonly reference: ScoredSet;
  /** In the order of the sets, without the reference. */
  readonly separations: readonly Separation[];
}

const EXAMPLES = 8;

function median(values: Float32Array): number {
  const sorted = values.toSorted();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[half] as number)
    : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
}

/**
 * (1 + how many others of the reference score at most that) / (1 + how many others there are), for each score.
 *
 * @param own whether the scores are the reference's: an item is not among its others
 *
 * Source: V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", 2005 (conformal p-values).
 */
function pValuesOf(scores: Float64Array, reference: Float64Array, own: boolean): Float64Array {
  const sorted = reference.toSorted();
  const self = own ? 1 : 0;
  return scores.map((score) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] as number) <= score) low = middle + 1;
      else high = middle;
    }
    return (1 + low - self) / (1 + sorted.length - self);
  });
}

function separation(name: string, inside: Float64Array, outside: Float64Array): Separation {
  const scores = Float64Array.from([...inside, ...outside]);
  const positive = Uint8Array.from(scores, (_, i) => (i < inside.length ? 1 : 0));
  const roc = rocCurve(scores, positive);
  const at95 = roc.find(({ truePositives }) => truePositives >= 0.95) as RocPoint;
  return { name, auroc: auroc(scores, positive), falsePositivesAt95: at95.falsePositives, roc };
}

/** Φ of all items, batch by batch, so that a set may be larger than memory. */
async function potentialsOf(
  learner: Learner,
  state: Tree<NDArray>,
  items: Items,
  done: (count: number) => void,
): Promise<Float32Array> {
  const values = new Float32Array(items.count);
  let at = 0;
  for await (const batch of items.batches()) {
    values.set(float32Data((await learner.potential?.(state, batch)) as NDArray), at);
    at += batch.shape[0] as number;
    done(at);
  }
  return values;
}

/** What a set is called beside others of the same data. */
export function labelOf({ role, name }: Pick<ScoredSet, 'role' | 'name'>): string {
  return role === 'train' ? `${name} (learned from)` : name;
}

/**
 * Scores sets of items by a model's potential, and how well that tells each from the reference: the `in` set, or where there is none the data
 * that the model learned from.
 *
 * @param learner one that has a potential
 * @param sets one `train` set, at most one `in` set, and any number of `out` sets
 */
export async function detect(
  learner: Learner,
  state: Tree<NDArray>,
  sets: readonly DetectionSet[],
  score: DetectionScore,
  start: StartTask,
): Promise<Detection> {
  const found: (DetectionSet & { readonly potentials: Float32Array })[] = [];
  for (const { role, items } of sets) {
    const task = start();
    task.start(items.name, items.count, 'items');
    try {
      found.push({ role, items, potentials: await potentialsOf(learner, state, items, (n) => task.update(n)) });
    } finally {
      task.stop();
    }
  }
  const train = found.find(({ role }) => role === 'train') as (typeof found)[number];
  const compared = found.find(({ role }) => role === 'in') ?? train;
  const middle = median(train.potentials);
  const scored = (potentials: Float32Array): Float64Array =>
    Float64Array.from(potentials, (value) => (score === 'potential' ? value : -Math.abs(value - middle)));
  const normal = scored(compared.potentials);
  const results: ScoredSet[] = [];
  for (const set of found) {
    const { role, items, potentials } = set;
    const scores = scored(potentials);
    const order = Array.from(scores.keys()).toSorted((a, b) => (scores[a] as number) - (scores[b] as number));
    results.push({
      role,
      name: items.name,
      items,
      potentials,
      scores,
      pValues: pValuesOf(scores, normal, set === compared),
      least: await items.pick(order.slice(0, EXAMPLES)),
      most: await items.pick(order.slice(-EXAMPLES).toReversed()),
    });
  }
  const reference = results[found.indexOf(compared)] as ScoredSet;
  const others = results.filter((set) => set !== reference);
  return {
    score,
    sets: results,
    reference,
    separations: others.map((set) => separation(labelOf(set), normal, set.scores)),
  };
}
