import type { Runtime } from '@brownian/runtime';
import { inceptionScore, predict } from 'brownian';
import { openData } from '../data/open.ts';
import type { ScoreRequest } from '../engine.ts';
import { UserError } from '../errors.ts';
import type { Score } from '../runs/scores.ts';
import { classifierFor } from './classifier.ts';

/** Samples that the Inception Score is measured on. */
const SAMPLES = 1000;

/**
 * Scores a run on labelled images: the Inception Score of 1,000 new samples, and of as many real test images, by a classifier
 * trained here. Data without labels, or without a test part, give no scores.
 */
export async function scoreRun(
  runtime: Runtime,
  { config, data, learner, state, stream, note }: ScoreRequest,
): Promise<readonly Score[]> {
  if (data.classes === undefined || data.itemShape.length !== 3) return [];
  const test = await openData(config.data, { ...config, limit: null, split: 'test' }).catch((error: unknown) => {
    if (error instanceof UserError) return undefined;
    throw error;
  });
  if (test === undefined) return [];
  note('Scoring: a classifier of the data is trained once and kept.');
  const classifier = await classifierFor(runtime, data, test, ({ step, steps }) => {
    if (step > 0 && step % Math.ceil(steps / 4) === 0) note(`  classifier ${Math.round((100 * step) / steps)} %`);
  });
  const samples = await learner.sample(state, SAMPLES, stream);
  const { x: real } = await test.batch(Array.from({ length: Math.min(SAMPLES, test.size) }, (_, i) => i));
  const scoreOf = async (x: typeof real): Promise<number> =>
    inceptionScore(await predict(runtime, classifier.net, classifier.params, x));
  const [value, reference] = [await scoreOf(samples), await scoreOf(real)];
  const measured = `by ${classifier.name} (${(100 * classifier.testAccuracy).toFixed(2)} % right on ${test.size} test images)`;
  return [
    { name: 'Inception-type score', value, note: `${SAMPLES} new samples, ${measured}` },
    { name: 'The same of real images', value: reference, note: `${real.shape[0]} test images` },
  ];
}
