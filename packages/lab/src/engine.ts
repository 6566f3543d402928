import type { NDArray, Tree } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { type Dataset, type Layer, type Learner, createLearner } from 'brownian';
import type { RunConfig } from './config/run-config.ts';
import type { DataPaths } from './data/open.ts';
import type { Score } from './runs/scores.ts';
import { scoreRun } from './scoring/score.ts';

/** A learner with what it runs on. */
export interface Session {
  readonly learner: Learner;
  /** Name of the runtime and its device. */
  readonly runtime: string;
  /** Releases the learner and the runtime. */
  close(): Promise<void>;
}

/** What is at hand when a trained run is scored. */
export interface ScoreRequest {
  readonly config: RunConfig;
  readonly data: Dataset;
  /** Where the data lay when the run began. */
  readonly paths?: DataPaths | undefined;
  readonly learner: Learner;
  readonly state: Tree<NDArray>;
  readonly stream: Stream;
  /** Tells the user what is going on. */
  readonly note: (text: string) => void;
}

/** Makes what computes. The command uses {@link nodeEngine}; tests put a small fake in its place. */
export interface Engine {
  /** @param filters fixed filters that `potential.net` stands for, when they do not come with the library. */
  open(config: RunConfig, itemShape: readonly number[], filters?: Layer): Session;
  /** Scores a run after training, for the report's table. Absent: runs are not scored. */
  score?(request: ScoreRequest): Promise<readonly Score[]>;
}

/** Learners on onnxruntime-node. */
export const nodeEngine: Engine = {
  open(config, itemShape, filters) {
    const runtime = nodeRuntime(config.threads === null ? {} : { threads: config.threads });
    const learner = createLearner(runtime, config.model, config, itemShape, filters);
    return {
      learner,
      runtime: runtime.name,
      async close() {
        await learner.dispose();
        await runtime.dispose();
      },
    };
  },
  async score(request) {
    const runtime = nodeRuntime(request.config.threads === null ? {} : { threads: request.config.threads });
    try {
      return await scoreRun(runtime, request);
    } finally {
      await runtime.dispose();
    }
  },
};
