import { type NDArray, type Tensor, flatten } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { imageDataset } from '../../src/data/dataset.ts';
import { toyDataset } from '../../src/data/toy2d/table.ts';
import { elasticFlow, elasticGanFlow } from '../../src/flows/adversarial/elastic.ts';
import type { AdversarialFlow } from '../../src/flows/adversarial/flow.ts';
import { logisticFlow } from '../../src/flows/adversarial/logistic.ts';
import { mmdFlow } from '../../src/flows/adversarial/mmd.ts';
import { wassersteinFlow } from '../../src/flows/adversarial/wasserstein.ts';
import type { Dataset, Learner, Metrics } from '../../src/interfaces.ts';
import { adversarialModel } from '../../src/learners/adversarial-family.ts';
import type { AdversarialModel, AdversarialState } from '../../src/learners/adversarial-model.ts';
import { ADVERSARIAL_MODELS } from '../../src/learners/adversarial-presets.ts';
import { adversarialLearner } from '../../src/learners/adversarial.ts';
import { ACTIVATIONS } from '../../src/nets/activations.ts';
import { dcganDiscriminator, dcganGenerator } from '../../src/nets/dcgan.ts';
import { mlp } from '../../src/nets/mlp.ts';
import { adam } from '../../src/optim/optimizers.ts';
import { expectSentence, messageOf } from '../support/rows.ts';
import { differences, expectSameBits, nonFinite, numbersOf, stored, typesOf } from '../support/trees.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

const noise = createStream('images').integers([12, 8, 8], 0, 256).data;
const POINTS = toyDataset('25-gaussians', createStream('points'), 32);
const IMAGES = imageDataset({
  name: 'noise',
  images: { shape: [12, 8, 8], data: Uint8Array.from(noise as Int32Array) },
});
const KERNEL = { dimension: 2, cutoff: 0.1 };
const activation = ACTIVATIONS.leakyRelu;

interface Case {
  readonly data: Dataset;
  readonly model: AdversarialModel;
}

function points(name: string, flow: AdversarialFlow, features: number | null, ema = 0): [string, Case] {
  const generator = { net: mlp({ widths: [5], output: [2], activation })([2]), optimizer: adam(1e-2) };
  const net = mlp({ widths: [5], output: [features ?? 1], activation })([2]);
  const discriminator = { net, optimizer: adam(1e-2), steps: 2 };
  const model = { name, flow, generator, batch: 3, ema, ...(features !== null && { discriminator }) };
  return [name, { data: POINTS, model }];
}

function images(name: string, flow: AdversarialFlow, features: number): [string, Case] {
  const generator = { net: dcganGenerator({ output: [1, 8, 8], width: 2 })([3]), optimizer: adam(1e-2) };
  const net = dcganDiscriminator({ features, width: 2 })([1, 8, 8]);
  const discriminator = { net, optimizer: adam(1e-2), steps: 1 };
  return [name, { data: IMAGES, model: { name, flow, generator, discriminator, batch: 3, ema: 0.9 } }];
}

const CASES: readonly [string, Case][] = [
  points('elastic generator', elasticFlow(KERNEL), null),
  points('elastic GAN', elasticGanFlow(KERNEL), 2, 0.9),
  points('GAN', logisticFlow(), 1),
  points('WGAN', wassersteinFlow({ constraint: 'clip', clip: 0.01 }), 1),
  points('WGAN-GP', wassersteinFlow({ constraint: 'penalty', weight: 10 }), 1),
  points('MMD-GAN', mmdFlow({ bandwidths: [1, 2], clip: 0.1 }), 2),
  images('DCGAN', logisticFlow(), 1),
  images('elastic GAN on images', elasticGanFlow(KERNEL), 3),
];

type Run = { readonly state: AdversarialState; readonly metrics: readonly Metrics[] };

