import type { NDArray, Tree } from '@brownian/graph';
import { type Runtime, type Stream, createStream } from '@brownian/runtime';
import {
  type Dataset,
  type Learner,
  type VariationalLearner,
  type VariationalState,
  batchIndices,
  createLearner,
  createVariationalLearner,
} from 'brownian';
import { type RunConfig, inFamily } from '../config/run-config.ts';
import type { Bench } from './experiment.ts';

/** A model after training. */
export interface ModelRun {
  readonly learner: Learner;
  readonly state: Tree<NDArray>;
  /** For what is drawn from the model. */
  readonly stream: Stream;
  /** Seconds of all steps, without what came between. */
  readonly seconds: number;
  readonly curves: Readonly<Record<string, readonly number[]>>;
}

/** Points of a curve that are kept. */
const KEPT = 200;

/** Means of neighbours until few enough are left. */
function thinned(values: readonly number[]): number[] {
  const size = Math.ceil(values.length / KEPT);
  return Array.from({ length: Math.ceil(values.length / size) }, (_, i) => {
    const part = values.slice(i * size, (i + 1) * size);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

/**
 * Trains a model as `brownian train` does, without a folder.
 *
 * @param look called after these iterations, with the model as it is
 * @returns null when it was stopped
 */
export async function runModel(
  bench: Bench,
  { label, config, data }: { readonly label: string; readonly config: RunConfig; readonly data: Dataset },
  looks: readonly number[] = [],
  look?: (run: ModelRun, iteration: number) => Promise<void>,
): Promise<ModelRun | null> {
  const stream = createStream(config.seed);
  const learner = createLearner(bench.runtime, config.model, config, data.itemShape);
  const order = batchIndices(stream.split('order'), data.size, config.batchSize);
  const [draw, augment] = [stream.split('draw'), stream.split('augment')];
  const records: Record<string, number[]> = {};
  let state = await learner.init(stream.split('init'), data);
  let seconds = 0;
  const current = (): ModelRun => ({
    learner,
    state,
    stream: stream.split('samples'),
    seconds,
    curves: Object.fromEntries(Object.entries(records).map(([name, values]) => [name, thinned(values)])),
  });
  bench.task.start(label, config.iterations, 'iterations');
  try {
    for (let i = 0; i < config.iterations; i++) {
      if (bench.stop.aborted) {
        await learner.dispose();
        return null;
      }
      const batch = await data.batch(order.indicesAt(i), augment.split(i));
      const before = performance.now();
      const [next, metrics] = await learner.step(state, batch, draw);
      seconds += (performance.now() - before) / 1000;
      state = next;
      for (const [name, value] of Object.entries(metrics)) (records[name] ??= []).push(value);
      bench.task.update(i + 1);
      if (looks.includes(i + 1)) await look?.(current(), i + 1);
    }
  } finally {
    bench.task.stop();
  }
  return current();
}

/** What a variational model's flow takes to draw samples: evaluations of ∇Φ; null for other models. */
export async function flowEvaluations(
  runtime: Runtime,
  config: RunConfig,
  itemShape: readonly number[],
  { state, stream }: ModelRun,
  n: number,
): Promise<number | null> {
  if (!inFamily(config, 'variational')) return null;
  const learner: VariationalLearner = createVariationalLearner(runtime, config.model, config, itemShape);
  try {
    const prior = learner.latent.draw(n, stream.split('evaluations'));
    return (await learner.flow(state as VariationalState, prior)).evaluations;
  } finally {
    await learner.dispose();
  }
}
