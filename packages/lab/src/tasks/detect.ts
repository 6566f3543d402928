import { type NDArray, type Tree, float32Data, ndarray } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import { type Learner, type RocPoint, auroc, rocCurve } from 'brownian';
import type { StartTask } from '../scoring/collect.ts';
import type { Items } from '../scoring/items.ts';

/** What a set of items is in a detection. */
export type Role = 'train' | 'in' | 'out';

/** Items to be told apart. */
export interface DetectionSet {
  readonly role: Role;
  readonly items: Items;
}

/** How likely a model finds the items of a set. */
export interface ScoredSet {
  readonly role: Role;
  readonly name: string;
  /** Φ of each item, in their order. */
  readonly potentials: Float32Array;
  /** How normal each is: the higher the more like the data. */
  readonly scores: Float64Array;
  /** Of items that were not learned from: the share of the `in` set that is at most as normal, itself counted; under 0.05 is unusual. */
  readonly pValues: Float64Array;
  /** Items with the lowest and with the highest scores, `[k, ...item]`. */
  readonly least: NDArray;
  readonly most: NDArray;
}

/** How well one set is told from the `in` set. */
export interface Separation {
  readonly name: string;
  /** Probability that a random item of the `in` set scores higher than one of this set. */
  readonly auroc: number;
  /** Share of this set that is let pass when 95 % of the `in` set are. */
  readonly falsePositivesAt95: number;
  readonly roc: readonly RocPoint[];
}

/**
 * What a score is: `potential`, Φ itself; `typicality`, minus its distance from the median Φ of data that the model learned from, for models
 * that find simple items likelier than data.
 */
export type DetectionScore = 'potential' | 'typicality';

/** A detection: all sets, and each `out` set (and the training data) against the `in` set. */
export interface Detection {
  readonly score: DetectionScore;
  readonly sets: readonly ScoredSet[];
  readonly separations: readonly Separation[];
}

const EXAMPLES = 8;
/** Items whose Φ is asked for at once. */
const CHUNK = 2000;

/** All items in one array, for sets that fit in memory. */
async function gathered(items: Items): Promise<NDArray> {
  const { itemShape, count } = items;
  const data = new Float32Array(count * itemShape.reduce((a, b) => a * b, 1));
  let at = 0;
  for await (const batch of items.batches()) {
    const values = float32Data(batch);
    data.set(values, at);
    at += values.length;
  }
  return ndarray(data, [count, ...itemShape]);
}

function rows(x: NDArray, indices: readonly number[]): NDArray {
  const [n = 1, ...item] = x.shape;
  const size = x.data.length / n;
  const data = new Float32Array(indices.length * size);
  indices.forEach((row, i) => data.set(float32Data(x).subarray(row * size, (row + 1) * size), i * size));
  return ndarray(data, [indices.length, ...item]);
}

function median(values: Float32Array): number {
  const sorted = values.toSorted();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[half] as number)
    : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
}

/** (1 + how many of the reference score at most that) / (1 + how many there are), for each score. */
function pValuesOf(scores: Float64Array, reference: Float64Array): Float64Array {
  const sorted = reference.toSorted();
  return scores.map((score) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] as number) <= score) low = middle + 1;
      else high = middle;
    }
    return (1 + low) / (1 + sorted.length);
  });
}

function separation(name: string, inside: Float64Array, outside: Float64Array): Separation {
  const scores = Float64Array.from([...inside, ...outside]);
  const positive = Uint8Array.from(scores, (_, i) => (i < inside.length ? 1 : 0));
  const roc = rocCurve(scores, positive);
  const at95 = roc.find(({ truePositives }) => truePositives >= 0.95) as RocPoint;
  return { name, auroc: auroc(scores, positive), falsePositivesAt95: at95.falsePositives, roc };
}

async function potentialsOf(
  learner: Learner,
  state: Tree<NDArray>,
  x: NDArray,
  done: (count: number) => void,
): Promise<Float32Array> {
  const n = x.shape[0] as number;
  const values = new Float32Array(n);
  for (let from = 0; from < n; from += CHUNK) {
    const to = Math.min(n, from + CHUNK);
    const block = rows(
      x,
      Array.from({ length: to - from }, (_, i) => from + i),
    );
    values.set(float32Data((await learner.potential?.(state, block)) as NDArray), from);
    done(to);
  }
  return values;
}

/** Half-and-half mixtures of random pairs of items: images that are none of the data, and near to it (VAPO, Table 3). */
export async function interpolatedItems(items: Items, stream: Stream): Promise<Items> {
  const x = await gathered(items);
  const { count, itemShape } = items;
  const [left, right] = [stream.permutation(count).data, stream.permutation(count).data];
  const size = x.data.length / count;
  const from = float32Data(x);
  const mixed = Float32Array.from({ length: x.data.length }, (_, i) => {
    const [row, k] = [Math.floor(i / size), i % size];
    return ((from[Number(left[row]) * size + k] as number) + (from[Number(right[row]) * size + k] as number)) / 2;
  });
  return {
    name: 'interpolated',
    itemShape,
    count,
    async *batches() {
      yield await Promise.resolve(ndarray(mixed, [count, ...itemShape]));
    },
  };
}

/**
 * Scores sets of items by a model's potential, and how well that tells each from the set that is like the data.
 *
 * @param learner one that has a potential
 * @param sets one `train` set, one `in` set, and any number of `out` sets
 */
export async function detect(
  learner: Learner,
  state: Tree<NDArray>,
  sets: readonly DetectionSet[],
  score: DetectionScore,
  start: StartTask,
): Promise<Detection> {
  const found: { role: Role; name: string; x: NDArray; potentials: Float32Array }[] = [];
  for (const { role, items } of sets) {
    const task = start();
    task.start(items.name, items.count, 'items');
    try {
      const x = await gathered(items);
      found.push({
        role,
        name: items.name,
        x,
        potentials: await potentialsOf(learner, state, x, (n) => task.update(n)),
      });
    } finally {
      task.stop();
    }
  }
  const potentialsOfRole = (role: Role): Float32Array =>
    found.find((set) => set.role === role)?.potentials as Float32Array;
  const middle = median(potentialsOfRole('train'));
  const scored = (potentials: Float32Array): Float64Array =>
    Float64Array.from(potentials, (value) => (score === 'potential' ? value : -Math.abs(value - middle)));
  const inside = scored(potentialsOfRole('in'));
  const results = found.map(({ role, name, x, potentials }): ScoredSet => {
    const scores = scored(potentials);
    const order = Array.from(scores.keys()).toSorted((a, b) => (scores[a] as number) - (scores[b] as number));
    return {
      role,
      name,
      potentials,
      scores,
      pValues: pValuesOf(scores, inside),
      least: rows(x, order.slice(0, EXAMPLES)),
      most: rows(x, order.slice(-EXAMPLES).toReversed()),
    };
  });
  const others = results.filter(({ role }) => role !== 'in');
  return {
    score,
    sets: results,
    separations: others.map(({ role, name, scores }) =>
      separation(role === 'train' ? `${name} (learned from)` : name, inside, scores),
    ),
  };
}
