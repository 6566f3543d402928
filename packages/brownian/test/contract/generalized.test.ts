import { type NDArray, type Tensor, flatten, grad, ndarray } from '@brownian/graph';
import { type Stream, createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import type { SymbolicParams } from '../../src/interfaces.ts';
import type { GeneralizedLearner, GeneralizedState } from '../../src/learners/generalized-model.ts';
import { createGeneralizedLearner } from '../../src/learners/generalized-family.ts';
import { type GeneratorAt, type GeneratorLearning, generatorLosses } from '../../src/learners/generator-update.ts';
import { buildGenerator } from '../../src/learners/generator.ts';
import { thumbnailSize } from '../../src/learners/hidden.ts';
import { drawMixture } from '../../src/learners/replay.ts';
import type { GeneralizedLearnerOptions } from '../../src/learners/options.ts';
import { MODELS } from '../../src/learners/presets.ts';
import { driftScale, langevinStep } from '../../src/samplers/langevin.ts';
import { smoothPotential } from '../support/potentials.ts';
import { expectSentence, messageOf } from '../support/rows.ts';
import { differences, expectSameBits, numbersOf } from '../support/trees.ts';
import { GENERALIZED_CASES, type GeneralizedCase as Case } from './generalized-rows.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

type Change = (options: GeneralizedLearnerOptions) => GeneralizedLearnerOptions;

function caseOf(label: string, change: Change = (o) => o): Case {
  const item = GENERALIZED_CASES.find((other) => other.label === label);
  if (item === undefined) throw new Error(`There is no case "${label}".`);
  return { ...item, options: change(item.options) };
}

/** A learner with the states of some iterations on batches of six items, from its first. */
async function statesOf(
  { model, options, data }: Case,
  iterations: number,
): Promise<{ learner: GeneralizedLearner; states: GeneralizedState[]; draw: Stream }> {
  const learner = createGeneralizedLearner(runtime, model, options, data.itemShape);
  const key = createStream('meaning');
  const draw = key.split('draw');
  const states = [await learner.init(key.split('init'), data)];
  for (let i = 0; i < iterations; i++) {
    const [next] = await learner.step(states[i] as GeneralizedState, await data.batch([0, 1, 2, 3, 4, 5]), draw);
    states.push(next);
  }
  return { learner, states, draw };
}

/** The rows of a matrix. */
function rowsOf(array: NDArray | undefined): number[][] {
  const [n = 0, width = 0] = array?.shape ?? [];
  const values = array === undefined ? [] : numbersOf(array);
  return Array.from({ length: n }, (_, i) => values.slice(i * width, (i + 1) * width));
}

describe('the two ways in which a generator learns', () => {
  const potential = smoothPotential();
  const net = buildGenerator({ net: 'mlp', width: 4, embedding: 1 }, [2], { dim: 3, classes: 0 });
  const langevin = { ...MODELS.ggcn.defaults([2]).langevin, temperature: 0, clip: null, maxDisplacement: null };
  const scale = driftScale(langevin);

  /** Slopes in the parameters and the latents, of the mean loss against particles that one step without noise made of g(ζ). */
  function slopes(learning: GeneratorLearning) {
    return runtime.compile((xi: SymbolicParams, theta: SymbolicParams, zeta: Tensor) => {
      const x = net.apply(xi, zeta);
      const target = langevinStep(potential, langevin, theta, x, x.mul(0)).x;
      return grad(([p, hidden]: readonly [SymbolicParams, Tensor]) => {
        const at: GeneratorAt<Tensor> = { hidden, target };
        return generatorLosses({ potential, net, learning, scale, originalWeight: 0 }, p, theta, at).losses.mean();
      })([xi, zeta]);
    });
  }

  test('have the same slope after one step without noise (Eq. 21-23)', async () => {
    const [xi, theta, zeta] = [
      net.init(createStream(1)),
      potential.init(createStream(2)),
      createStream(3).normal([5, 3]),
    ];
    const values = async (learning: GeneratorLearning): Promise<number[]> =>
      flatten<NDArray>(await slopes(learning)(xi, theta, zeta)).leaves.flatMap(numbersOf);
    const [near, far] = [await values('reconstruction'), await values('amortised')];
    expect(Math.max(...near.map(Math.abs))).toBeGreaterThan(1e-6);
    // The target is held in the one and Φ differentiated in the other; double precision.
    near.forEach((value, i) => expect(Math.abs(value - (far[i] as number))).toBeLessThan(1e-12));
  });
});

describe('turns', () => {
  test('the synthesizer learns in every iteration, the generator in every second if that is asked for', async () => {
    const seldom = caseOf('ggcn-star on images', (o) => ({ ...o, upsampling: { ...o.upsampling, every: 2 } }));
    const { states, learner } = await statesOf(seldom, 4);
    const learnt = (part: 'params' | 'generator' | 'hidden'): boolean[] =>
      states.slice(1).map((state, i) => differences(state[part], states[i]?.[part]).length > 0);
    expect(learnt('params')).toEqual([true, true, true, true]);
    expect(learnt('generator')).toEqual([false, true, false, true]);
    expect(learnt('hidden')).toEqual([false, true, false, true]);
    await learner.dispose();
  });

  test('its schedule counts iterations: the rate of a generator that learns seldom rises as fast', async () => {
    // The synthesizer stands still, so that nothing but the generator's own rate tells the two apart.
    const generatorAfter = async (warmup: number): Promise<GeneralizedState['generator']> => {
      const item = caseOf('ggcn-star on images', (o) => ({
        ...o,
        optimizer: { ...o.optimizer, schedule: 'constant', learningRate: 0, warmup },
        upsampling: { ...o.upsampling, every: 2 },
      }));
      const { states, learner } = await statesOf(item, 2);
      await learner.dispose();
      return (states.at(-1) as GeneralizedState).generator;
    };
    // A rise over one or two iterations is over with the first update of the generator, one over three is half way.
    const risen = await generatorAfter(1);
    expectSameBits(await generatorAfter(2), risen);
    expect(differences(await generatorAfter(3), risen)).not.toEqual([]);
  });

  test.each(['coop', 'ggcn-minus-star'])('the generator of %s climbs a Φ that stands still', async (name) => {
    const { model, options, data } = caseOf(`${name} on images`, (o) => ({
      ...o,
      upsampling: { ...o.upsampling, every: 1, learningRate: 0.02 },
    }));
    const learner = createGeneralizedLearner(runtime, model, options, data.itemShape);
    const draw = createStream('draw');
    const first = await learner.init(createStream(1), data);
    let state = first;
    const values: number[] = [];
    for (let i = 0; i < 20; i++) {
      const [next, metrics] = await learner.step(state, await data.batch([0, 1, 2, 3, 4, 5]), draw);
      state = { ...next, params: first.params, optimizer: first.optimizer };
      values.push(metrics['potentialGenerated'] as number);
    }
    const mean = (some: readonly number[]): number => some.reduce((a, b) => a + b, 0) / some.length;
    const spread = Math.max(...values.slice(0, 5)) - Math.min(...values.slice(0, 5));
    expect(mean(values.slice(-5))).toBeGreaterThan(mean(values.slice(0, 5)) + spread);
    await learner.dispose();
  });
});

describe('hidden rows', () => {
  test('are kept one for each item, and those of the particles alone move', async () => {
    const { states, learner } = await statesOf(caseOf('ggcn on images'), 2);
    const [before, after] = [rowsOf(states[0]?.hidden), rowsOf(states[2]?.hidden)];
    expect(before).toHaveLength(12);
    const moved = before.flatMap((row, i) => (row.every((value, k) => value === after[i]?.[k]) ? [] : [i]));
    // Five particles begin at the first five of the six items.
    expect(moved).toEqual([0, 1, 2, 3, 4]);
    await learner.dispose();
  });

  test('descend their own loss by ε, with the pull to the prior', async () => {
    const at = async (edit: Partial<GeneralizedLearnerOptions['hidden']>): Promise<number[][]> => {
      const { states, learner } = await statesOf(
        caseOf('ggcn on images', (o) => ({ ...o, hidden: { ...o.hidden, ...edit } })),
        1,
      );
      await learner.dispose();
      const start = rowsOf(states[0]?.hidden);
      return rowsOf(states[1]?.hidden).map((row, i) => row.map((value, k) => value - (start[i]?.[k] as number)));
    };
    const [once, twice] = [await at({ learningRate: 0.01 }), await at({ learningRate: 0.02 })];
    // Rows are stored in float32: sums of numbers of size 1 are good to 2e-7.
    once[0]?.forEach((value, k) => expect(Math.abs(2 * value - (twice[0]?.[k] as number))).toBeLessThan(1e-6));
    const { states, learner } = await statesOf(caseOf('ggcn on images'), 0);
    await learner.dispose();
    const row = rowsOf(states[0]?.hidden)[0] as number[];
    const pulled = await at({ learningRate: 0.01, prior: 0.5 });
    pulled[0]?.forEach((value, k) =>
      expect(Math.abs(value - (once[0]?.[k] as number) + 0.01 * 0.5 * (row[k] as number))).toBeLessThan(1e-6),
    );
  });

  test('need to know the items of a batch', async () => {
    const { learner, states } = await statesOf(caseOf('ggcn on images'), 0);
    const { x } = await caseOf('ggcn on images').data.batch([0, 1]);
    const step = (): unknown => learner.step(states[0] as GeneralizedState, { x }, createStream(1));
    expectSentence(await messageOf(step), 'hidden rows', 'which items');
  });

  test('can begin at thumbnails of their items', async () => {
    const item = caseOf('ggcn on images from thumbnails');
    const { states, learner } = await statesOf(item, 0);
    const { x } = await item.data.batch([3]);
    const pixels = numbersOf(x);
    // Of 8×8 pixels four blocks of 4×4.
    const block = (row: number, column: number): number =>
      Array.from(
        { length: 16 },
        (_, i) => pixels[(4 * row + Math.floor(i / 4)) * 8 + 4 * column + (i % 4)] as number,
      ).reduce((a, b) => a + b, 0) / 16;
    const expected = [block(0, 0), block(0, 1), block(1, 0), block(1, 1)];
    // Sums of sixteen float32 numbers of size 1.
    rowsOf(states[0]?.hidden)[3]?.forEach((value, k) =>
      expect(Math.abs(value - (expected[k] as number))).toBeLessThan(1e-6),
    );
    expect(learner.latent).toBeUndefined();
  });

  test.each([
    [[1, 28, 28], 49, [7, 7]],
    [[3, 64, 64], 48, [4, 4]],
    [[3, 8, 16], 24, [2, 4]],
  ])('thumbnails of %j with %d values have %j pixels', (shape, dim, size) => {
    expect(thumbnailSize(shape, dim)).toEqual(size);
  });

  test('a length that no thumbnail has is refused', async () => {
    expectSentence(await messageOf(() => thumbnailSize([1, 28, 28], 50)), 'hidden.dim is 50', '[1, 28, 28]');
    expectSentence(await messageOf(() => thumbnailSize([2], 1)), 'hidden.dim is 1', '[2]');
  });
});

describe('the replay buffer', () => {
  test('is gone on with by all chains but a share, of few chains too', () => {
    const draw = createStream('mixture');
    const begun = Array.from({ length: 400 }, () => drawMixture(8, 5, 0.05, draw).fresh.length);
    expect(begun.every((count) => count === 0 || count === 1)).toBe(true);
    // A quarter of a chain, within four standard errors.
    const mean = begun.reduce((a, b) => a + b, 0) / begun.length;
    expect(Math.abs(mean - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / begun.length));
  });

  test('keeps what chains became beside what they began at', async () => {
    const { states, learner } = await statesOf(caseOf('ggcn-minus on images with a replay buffer and labels'), 1);
    const [before, after] = [states[0]?.replay, states[1]?.replay];
    const images = (replay: typeof before): number[][] => {
      const values = numbersOf(replay?.images as NDArray);
      return Array.from({ length: 8 }, (_, i) => values.slice(64 * i, 64 * (i + 1)));
    };
    const changed = images(before).flatMap((row, i) => (row.every((v, k) => v === images(after)[i]?.[k]) ? [] : [i]));
    expect(changed).toHaveLength(5);
    const particles = numbersOf(states[1]?.particles as NDArray);
    for (const i of changed) {
      const at = Array.from({ length: 5 }, (_, p) => p).find(
        (p) => Math.fround(particles[64 * p] as number) === images(after)[i]?.[0],
      );
      expect(at, 'a row of the buffer is a particle of the iteration').toBeDefined();
      expect(after?.labels?.data[i]).toBe(states[1]?.labels?.data[at as number]);
    }
    // Two of five began anew, with a latent of their own; three went on with theirs.
    const hidden = [rowsOf(before?.hidden), rowsOf(after?.hidden)] as const;
    const renewed = hidden[0].flatMap((row, i) => (row.every((v, k) => v === hidden[1][i]?.[k]) ? [] : [i]));
    expect(renewed).toHaveLength(2);
    expect(changed).toEqual(expect.arrayContaining(renewed));
    await learner.dispose();
  });
});

describe('labels', () => {
  const conditional = caseOf('ggcn-star on images conditional on labels', (o) => ({
    ...o,
    sampling: { steps: 0, temperature: null },
  }));

  test('decide what is sampled, and are refused where they do not belong', async () => {
    const { learner, states } = await statesOf(conditional, 1);
    const state = states[1] as GeneralizedState;
    expect(learner.classes).toBe(3);
    const sample = (labels: readonly number[]): Promise<NDArray> =>
      learner.sample(state, 2, createStream('z'), ndarray(Int32Array.from(labels), [labels.length]));
    const [zero, again, one] = [await sample([0, 0]), await sample([0, 1]), await sample([1, 1])];
    expect(numbersOf(again).slice(0, 64)).toEqual(numbersOf(zero).slice(0, 64));
    expect(numbersOf(again).slice(64)).toEqual(numbersOf(one).slice(64));
    expect(numbersOf(one)).not.toEqual(numbersOf(zero));
    expectSentence(await messageOf(() => sample([0, 3])), 'from 0 to 2', 'label 3');
    expectSentence(await messageOf(() => sample([0])), '2 labels', '[1]');
    const plain = await statesOf(caseOf('ggcn-star on images'), 0);
    const asked = (): unknown =>
      plain.learner.sample(plain.states[0] as GeneralizedState, 1, createStream(1), ndarray(Int32Array.of(0), [1]));
    expectSentence(await messageOf(asked), 'not conditional');
    const { x, indices } = await conditional.data.batch([0, 1]);
    const blind = (): unknown => learner.step(state, { x, indices: indices as NDArray }, createStream(1));
    expectSentence(await messageOf(blind), 'conditional on labels');
    await Promise.all([learner.dispose(), plain.learner.dispose()]);
  });

  test('are part of latents', async () => {
    const { learner, states } = await statesOf(conditional, 1);
    const { latent } = learner;
    expect(latent?.shape).toEqual([4 + 3]);
    expect(latent?.labelWeights).toBe(3);
    const z = latent?.draw(20, createStream('latents')) as NDArray;
    for (const row of rowsOf(z)) {
      expect(row.slice(4).toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
    }
    const [one] = rowsOf(z) as [number[]];
    const other = [...one.slice(0, 4), ...one.slice(4).map((weight, k) => (k === 0 ? 1 - weight : weight / 2))];
    const items = await latent?.decode(states[1] as GeneralizedState, ndarray([...one, ...other], [2, 7]));
    const values = numbersOf(items as NDArray);
    expect(values.slice(0, 64)).not.toEqual(values.slice(64));
    await learner.dispose();
  });
});

describe('latents', () => {
  const item = caseOf('ggcn-minus on images', (o) => ({ ...o, sampling: { steps: 0, temperature: null } }));

  test('are what samples are made from, and give the same items however many there are', async () => {
    const { learner, states } = await statesOf(item, 2);
    const state = states[2] as GeneralizedState;
    const z = learner.latent?.draw(3, createStream('samples')) as NDArray;
    const items = (await learner.latent?.decode(state, z)) as NDArray;
    expectSameBits(await learner.sample(state, 3, createStream('samples')), items);
    const one = ndarray(rowsOf(z)[1] as number[], [1, 4]);
    expect(numbersOf((await learner.latent?.decode(state, one)) as NDArray)).toEqual(numbersOf(items).slice(64, 128));
    await learner.dispose();
  });

  test('are found again from the items they made', async () => {
    // Fresh transposed convolutions make next to nothing of any latent; dense layers do not.
    const dense: Change = (o) => ({ ...item.options, upsampling: { ...o.upsampling, net: 'mlp', width: 8 } });
    const { learner, states } = await statesOf(caseOf('ggcn-minus on images', dense), 0);
    const state = states[0] as GeneralizedState;
    const view = learner.latent as NonNullable<typeof learner.latent>;
    const made = await view.decode(state, view.draw(2, createStream('made')));
    const found = (await view.encode?.(state, made, createStream('search'))) as NDArray;
    expect(found.shape).toEqual([2, 4]);
    const errorOf = async (z: NDArray): Promise<number> => {
      const values = numbersOf(await view.decode(state, z));
      return numbersOf(made).reduce((sum, value, i) => sum + (value - (values[i] as number)) ** 2, 0);
    };
    // The search ends where the pull of its prior and its learning rate leave it; a random latent is a hundred times further off.
    expect(await errorOf(found)).toBeLessThan(0.01 * (await errorOf(view.draw(2, createStream('other')))));
    // Of each image one half is missing, and holds nothing that matters.
    const known = ndarray(
      Float32Array.from({ length: 2 * 64 }, (_, i) => (i % 64 < 32 ? 1 : 0)),
      made.shape,
    );
    const masked = ndarray(
      Float32Array.from(numbersOf(made), (value, i) => (i % 64 < 32 ? value : 0)),
      made.shape,
    );
    const half = (await view.encodeKnown?.(state, masked, known, createStream('search'))) as NDArray;
    expect(await errorOf(half)).toBeLessThan(0.05 * (await errorOf(view.draw(2, createStream('other')))));
    await learner.dispose();
  });

  test.each(['ggcn on images', 'ggcn-star on images conditional on labels'])(
    'a trajectory of %s begins at what the generator makes and ends at the samples of the same stream',
    async (label) => {
      const { learner, states } = await statesOf(caseOf(label), 1);
      const state = states[1] as GeneralizedState;
      const moments = (await learner.trajectory?.(state, 2, createStream('way'), 3)) ?? [];
      expectSameBits(moments.at(-1)?.particles, await learner.sample(state, 2, createStream('way')));
      expect(moments[0]?.steps).toBe(0);
      expect(differences(moments[0]?.particles, moments.at(-1)?.particles)).not.toEqual([]);
      await learner.dispose();
    },
  );

  test('Φ of items is higher where the synthesizer has learned to raise it', async () => {
    const { learner, states } = await statesOf(item, 3);
    const { x } = await item.data.batch([0, 1, 2]);
    const values = await learner.potential?.(states[3] as GeneralizedState, x);
    expect(values?.shape).toEqual([3]);
    expect(values && numbersOf(values).every(Number.isFinite)).toBe(true);
    await learner.dispose();
  });
});

test('a generator that does not fit the items is refused', async () => {
  const build = (net: 'dcgan' | 'v0', shape: readonly number[]): unknown =>
    buildGenerator({ net, width: 64, embedding: 1 }, shape, { dim: 2, classes: 0 });
  expectSentence(await messageOf(() => build('dcgan', [2])), 'upsampling.net "dcgan"', '[2]', 'mlp');
  expectSentence(await messageOf(() => build('v0', [1, 28, 28])), 'v0Generator', '[1, 28, 28]');
});
