import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, expect, test } from 'vitest';
import type { Modes } from '../../src/data/toy2d/distribution.ts';
import { TOY_DISTRIBUTIONS, toyDataset } from '../../src/data/toy2d/table.ts';
import { MODELS, createLearner } from '../../src/learners/presets.ts';
import { modeCoverage } from '../../src/metrics/mode-coverage.ts';

const runtime = nodeRuntime({ threads: 1 });
afterAll(() => runtime.dispose());

test('the elastic generator, as it is by default, comes to all of 25 Gaussians in a tenth of its iterations', async () => {
  const TOY = TOY_DISTRIBUTIONS['25-gaussians'];
  const preset = MODELS.eieg.defaults([2]);
  const iterations = (MODELS.eieg.iterations?.([2]) ?? NaN) / 10;
  const settings = { ...preset, optimizer: { ...preset.optimizer, decayIterations: iterations } };
  const learner = createLearner(runtime, 'eieg', settings, [2]);
  const key = createStream(1);
  const [points, draw] = [key.split('points'), key.split('draw')];
  let state = await learner.init(key.split('init'), toyDataset('25-gaussians', key.split('data'), 256));
  for (let i = 0; i < iterations; i++)
    [state] = await learner.step(state, { x: TOY.sample(points, preset.generator.batch) }, draw);
  const { counts, share } = modeCoverage(await learner.sample(state, 10_000, key.split('samples')), TOY.modes as Modes);
  await learner.dispose();
  // Each mode has 400 of the data. Before training 5 % of samples are near one.
  expect(counts.filter((count) => count < 100)).toEqual([]);
  expect(share).toBeGreaterThan(0.6);
});
