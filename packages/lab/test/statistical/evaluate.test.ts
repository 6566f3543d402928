import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, expect, test, vi } from 'vitest';
import { openData } from '../../src/data/open.ts';
import { classifierFeatures, classifierFor } from '../../src/scoring/classifier.ts';
import { silently } from '../../src/scoring/collect.ts';
import { type Evaluation, evaluate } from '../../src/scoring/evaluate.ts';
import { type Items, datasetItems } from '../../src/scoring/items.ts';
import { temporaryFolder } from '../support/files.ts';
import { noisy } from '../support/noisy.ts';

const runtime = nodeRuntime({ threads: 2 });
afterAll(async () => {
  vi.unstubAllEnvs();
  await runtime.dispose();
});

test('scores by a classifier of MNIST tell digits from noisy digits, and its hash is the same when it is read back', async () => {
  vi.stubEnv('BROWNIAN_CACHE', temporaryFolder());
  const open = (split: 'train' | 'test', limit: number): ReturnType<typeof openData> =>
    openData('mnist', { limit, seed: 1, split });
  const [train, held] = [await open('train', 6000), await open('test', 2000)];
  const classifier = await classifierFor(runtime, train, held);
  // A tenth of the training set is enough for this much.
  expect(classifier.testAccuracy).toBeGreaterThan(0.85);
  const network = classifierFeatures(runtime, classifier);
  expect(classifierFeatures(runtime, await classifierFor(runtime, train, held)).hash).toBe(network.hash);

  const score = async (samples: Items): Promise<Record<string, number>> => {
    const evaluation: Evaluation = {
      runtime,
      network,
      samples,
      reference: datasetItems(held, 1000, createStream('reference')),
      split: 'test',
      metrics: ['fid', 'kid', 'is', 'pr'],
      seed: 1,
      start: silently,
    };
    return Object.fromEntries((await evaluate(evaluation)).map(({ name, value }) => [name, value as number]));
  };
  const digits = datasetItems(train, 1000, createStream('digits'));
  const [clean, some, much] = [await score(digits), await score(noisy(digits, 0.5)), await score(noisy(digits, 1.5))];
  for (const name of ['FID', 'KID']) {
    expect(some[name]).toBeGreaterThan(2 * (clean[name] as number));
    expect(much[name]).toBeGreaterThan(2 * (some[name] as number));
  }
  expect(clean['Inception-type score']).toBeGreaterThan(much['Inception-type score'] as number);
  expect(clean['Precision']).toBeGreaterThan(0.7);
  expect(clean['Recall']).toBeGreaterThan(0.7);
  expect(much['Precision']).toBeLessThan(0.2);
  await network.dispose();
});