async function advance(
  learner: Learner<AdversarialState>,
  data: Dataset,
  state: AdversarialState,
  draw: ReturnType<typeof createStream>,
  steps: readonly number[],
): Promise<Run> {
  const metrics: Metrics[] = [];
  let current = state;
  for (const i of steps) {
    const rows = Array.from({ length: 6 }, (_, k) => (6 * i + k) % data.size);
    const [next, found] = await learner.step(current, await data.batch(rows), draw);
    current = next;
    metrics.push(found);
  }
  return { state: current, metrics };
}

describe.each(CASES)('%s', (_, { data, model }) => {
  const train = async (seed: number, cut: boolean): Promise<Run> => {
    const learner = adversarialLearner(runtime, model);
    const key = createStream(seed);
    const draw = key.split('draw');
    const start = await learner.init(key.split('init'), data);
    const kept = stored(start);
    const half = await advance(learner, data, start, draw, [0, 1]);
    expectSameBits(start, kept);
    const from = cut ? stored<AdversarialState>(half.state) : half.state;
    const end = await advance(learner, data, from, draw, [2, 3]);
    expect(typesOf(end.state)).toEqual(typesOf(stored(start)));
    await learner.dispose();
    return end;
  };

  test('is a function of its seed, cut in two or not, and changes what it learns', async () => {
    const [one, again, other] = [await train(1, false), await train(1, true), await train(2, false)];
    expectSameBits(again.state, one.state);
    expect(again.metrics).toEqual(one.metrics);
    const changed = differences(other.state, one.state);
    expect(changed).toContain('particles');
    expect(changed.some((path) => path.startsWith('generator.'))).toBe(true);
    expect(changed.some((path) => path.startsWith('discriminator.'))).toBe(model.discriminator !== undefined);
    expect(nonFinite(one.state)).toEqual([]);
    for (const found of one.metrics) {
      expect(Object.keys(found)).toContain('generatorLoss');
      expect(Object.values(found).every(Number.isFinite)).toBe(true);
    }
  });

  test('samples as many items as are asked for, and closes its sessions', async () => {
    const own = createRuntime(interpreterBackend());
    const learner = adversarialLearner(own, model);
    const state = await learner.init(createStream(1), data);
    for (const n of [1, 7]) {
      const samples = await learner.sample(state, n, createStream(2));
      expect(samples.shape).toEqual([n, ...data.itemShape]);
      expect(nonFinite(samples)).toEqual([]);
    }
    expect(learner.particles(state).shape).toEqual([model.batch, ...data.itemShape]);
    await learner.dispose();
    expect(own.openSessions).toBe(0);
  });

  test('makes samples from latents that can be drawn and decoded by themselves', async () => {
    const learner = adversarialLearner(runtime, model);
    const state = await learner.init(createStream(1), data);
    const { shape, draw, decode } = learner.latent as NonNullable<typeof learner.latent>;
    expect(shape).toEqual(model.generator.net.inputShape);
    // Two whole batches, so that both fill them alike.
    const n = 2 * model.batch;
    expectSameBits(await decode(state, draw(n, createStream(2))), await learner.sample(state, n, createStream(2)));
    expect((await decode(state, draw(model.batch + 1, createStream(2)))).shape).toEqual([
      model.batch + 1,
      ...data.itemShape,
    ]);
    await learner.dispose();
  });

  test('exports its generator, with the average that samples are drawn with, and its discriminator', async () => {
    const learner = adversarialLearner(runtime, model);
    const state = await learner.init(createStream(1), data);
    const exported = learner.exports?.(state) ?? [];
    expect(exported.map(({ name }) => name)).toEqual(['generator', ...(model.discriminator ? ['discriminator'] : [])]);
    expect(exported.every(({ batch }) => batch === model.batch)).toBe(true);
    const z = createStream(2).normal([model.batch, ...model.generator.net.inputShape]);
    const generate = runtime.compile((latents: Tensor) => exported[0]?.apply(latents)[0] as Tensor);
    const items = await generate(z);
    // Weights that are constants are folded, which sums in another order: some float32 roundings of numbers of size 1.
    const decoded = numbersOf((await learner.latent?.decode(state, z)) as NDArray);
    numbersOf(items).forEach((value, i) => expect(Math.abs(value - (decoded[i] as number))).toBeLessThan(1e-6));
    const judge = runtime.compile((x: Tensor) => exported.at(-1)?.apply(x)[0] as Tensor);
    expect((await judge(exported.length === 1 ? z : items)).shape[0]).toBe(model.batch);
    await Promise.all([generate.dispose(), judge.dispose(), learner.dispose()]);
  });
});

