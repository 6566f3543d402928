import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { batchIndices, createLearner } from 'brownian';
import { afterAll, expect, test, vi } from 'vitest';
import { resolveConfig } from '../../src/config/settings.ts';
import { openData } from '../../src/data/open.ts';
import { classifierFeatures, classifierFor } from '../../src/scoring/classifier.ts';
import { silently } from '../../src/scoring/collect.ts';
import { evaluate } from '../../src/scoring/evaluate.ts';
import { arrayItems, datasetItems } from '../../src/scoring/items.ts';
import { temporaryFolder } from '../support/files.ts';

const runtime = nodeRuntime({ threads: 2 });
afterAll(async () => {
  vi.unstubAllEnvs();
  await runtime.dispose();
});

const ITERATIONS = 200;

test('EIEG GAN, as it is by default but for narrow networks, gets from noise halfway to digits in 200 iterations', async () => {
  vi.stubEnv('BROWNIAN_CACHE', temporaryFolder());
  const train = await openData('mnist', { limit: 6000, seed: 1 });
  const held = await openData('mnist', { limit: 1000, seed: 1, split: 'test' });
  const network = classifierFeatures(runtime, await classifierFor(runtime, train, held));
  const narrow = { generator: { widths: [16] }, discriminator: { widths: [16] } };
  const settings = { data: 'mnist', model: 'eieg-gan', iterations: ITERATIONS, seed: 1, ...narrow };
  const config = resolveConfig(settings, train);
  const learner = createLearner(runtime, config.model, config, train.itemShape);
  const stream = createStream(1);
  let state = await learner.init(stream.split('init'), train);
  const fid = async (): Promise<number> => {
    const x = await learner.sample(state, 500, stream.split('samples'));
    const [score] = await evaluate({
      runtime,
      network,
      samples: arrayItems('samples', x),
      reference: datasetItems(held, 500, createStream('reference')),
      split: 'test',
      metrics: ['fid'],
      seed: 1,
      start: silently,
    });
    return score?.value ?? Number.NaN;
  };
  const noise = await fid();
  const order = batchIndices(stream.split('order'), train.size, config.batchSize);
  const draw = stream.split('draw');
  for (let i = 0; i < ITERATIONS; i++) [state] = await learner.step(state, await train.batch(order.indicesAt(i)), draw);
  // It is 1 before training.
  expect((await fid()) / noise).toBeLessThan(0.6);
  await learner.dispose();
  await network.dispose();
});
