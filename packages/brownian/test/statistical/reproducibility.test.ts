import { type Stream, createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { describe, expect, test } from 'vitest';
import { imageDataset } from '../../src/data/dataset.ts';
import { batchIndices } from '../../src/data/epochs.ts';
import type { Metrics } from '../../src/interfaces.ts';
import type { DescriptiveState } from '../../src/learners/descriptive-model.ts';
import { createDescriptiveLearner } from '../../src/learners/descriptive-family.ts';
import { MODELS, type ModelName } from '../../src/learners/presets.ts';
import { differences, expectSameBits, nonFinite, stored } from '../support/trees.ts';

const ITERATIONS = 10;
const BATCH = 20;

const pixels = createStream('images').integers([60, 12, 12], 0, 256).data;
const IMAGES = imageDataset({
  name: 'noise',
  images: { shape: [60, 12, 12], data: Uint8Array.from(pixels as Int32Array) },
});

interface Position {
  readonly state: DescriptiveState;
  readonly stream: ReturnType<Stream['state']>;
  readonly metrics: readonly Metrics[];
}

/** Iterations `first` to `end` of a run, in a process's own runtime and learner, as `brownian resume` has them. */
async function train(model: ModelName<'descriptive'>, seed: number, end: number, from?: Position): Promise<Position> {
  const runtime = nodeRuntime({ threads: 2 });
  const preset = MODELS[model].defaults(IMAGES.itemShape);
  const options = { ...preset, chains: { ...preset.chains, particles: BATCH, bufferSize: 50 } };
  const learner = createDescriptiveLearner(runtime, model, options, IMAGES.itemShape);
  const key = createStream(seed);
  const order = batchIndices(key.split('order'), IMAGES.size, BATCH);
  const draw = key.split('draw');
  if (from) draw.restore(from.stream);
  let state = from?.state ?? (await learner.init(key.split('init'), IMAGES));
  const metrics = [...(from?.metrics ?? [])];
  for (let i = metrics.length; i < end; i++) {
    const [next, found] = await learner.step(state, await IMAGES.batch(order.indicesAt(i)), draw);
    state = next;
    metrics.push(found);
  }
  await learner.dispose();
  expect(runtime.openSessions).toBe(0);
  return { state, stream: draw.state(), metrics };
}

describe.each(['wgcn', 'w-pgcn'] satisfies ModelName<'descriptive'>[])(
  '%s on onnxruntime-node with two threads',
  (model) => {
    test('gives the same parameters twice from one seed, bit for bit, and others from another', async () => {
      const [one, again, other] = [
        await train(model, 1, ITERATIONS),
        await train(model, 1, ITERATIONS),
        await train(model, 2, ITERATIONS),
      ];
      expect(nonFinite(one.state)).toEqual([]);
      expectSameBits(again.state, one.state);
      expect(again.metrics).toEqual(one.metrics);
      expect(differences(other.state, one.state)).toContain('params.theta');
    });

    test('stopped at iteration 4 and resumed, equals the run that was not', async () => {
      const through = await train(model, 1, ITERATIONS);
      const half = await train(model, 1, 4);
      const resumed = await train(model, 1, ITERATIONS, { ...half, state: stored(half.state) });
      expectSameBits(resumed.state, through.state);
      expect(resumed.metrics).toEqual(through.metrics);
    });
  },
);
