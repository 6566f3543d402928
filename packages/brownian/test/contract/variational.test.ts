import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { createVariationalLearner } from '../../src/learners/variational-family.ts';
import type { VariationalLearner } from '../../src/learners/variational-model.ts';
import { expectSentence, messageOf } from '../support/rows.ts';
import { differences, expectSameBits, numbersOf } from '../support/trees.ts';
import { VARIATIONAL_ROWS, type VariationalCase } from './variational-rows.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

const CASES = VARIATIONAL_ROWS.vapo.map((item) => [item.label, item] as const);
const POINTS = VARIATIONAL_ROWS.vapo[0] as VariationalCase;

function open({ model, options, data }: VariationalCase): VariationalLearner {
  return createVariationalLearner(runtime, model, options, data.itemShape);
}

describe.each(CASES)('%s', (_, item) => {
  test('Φ of an item does not depend on the others, also of more than one block', async () => {
    const learner = open(item);
    const state = await learner.init(createStream(1), item.data);
    const { x } = await item.data.batch(Array.from({ length: 203 }, (__, i) => i % item.data.size));
    const all = numbersOf(await learner.potential(state, x));
    expect(all).toHaveLength(203);
    const { x: last } = await item.data.batch([202 % item.data.size]);
    // The same sums; the interpreter computes each row alike.
    expect(numbersOf(await learner.potential(state, last))[0]).toBeCloseTo(all[202] as number, 6);
    expect(runtime.openSessions).toBe(0);
  });

  test('latents are the noise that samples begin as', async () => {
    const learner = open(item);
    const state = await learner.init(createStream(1), item.data);
    const z = learner.latent.draw(3, createStream('z'));
    expect(z.shape).toEqual([3, ...item.data.itemShape]);
    const facts: Record<string, number>[] = [];
    const samples = await learner.sample(state, 3, createStream('z'), undefined, {
      onDone: (found) => facts.push({ ...found }),
    });
    expectSameBits(await learner.latent.decode(state, z), samples);
    expect(facts).toHaveLength(1);
    expect(facts[0]?.['evaluations']).toBeGreaterThanOrEqual(facts[0]?.['accepted'] as number);
    const back = await learner.latent.encode?.(state, samples, createStream('e'));
    expect(back?.shape).toEqual(z.shape);
  });

  test('the way to samples begins at noise and ends at them', async () => {
    const learner = open(item);
    const state = await learner.init(createStream(1), item.data);
    const way = await learner.trajectory(state, 3, createStream('z'), 4);
    expect(way.map(({ steps }) => steps)).toEqual(
      [0, 1, 2, 3].map((i) => Math.round((100 * item.options.sampling.tEnd * i) / 3)),
    );
    expectSameBits(way[0]?.particles, learner.latent.draw(3, createStream('z')));
    const samples = numbersOf(await learner.sample(state, 3, createStream('z')));
    // Dense output at the end of a step is the step's end, computed by another formula in double precision and rounded.
    numbersOf(way.at(-1)?.particles as NDArray).forEach((v, i) => expect(v).toBeCloseTo(samples[i] as number, 5));
  });

  test('the way to samples has both ends if one look is asked for', async () => {
    const learner = open(item);
    const state = await learner.init(createStream(1), item.data);
    const way = await learner.trajectory(state, 3, createStream('z'), 1);
    expect(way.map(({ steps }) => steps)).toEqual([0, Math.round(100 * item.options.sampling.tEnd)]);
  });

  test('the preview starts from the same noise again and again, and shows those that arrived', async () => {
    const learner = open(item);
    let state = await learner.init(createStream(1), item.data);
    const noise = learner.particles(state);
    const batch = await item.data.batch([0, 1, 2, 3, 4, 5]);
    const shown: NDArray[] = [];
    for (let i = 0; i < 4; i++) {
      [state] = await learner.step(state, batch, createStream(`draw ${i}`));
      shown.push(learner.particles(state));
    }
    const [first, second, third, fourth] = shown;
    expectSameBits(first, noise);
    expectSameBits(third, second);
    expect(differences(second, first)).not.toEqual([]);
    expect(differences(fourth, third)).not.toEqual([]);
    expectSameBits(state.moving, noise);
    await learner.dispose();
  });
});

test('a clock beyond 1 is not shown to Φ, and samples past it go on from where it stood', async () => {
  const learner = open(POINTS);
  const state = await learner.init(createStream(1), POINTS.data);
  const start = learner.latent.draw(4, createStream('z'));
  const whole = await learner.flow(state, start, { tEnd: 1.5, rtol: 1e-6, atol: 1e-6 });
  const half = await learner.flow(state, start, { tEnd: 1, rtol: 1e-6, atol: 1e-6 });
  const rest = await learner.flow(state, half.x, { tStart: 1, tEnd: 1.5, rtol: 1e-6, atol: 1e-6 });
  const expected = float32Data(whole.x);
  // Both solve the same equation to 1e-6 per step.
  float32Data(rest.x).forEach((v, i) => expect(Math.abs(v - (expected[i] as number))).toBeLessThan(1e-4));
});

test('a flow gives up after as many steps as the model or the caller allows, and refuses limits beside steps of a fixed size', async () => {
  const steep = { ...POINTS.options, potential: { ...POINTS.options.potential, gain: 1e4 } };
  const tight = { ...steep, sampling: { ...steep.sampling, rtol: 1e-7, atol: 1e-7, maxSteps: 7 } };
  const learner = open({ ...POINTS, options: tight });
  const state = await learner.init(createStream(1), POINTS.data);
  const start = learner.latent.draw(4, createStream('z'));
  expectSentence(await messageOf(() => learner.flow(state, start)), 'after 7 steps');
  expectSentence(await messageOf(() => learner.flow(state, start, { maxSteps: 9 })), 'after 9 steps');
  for (const edit of [{ rtol: 1e-6 }, { atol: 1e-6 }])
    expectSentence(await messageOf(() => learner.flow(state, start, { stepSize: 0.5, ...edit })), 'leave out rtol');
  expectSentence(await messageOf(() => learner.flow(state, start, { stepSize: 0.1, maxSteps: 9 })), 'takes 13 steps');
  expect((await learner.flow(state, start, { stepSize: 0.125 })).accepted).toBe(10);
});

test('says how far a draw has come, block by block, up to all of it', async () => {
  const learner = open(POINTS);
  const state = await learner.init(createStream(1), POINTS.data);
  const shares: number[] = [];
  await learner.sample(state, 203, createStream('z'), undefined, { onProgress: (share) => void shares.push(share) });
  expect(shares.length).toBeGreaterThan(2);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  // 200 of the 203 are a block.
  expect(shares.some((share) => Math.abs(share - 200 / 203) < 1e-12)).toBe(true);
  expect(shares.at(-1)).toBeCloseTo(1, 12);
});

test('what does not fit is refused in a sentence', async () => {
  const learner = open(POINTS);
  const state = await learner.init(createStream(1), POINTS.data);
  const wrong = ndarray(new Float32Array(6), [2, 3]);
  for (const ask of [
    () => learner.potential(state, wrong),
    () => learner.flow(state, wrong),
    () => learner.step(state, { x: wrong }, createStream(1)),
  ])
    expectSentence(await messageOf(ask), '[3]', '[2]');
  const net = (name: string): (() => VariationalLearner) => {
    const options = { ...POINTS.options, potential: { ...POINTS.options.potential, net: name } };
    return () => open({ ...POINTS, options });
  };
  expectSentence(await messageOf(net('vgg')), '"vgg" is not a network of vapo');
  expectSentence(await messageOf(net('wide-resnet')), 'takes images');
});
