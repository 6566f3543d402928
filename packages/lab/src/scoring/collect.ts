import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import type { FeatureNetwork, NetworkOutputs } from 'brownian';
import type { TaskProgress } from '../task-progress.ts';
import type { Items } from './items.ts';

/** Begins to show a piece of work. */
export type StartTask = () => TaskProgress;

/** Shows nothing. */
export const silently: StartTask = () => ({ start: () => undefined, update: () => undefined, stop: () => undefined });

/** Rows that arrive in batches, in one array. */
class Rows {
  #data: Float32Array | undefined;
  #at = 0;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  add(batch: NDArray): void {
    const values = float32Data(batch);
    this.#data ??= new Float32Array((values.length / (batch.shape[0] as number)) * this.#count);
    this.#data.set(values, this.#at);
    this.#at += values.length;
  }

  get array(): NDArray | undefined {
    return this.#data && ndarray(this.#data, [this.#count, this.#data.length / this.#count]);
  }
}

/** What a network makes of items: features, and class probabilities if it has any. */
export async function collectOutputs(
  network: FeatureNetwork,
  items: Items,
  label: string,
  start: StartTask,
): Promise<NetworkOutputs> {
  const [features, probabilities] = [new Rows(items.count), new Rows(items.count)];
  const task = start();
  task.start(label, items.count, 'items');
  let done = 0;
  try {
    for await (const batch of items.batches()) {
      const outputs = await network.outputs(batch);
      features.add(outputs.features);
      if (outputs.probabilities !== undefined) probabilities.add(outputs.probabilities);
      done += batch.shape[0] as number;
      task.update(done);
    }
  } finally {
    task.stop();
  }
  const rows = probabilities.array;
  return { features: features.array as NDArray, ...(rows && { probabilities: rows }) };
}

/** Scores of pairs of items, by name: `[pairs]` each. */
export type PairScores = (x: NDArray, reference: NDArray) => Promise<Readonly<Record<string, Float64Array>>>;

/** Means of scores of pairs over all items, in their order. Both must have as many. */
export async function meanOverPairs(
  score: PairScores,
  items: Items,
  reference: Items,
  start: StartTask,
): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  const task = start();
  task.start('pairs', items.count, 'items');
  const others = reference.batches()[Symbol.asyncIterator]();
  let done = 0;
  try {
    for await (const batch of items.batches()) {
      const other = (await others.next()).value as NDArray;
      for (const [name, values] of Object.entries(await score(batch, other)))
        sums[name] = values.reduce((sum, value) => sum + value, sums[name] ?? 0);
      done += batch.shape[0] as number;
      task.update(done);
    }
  } finally {
    task.stop();
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / items.count]));
}
