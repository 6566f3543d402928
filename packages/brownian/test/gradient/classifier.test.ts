import { type NDArray, sizeOf } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { afterAll, expect, test } from 'vitest';
import { imageDataset } from '../../src/data/dataset.ts';
import type { Dataset } from '../../src/interfaces.ts';
import { accuracy, classifierNet, predict, trainClassifier } from '../../src/metrics/classifier.ts';
import { inceptionScore } from '../../src/metrics/inception-score.ts';
import { expectSameBits } from '../support/trees.ts';

const runtime = nodeRuntime({ threads: 2 });
afterAll(() => runtime.dispose());

const SIDE = 8;
const CLASSES = ['across', 'down', 'dots'] as const;

/** Stripes across, stripes down and a chequered pattern, each at a random phase and under noise. */
function patterns(name: string, count: number): Dataset {
  const draw = createStream(name);
  const labels = draw.integers([count], 0, CLASSES.length).data as Int32Array;
  const phase = draw.integers([count], 0, 4).data;
  const noise = draw.integers([count, SIDE, SIDE], -60, 61).data;
  const shape = [count, SIDE, SIDE];
  const bright = (label: number, y: number, x: number): boolean =>
    ((label === 0 ? y : label === 1 ? x : (y >> 1) * 2 + x) & 2) === 0;
  const data = Uint8Array.from({ length: sizeOf(shape) }, (_, i) => {
    const item = Math.floor(i / SIDE ** 2);
    const [y, x] = [Math.floor(i / SIDE) % SIDE, i % SIDE].map((place) => place + Number(phase[item])) as [
      number,
      number,
    ];
    return (bright(labels[item] as number, y, x) ? 190 : 65) + Number(noise[i]);
  });
  return imageDataset({ name, images: { shape, data }, labels, classes: CLASSES });
}

async function all(data: Dataset): Promise<{ x: NDArray; labels: NDArray }> {
  const { x, labels } = await data.batch(Array.from({ length: data.size }, (_, i) => i));
  return { x, labels: labels as NDArray };
}

test('a classifier learns to tell patterns it has not seen, and reports every step', async () => {
  const [training, held] = [patterns('training', 300), await all(patterns('held out', 200))];
  const net = classifierNet(training.itemShape, CLASSES.length);
  const losses: number[] = [];
  const options = { epochs: 8, batchSize: 50, onStep: ({ loss }: { readonly loss: number }) => void losses.push(loss) };
  const params = await trainClassifier(runtime, net, training, createStream(1), options);

  expect(losses).toHaveLength((8 * 300) / 50);
  // Before training the loss is that of a guess, log 3, or worse.
  expect(losses[0]).toBeGreaterThan(0.9);
  expect(losses.at(-1)).toBeLessThan(0.1);
  const logits = await predict(runtime, net, params, held.x, 64);
  expect(accuracy(logits, held.labels)).toBeGreaterThan(0.95);
  // Three classes about as frequent, told apart surely: close to the largest score there is.
  expect(inceptionScore(logits)).toBeGreaterThan(2.5);
  expect(inceptionScore(logits)).toBeLessThanOrEqual(3);
  expect(runtime.openSessions, 'training and prediction close what they opened').toBe(0);

  const again = await trainClassifier(runtime, net, training, createStream(1), options);
  expectSameBits(again, params);
});
