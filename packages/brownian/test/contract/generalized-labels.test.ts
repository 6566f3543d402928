import { type NDArray, type Tensor, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { imageDataset } from '../../src/data/dataset.ts';
import type { SymbolicParams } from '../../src/interfaces.ts';
import { createGeneralizedLearner } from '../../src/learners/generalized-family.ts';
import type { GeneralizedState } from '../../src/learners/generalized-model.ts';
import { buildGenerator } from '../../src/learners/generator.ts';
import { keptLatents, thumbnails } from '../../src/learners/hidden.ts';
import { expectSentence, messageOf } from '../support/rows.ts';
import { numbersOf } from '../support/trees.ts';
import { GENERALIZED_CASES, type GeneralizedCase } from './generalized-rows.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

const ROWS = 'ggcn-star on images with labels, sampled from learned rows';
const THUMBNAILS = 'ggcn-minus on images from thumbnails with a replay buffer and labels';
const LEARNED = 'ggcn on images with a replay buffer and labels';

/** A case whose samples are what its generator makes, with dense layers, which tell latents apart before they have learned. */
function caseOf(label: string): GeneralizedCase {
  const item = GENERALIZED_CASES.find((other) => other.label === label) as GeneralizedCase;
  const upsampling = { ...item.options.upsampling, net: 'mlp', width: 8 } as const;
  return { ...item, options: { ...item.options, upsampling, sampling: { steps: 0, temperature: null } } };
}

function learnerOf({ model, options, data }: GeneralizedCase): ReturnType<typeof createGeneralizedLearner> {
  return createGeneralizedLearner(runtime, model, options, data.itemShape);
}

async function labelOf({ data }: GeneralizedCase, items: NDArray): Promise<number[]> {
  return Array.from((await data.batch(Array.from(items.data, Number))).labels?.data ?? [], Number);
}

/** What the generator makes of each latent, given a label. */
async function made(
  { options, data }: GeneralizedCase,
  state: GeneralizedState,
  latents: NDArray,
  label: number,
): Promise<string[]> {
  const { potential, upsampling, hidden } = options;
  const net = buildGenerator(upsampling, data.itemShape, { ...hidden, classes: potential.classes });
  const n = latents.shape[0] as number;
  const generate = runtime.compile((params: SymbolicParams, z: Tensor, y: Tensor) => net.apply(params, z, y));
  const given = ndarray(new Int32Array(n).fill(label), [n]);
  return itemsOf(await generate(state.generatorAverage ?? state.generator, latents, given));
}

/** Items as text, in float32. */
function itemsOf(x: NDArray): string[] {
  const values = Float32Array.from(numbersOf(x));
  const size = values.length / (x.shape[0] as number);
  return Array.from({ length: x.shape[0] as number }, (_, i) => values.subarray(i * size, (i + 1) * size).join());
}

describe('latents that belong to items', () => {
  test('of chains have the labels of their items, at first and after steps', async () => {
    const item = caseOf(LEARNED);
    const learner = learnerOf(item);
    const draw = createStream('draw');
    let state = await learner.init(createStream(1), item.data);
    for (let i = 0; i < 3; i++) {
      const { items, labels } = state.replay as { items: NDArray; labels: NDArray };
      expect(Array.from(labels.data, Number)).toEqual(await labelOf(item, items));
      [state] = await learner.step(state, await item.data.batch([0, 1, 2, 3, 4, 5]), draw);
    }
    await learner.dispose();
  });

  test.each([
    [ROWS, 'hidden', 'hiddenLabels'],
    [THUMBNAILS, 'latents', 'latentLabels'],
  ] as const)('of %s are drawn for the label that is asked for', async (label, rows, labels) => {
    const item = caseOf(label);
    const learner = learnerOf(item);
    const state = await learner.init(createStream(1), item.data);
    const own = Array.from((state[labels] as NDArray).data, Number);
    expect(own.toSorted((a, b) => a - b)).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    const asked = [2, 2, 2, 2, 2, 2];
    const samples = itemsOf(await learner.sample(state, 6, createStream(3), ndarray(Int32Array.from(asked), [6])));
    const possible = (await made(item, state, state[rows] as NDArray, 2)).filter((_, i) => own[i] === 2);
    expect(new Set(possible).size).toBe(4);
    expect(samples.filter((sample) => !possible.includes(sample))).toEqual([]);
    expect(new Set(samples).size).toBeGreaterThan(1);
    // Without a wish every label comes with a latent of its own items, too.
    const any = itemsOf(await learner.sample(state, 30, createStream(4)));
    const pairs = await Promise.all([0, 1, 2].map((y) => made(item, state, state[rows] as NDArray, y)));
    const right = new Set(pairs.flatMap((items, y) => items.filter((_, i) => own[i] === y)));
    expect(any.filter((sample) => !right.has(sample))).toEqual([]);
    expect(new Set(any).size).toBeGreaterThan(6);
    await learner.dispose();
  });

  test('of states without labels are drawn as ever, and refused by label', async () => {
    const item = caseOf(THUMBNAILS);
    const learner = learnerOf(item);
    const { latentLabels, ...old } = await learner.init(createStream(1), item.data);
    expect(latentLabels).toBeDefined();
    expect((await learner.sample(old, 2, createStream(3))).shape).toEqual([2, 1, 8, 8]);
    const [next] = await learner.step(old, await item.data.batch([0, 1, 2]), createStream(4));
    expect(Object.keys(next).toSorted()).toEqual(Object.keys(old).toSorted());
    const asked = (): unknown => learner.sample(old, 1, createStream(3), ndarray(Int32Array.of(1), [1]));
    expectSentence(await messageOf(asked), 'saved by an earlier version', 'train anew');
    await learner.dispose();
  });

  test('are refused for data without labels, and for a label that no item has', async () => {
    const item = caseOf(THUMBNAILS);
    const learner = learnerOf(item);
    const images = { shape: [3, 8, 8], data: new Uint8Array(192) };
    const blank = imageDataset({ name: 'blank', images });
    const begin = (): unknown => learner.init(createStream(1), blank);
    expectSentence(await messageOf(begin), 'conditional on labels', '"blank" has none');
    const state = await learner.init(createStream(1), imageDataset({ name: 'two', images, labels: [0, 2, 2] }));
    const asked = (): unknown => learner.sample(state, 1, createStream(3), ndarray(Int32Array.of(1), [1]));
    expectSentence(await messageOf(asked), 'the label 1', '0, 2');
    await learner.dispose();
  });

  test('are kept of every label, however rare', async () => {
    const rare = imageDataset({
      name: 'rare',
      images: { shape: [3000, 2, 2], data: Uint8Array.from({ length: 12_000 }, (_, i) => Math.floor(i / 4) % 256) },
      labels: Array.from({ length: 3000 }, (_, i) => (i < 5 ? 1 : 0)),
    });
    const labels = (await rare.batch(Array.from({ length: 3000 }, (_, i) => i))).labels as NDArray;
    const { latents, items } = await keptLatents('thumbnails', 1, rare, createStream(1), labels);
    expect(items).toHaveLength(1000);
    expect(new Set(items).size).toBe(1000);
    expect(Array.from(items).filter((i) => i < 5)).toHaveLength(5);
    const { x } = await rare.batch(items);
    expect(numbersOf(latents)).toEqual(numbersOf(thumbnails(x, 1)));
  });
});
