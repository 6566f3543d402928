import { type Runtime, createStream } from '@brownian/runtime';
import type { Dataset } from 'brownian';
import { openData } from '../data/open.ts';
import type { ScoreRequest } from '../engine.ts';
import { UserError } from '../errors.ts';
import type { Score } from '../runs/scores.ts';
import { type NamedClassifier, classifierFeatures, classifierFor, isClassified } from './classifier.ts';
import { silently } from './collect.ts';
import { evaluate } from './evaluate.ts';
import { datasetItems, sampledItems } from './items.ts';

/** Samples that a run is scored on when it has been trained. */
const SAMPLES = 1000;

/** The test part of a run's data, or undefined when it has none. */
async function openTest({ config, paths }: ScoreRequest): Promise<Dataset | undefined> {
  return await openData(config.data, { ...config, paths, limit: null, split: 'test' }).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
}

/** The classifier that `brownian evaluate` uses too: of all training data, however few of them the run learned from. */
async function classifierOf(
  runtime: Runtime,
  { config, paths, data, note }: ScoreRequest,
  test: Dataset,
): Promise<NamedClassifier> {
  const train = config.limit === null ? data : await openData(config.data, { ...config, paths, limit: null });
  const all = train.size === data.size ? 'the data' : `all ${train.size} items of the data`;
  note(`Scoring: a classifier of ${all} is trained once and kept.`);
  return await classifierFor(runtime, train, test, ({ step, steps }) => {
    if (step > 0 && step % Math.ceil(steps / 4) === 0) note(`  classifier ${Math.round((100 * step) / steps)} %`);
  });
}

/**
 * Scores a run on labelled images: Inception-type score, FID and KID of 1,000 new samples against as many test images, by a
 * classifier trained here. Data without labels of two classes, or without a labelled test part of two images, give no scores.
 */
export async function scoreRun(runtime: Runtime, request: ScoreRequest): Promise<readonly Score[]> {
  const { config, data, learner, state, stream, note } = request;
  if (!isClassified(data) || data.itemShape.length !== 3) return [];
  const test = await openTest(request);
  if (test?.classes === undefined || test.size < 2) return [];
  const classifier = await classifierOf(runtime, request, test);
  const network = classifierFeatures(runtime, classifier);
  const facts = { name: 'new samples', itemShape: data.itemShape, count: SAMPLES };
  const scores = await evaluate({
    runtime,
    network,
    samples: sampledItems(learner, state, facts, stream),
    reference: datasetItems(test, Math.min(SAMPLES, test.size), createStream(config.seed).split('reference')),
    split: 'test',
    metrics: ['is', 'fid', 'kid'],
    seed: config.seed,
    start: silently,
  });
  await network.dispose();
  const right = (100 * classifier.testAccuracy).toFixed(2);
  note(`Scored by ${classifier.name}, which is right on ${right} % of ${test.size} test images.`);
  return scores;
}
