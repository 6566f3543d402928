import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { type Dataset, type FeatureNetwork, identityNetwork, imageDataset } from 'brownian';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silently } from '../../src/scoring/collect.ts';
import { type Evaluation, evaluate } from '../../src/scoring/evaluate.ts';
import { type Items, datasetItems } from '../../src/scoring/items.ts';
import { openModelFile } from '../../src/scoring/model-file.ts';
import { noisy } from '../support/noisy.ts';

const SHARED = fileURLToPath(new URL('../../../../../shared/data/', import.meta.url));
const SPEC =
  '{"name":"MobileNet v1 0.75","size":[224,224],"range":[-1,1],"features":"features768","probabilities":"probs1000"}';

/** CIFAR-10's own records: a byte of label and 3 × 32 × 32 bytes of image. */
function cifar10(part: string): Dataset {
  const bytes = gunzipSync(readFileSync(`${SHARED}cifar10/${part}_10k.bin.gz`));
  const n = bytes.length / 3073;
  const data = new Uint8Array(n * 3072);
  for (let i = 0; i < n; i++) data.set(bytes.subarray(i * 3073 + 1, (i + 1) * 3073), i * 3072);
  return imageDataset({ name: `CIFAR-10 ${part}`, images: { shape: [n, 3, 32, 32], data } });
}

const runtime = nodeRuntime({ threads: 2 });
let network: FeatureNetwork;
beforeAll(async () => {
  network = await openModelFile(runtime, `${SHARED}imagenet-classifier/mobilenet_v1_0.75_224.onnx`, SPEC);
});
afterAll(() => runtime.dispose());

test('by a MobileNet, CIFAR-10’s parts are of one law and noisy images are not', async () => {
  expect(network.hash).toMatch(/^[0-9a-f]{64}$/);
  const reference = datasetItems(cifar10('test'), 300, createStream('reference'));
  const score = async (samples: Items): Promise<Record<string, { value: number; error: number }>> => {
    const evaluation: Evaluation = {
      runtime,
      network,
      samples,
      reference,
      split: 'test',
      metrics: ['fid', 'kid', 'is'],
      seed: 1,
      start: silently,
    };
    const scores = await evaluate(evaluation);
    expect(scores[0]?.note).toContain('biased upwards: 300 items for 768 features');
    return Object.fromEntries(
      scores.map(({ name, value, error }) => [name, { value: value as number, error: error ?? 0 }]),
    );
  };
  const train = datasetItems(cifar10('train'), 300, createStream('samples'));
  const [same, changed] = [await score(train), await score(noisy(train, 0.3))];
  const of = (scores: typeof same, name: string): { value: number; error: number } =>
    scores[name] as { value: number; error: number };
  // KID is unbiased: of one law it is within the spread of its own subsets of 0; FID of so few items is mostly bias.
  expect(Math.abs(of(same, 'KID').value)).toBeLessThan(2 * of(same, 'KID').error);
  expect(of(changed, 'KID').value).toBeGreaterThan(5 * of(changed, 'KID').error);
  expect(of(changed, 'FID').value).toBeGreaterThan(1.5 * of(same, 'FID').value);
  // Of a thousand classes several are seen.
  expect(of(same, 'Inception-type score').value).toBeGreaterThan(5);
});

test('in pixel space too, CIFAR-10’s parts are near each other', async () => {
  const [train, held] = [datasetItems(cifar10('train'), 2000), datasetItems(cifar10('test'), 2000)];
  const score = async (samples: Items): Promise<number> => {
    const evaluation: Evaluation = {
      runtime,
      network: identityNetwork(),
      samples,
      reference: held,
      split: 'test',
      metrics: ['sw'],
      seed: 1,
      start: silently,
    };
    return (await evaluate(evaluation))[0]?.value as number;
  };
  const [same, changed] = [await score(train), await score(noisy(train, 0.3))];
  expect(changed).toBeGreaterThan(1.5 * same);
});
