import type { NDArray, Tree } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Learner, Metrics } from 'brownian';
import type { TaskProgress } from './task-progress.ts';

/** Samples to be drawn from a trained model. */
export interface Draw {
  readonly learner: Learner;
  readonly state: Tree<NDArray>;
  readonly n: number;
  readonly stream: Stream;
  /** Of the samples, for models that are conditional on labels. */
  readonly labels?: NDArray | undefined;
  /** Given what it took, by models that count it. */
  readonly onDone?: (facts: Metrics) => void;
}

/** Draws samples, and shows how far they have come where the model tells. */
export async function drawSamples(
  { learner, state, n, stream, labels, onDone }: Draw,
  task: TaskProgress,
): Promise<NDArray> {
  let begun = false;
  const onProgress = (share: number): void => {
    if (!begun) task.start('drawing', n, 'samples');
    begun = true;
    task.update(share * n);
  };
  try {
    return await learner.sample(state, n, stream, labels, { onProgress, ...(onDone && { onDone }) });
  } finally {
    if (begun) task.stop();
  }
}