test('weights of a WGAN stay within the clip', async () => {
  const [, { data, model }] = CASES[3] as [string, Case];
  const learner = adversarialLearner(runtime, model);
  const start = await learner.init(createStream(1), data);
  const { state } = await advance(learner, data, start, createStream(2), [0]);
  const values = flatten<NDArray>(state.discriminator).leaves.flatMap(numbersOf);
  // The bound is a float32.
  expect(Math.max(...values.map(Math.abs))).toBeCloseTo(0.01, 8);
  await learner.dispose();
});

test('what does not fit is refused in a sentence', async () => {
  const [, { data, model }] = CASES[2] as [string, Case];
  const learner = adversarialLearner(runtime, model);
  const state = await learner.init(createStream(1), data);
  const step = async (): Promise<unknown> => learner.step(state, await data.batch([0, 1, 2]), createStream(1));
  expectSentence(await messageOf(step), 'batch of 3', 'multiple of 2');
  await learner.dispose();
  expectSentence(await messageOf(() => learner.init(createStream(1), IMAGES)), '[1, 8, 8]', '[2]');
  const { discriminator, ...plain } = model;
  expectSentence(await messageOf(() => adversarialLearner(runtime, plain)), 'needs a discriminator');
  expectSentence(
    await messageOf(() => adversarialLearner(runtime, { ...model, flow: elasticFlow(KERNEL) })),
    'has no discriminator',
  );
  const wide = {
    ...(discriminator as NonNullable<typeof discriminator>),
    net: mlp({ widths: [], output: [2], activation })([2]),
  };
  expectSentence(
    await messageOf(() => adversarialLearner(runtime, { ...model, discriminator: wide })),
    '2 features',
    'takes 1',
  );
});

test('one batch for data and generated items changes what a network that normalises over it makes of them, and nothing else', async () => {
  // Of 8×8 pixels DCGAN makes one layer, and the first is not normalised.
  const itemShape = [1, 16, 16];
  const pixels = createStream('pixels').integers([6, 16, 16], 0, 256).data;
  const data = imageDataset({
    name: 'noise',
    images: { shape: [6, 16, 16], data: Uint8Array.from(pixels as Int32Array) },
  });
  const { generator, discriminator, ...rest } = ADVERSARIAL_MODELS['eieg-gan'].defaults(itemShape);
  expect(discriminator).toMatchObject({ net: 'dcgan', norm: true, oneBatch: true });
  const losses = async (norm: boolean, oneBatch: boolean): Promise<[number, number]> => {
    const options = {
      ...rest,
      generator: { ...generator, widths: [2], latent: 3, batch: 3 },
      discriminator: { ...discriminator, widths: [2], features: 3, norm, oneBatch },
    };
    const learner = adversarialLearner(runtime, adversarialModel('eieg-gan', options, itemShape));
    const state = await learner.init(createStream(1), data);
    const { metrics } = await advance(learner, data, state, createStream(2), [0]);
    await learner.dispose();
    return [metrics[0]?.['discriminatorLoss'] as number, metrics[0]?.['generatorLoss'] as number];
  };
  const [together, apart] = [await losses(true, true), await losses(true, false)];
  expect(Math.abs(together[0] - apart[0])).toBeGreaterThan(1e-3);
  expect(Math.abs(together[1] - apart[1])).toBeGreaterThan(1e-3);
  const [items, alone] = [await losses(false, true), await losses(false, false)];
  expect(items[0]).toBeCloseTo(alone[0], 6);
  expect(items[1]).toBeCloseTo(alone[1], 6);
});
