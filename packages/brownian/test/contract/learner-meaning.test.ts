import { type NDArray, type Tensor, mapTree, max, min, ndarray, variance } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { imageDataset, pointDataset } from '../../src/data/dataset.ts';
import { type Flow, squaredSpeed } from '../../src/flows/flow.ts';
import type { Metrics, SymbolicParams } from '../../src/interfaces.ts';
import type { DescriptiveState } from '../../src/learners/descriptive-model.ts';
import { descriptiveLearner } from '../../src/learners/descriptive.ts';
import type { DescriptorLearnerOptions } from '../../src/learners/options.ts';
import { buildPotential } from '../../src/learners/potential.ts';
import { createLearner } from '../../src/learners/presets.ts';
import { createDescriptiveLearner } from '../../src/learners/descriptive-family.ts';
import { responseDistance } from '../../src/metrics/response-distance.ts';
import { sgd } from '../../src/optim/optimizers.ts';
import { force } from '../../src/samplers/langevin.ts';
import { expectSentence, messageOf } from '../support/rows.ts';
import { FLAT } from '../support/potentials.ts';
import { expectScores } from '../support/statistics.ts';
import { expectSameBits, numbersOf } from '../support/trees.ts';
import { LEARNER_CASES, type LearnerCase } from './learner-rows.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

const BATCH = [0, 1, 2, 3, 4, 5];

/** What a learner went through in one step. */
interface Step {
  readonly before: DescriptiveState;
  readonly after: DescriptiveState;
  readonly metrics: Metrics;
}

async function stepsOf({ model, options, data }: LearnerCase, iterations: number): Promise<Step[]> {
  const learner = createDescriptiveLearner(runtime, model, options, data.itemShape);
  const key = createStream('meaning');
  const draw = key.split('draw');
  let before = await learner.init(key.split('init'), data);
  const steps: Step[] = [];
  for (let i = 0; i < iterations; i++) {
    const [after, metrics] = await learner.step(before, await data.batch(BATCH), draw);
    steps.push({ before, after, metrics });
    before = after;
  }
  await learner.dispose();
  return steps;
}

/** The points of an array as text, in the float32 of the buffer. */
function rowsOf({ data, shape }: NDArray): string[] {
  const values = Float32Array.from(data as Float64Array);
  const width = values.length / (shape[0] as number);
  return Array.from({ length: shape[0] as number }, (_, i) => values.subarray(width * i, width * (i + 1)).join());
}

/** The case of a label with other options. */
function caseOf(label: string, edit: (options: DescriptorLearnerOptions) => DescriptorLearnerOptions): LearnerCase {
  const item = LEARNER_CASES.find((other) => other.label === label);
  if (item === undefined) throw new Error(`There is no case "${label}".`);
  return { ...item, options: edit(item.options) };
}

/** Models on one grid; those on several are tested in learners.test.ts and multi-grid.test.ts. */
const SINGLE = LEARNER_CASES.filter(({ options }) => options.grids.sizes.length === 0);

describe.each(SINGLE.map((item) => [item.label, item] as const))('%s', (_, item) => {
  test('measures at the parameters it was given: data, the new particles, and those of the iteration before', async () => {
    const { flow, langevin, potential: description } = item.options;
    const potential = buildPotential(description, item.data.itemShape);
    const speedScale = (langevin.delta * langevin.sigma) ** 2 / 2;
    const measure = runtime.compile(
      (
        params: SymbolicParams,
        at: { data: Tensor; particles: Tensor; previous: Tensor },
        [ofData, ofParticles, ofPrevious]: readonly Tensor[],
      ): Record<string, Tensor> => {
        const potentialParticles = potential.apply(params, at.particles, ofParticles).mean();
        const squares = at.particles
          .square()
          .sum()
          .div(at.particles.shape[0] as number);
        return {
          potentialData: potential.apply(params, at.data, ofData).mean(),
          potentialParticles,
          responseDistance: responseDistance(potential, params, at.particles, at.data) as Tensor,
          ...(flow.beta > 0 && {
            speed: squaredSpeed(potential, params, at.particles, speedScale, ofParticles),
            previousSpeed: squaredSpeed(potential, params, at.previous, speedScale, ofPrevious),
          }),
          ...(langevin.reference && { energy: squares.div(2 * langevin.sigma ** 2).sub(potentialParticles) }),
        };
      },
    );
    // Noise on the data has a test of its own.
    const clean = { ...item, options: { ...item.options, flow: { ...flow, dataNoise: 0 } } };
    for (const { before, after, metrics } of await stepsOf(clean, 2)) {
      const batch = await item.data.batch(BATCH);
      const at = { data: batch.x, particles: after.particles, previous: before.particles };
      const labels = item.options.potential.classes === 0 ? [] : [batch.labels, after.labels, before.labels];
      for (const [name, value] of Object.entries(await measure(before.params, at, labels as NDArray[]))) {
        const expected = Number(value.data[0]);
        // The same sums in another graph, in double precision.
        expect(Math.abs((metrics[name] as number) - expected), `of ${name}`).toBeLessThanOrEqual(
          1e-12 * Math.abs(expected),
        );
      }
    }
  });
});

test('the average of the parameters follows the new ones', async () => {
  const [ema, label] = [0.9, 'pgcn on images with a buffer and an average'];
  const item = caseOf(label, (o) => ({ ...o, optimizer: { ...o.optimizer, ema } }));
  for (const { before, after } of await stepsOf(item, 2)) {
    const expected = mapTree<NDArray, number[]>(
      (a, p) => numbersOf(a).map((value, i) => ema * value + (1 - ema) * (numbersOf(p)[i] as number)),
      before.average,
      after.params,
    ) as { theta: number[] };
    const found = numbersOf((after.average as { theta: NDArray }).theta);
    // Three operations in double precision on numbers below 1.
    expect(Math.max(...found.map((value, i) => Math.abs(value - (expected.theta[i] as number))))).toBeLessThan(1e-15);
    expect(Math.max(...found.map(Math.abs))).toBeGreaterThan(0);
  }
});

test('particles go back to the rows of the buffer they came from, and the other rows stay', async () => {
  const item = caseOf('gcn on points', (o) => ({ ...o, chains: { ...o.chains, kind: 'buffer', fresh: 0 } }));
  const { particles, bufferSize } = item.options.chains;
  for (const { before, after } of await stepsOf(item, 3)) {
    const [old, now, moved] = [before.buffer, after.buffer, after.particles].map((array) => rowsOf(array as NDArray));
    const changed = now?.filter((row, i) => row !== old?.[i]);
    expect(changed).toHaveLength(particles);
    expect(changed?.toSorted()).toEqual(moved?.toSorted());
    expect(now).toHaveLength(bufferSize);
  }
});

test('few chains at a small share begin anew now and then', async () => {
  const item = caseOf('gcn on points', (o) => ({
    ...o,
    chains: { ...o.chains, kind: 'persistent', particles: 5, fresh: 0.1, start: 'uniform', range: [1000, 1001] },
  }));
  const learner = createDescriptiveLearner(runtime, item.model, item.options, item.data.itemShape);
  const key = createStream('restarts');
  const first = await learner.init(key, item.data);
  const state = { ...first, particles: ndarray(new Float32Array(10), [5, 2]) };
  const batch = await item.data.batch(BATCH);
  const begun = [];
  for (let i = 0; i < 40; i++) {
    const [{ particles }] = await learner.step(state, batch, key.split(`draw ${i}`));
    // Steps move particles by much less than the distance between where chains are and where they begin.
    begun.push(numbersOf(particles).filter((value, k) => k % 2 === 0 && value > 100).length);
  }
  expect([...new Set(begun)].toSorted((a, b) => a - b)).toEqual([0, 1]);
  await learner.dispose();
});

test('a chain of a conditional model keeps its label, in the buffer too, and samples have those that are asked for', async () => {
  const item = caseOf('gcn on images conditional on labels', (o) => ({ ...o, chains: { ...o.chains, fresh: 0 } }));
  for (const { before, after } of await stepsOf(item, 2)) {
    expect(after.bufferLabels).toEqual(before.bufferLabels);
    const [kept, moved] = [rowsOf(after.buffer as NDArray), rowsOf(after.particles)];
    moved.forEach((row, i) => {
      expect(after.labels?.data[i]).toBe(after.bufferLabels?.data[kept.indexOf(row)]);
    });
  }
  const learner = createLearner(runtime, item.model, item.options, item.data.itemShape);
  const state = await learner.init(createStream(1), item.data);
  const sample = async (labels: readonly number[]): Promise<string[]> =>
    rowsOf(
      await learner.sample(state, labels.length, createStream(2), ndarray(Int32Array.from(labels), [labels.length])),
    );
  const [first, second] = [await sample([0, 2]), await sample([0, 1])];
  expect(first[0]).toBe(second[0]);
  expect(first[1]).not.toBe(second[1]);
  expect(learner.inpaint).toBeUndefined();
  await learner.dispose();
});

test('γ is drawn anew from [0, 1) at every iteration, and weighs the two speeds', async () => {
  const item = caseOf('wgcn on points with persistent chains', (o) => ({
    ...o,
    flow: { ...o.flow, beta: 60, energyL2: 0 },
  }));
  const gammas = (await stepsOf(item, 12)).map(({ metrics }) => {
    const { loss, potentialData, potentialParticles, speed, previousSpeed } = metrics as Record<string, number>;
    const penalty = ((loss as number) - (potentialParticles as number) + (potentialData as number)) / (60 / 2);
    return (penalty - (previousSpeed as number)) / ((speed as number) - (previousSpeed as number));
  });
  expect(Math.min(...gammas)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...gammas)).toBeLessThan(1);
  // Twelve draws leave one of these thirds empty with probability 3 (2/3)¹² = 2 %; the seed is fixed.
  expect(new Set(gammas.map((gamma) => Math.floor(gamma * 3))).size).toBe(3);
});

describe('noise on the data', () => {
  const [COUNT, LEVEL, STD] = [2000, 0.25, 0.1];
  const data = pointDataset('one point', new Float32Array(2 * COUNT).fill(LEVEL), 2);
  /** Learns nothing and reports the data that it sees. */
  const spy: Flow = {
    gradients: (_, params, { data: x }) => ({
      gradients: params,
      metrics: { mean: x.mean(), variance: variance(x), low: min(x), high: max(x) },
    }),
  };

  async function seen(dataNoise: number, clip: readonly [number, number] | null): Promise<Metrics> {
    const { langevin, chains, sampling } = caseOf('gcn on points', (o) => o).options;
    const options = { langevin: { ...langevin, clip }, chains: { ...chains, particles: 1, bufferSize: 1 }, sampling };
    const model = {
      name: 'spy',
      itemShape: [2],
      potential: FLAT,
      flow: spy,
      optimizer: sgd(0),
      ema: 0,
      dataNoise,
      ...options,
    };
    const learner = descriptiveLearner(runtime, model);
    const batch = await data.batch(Array.from({ length: COUNT }, (_, i) => i));
    const [, metrics] = await learner.step(await learner.init(createStream(1), data), batch, createStream(2));
    await learner.dispose();
    return metrics;
  }

  test('has mean zero and the standard deviation that is asked for', async () => {
    const { mean, variance: spread } = (await seen(STD, null)) as { mean: number; variance: number };
    const n = 2 * COUNT;
    expectScores({ mean: (mean - LEVEL) / (STD / Math.sqrt(n)), variance: (spread / STD ** 2 - 1) / Math.sqrt(2 / n) });
  });

  test('stays within the bounds of the particles, and is none at 0', async () => {
    expect(await seen(STD, [0.125, 0.5])).toMatchObject({ low: 0.125, high: 0.5 });
    expect(await seen(0, null)).toMatchObject({ mean: LEVEL, variance: 0, low: LEVEL, high: LEVEL });
  });
});

describe('samples', () => {
  const base = 'gcn on points';
  const start = { kind: 'buffer', start: 'zero' } as const;

  async function sampleOf(item: LearnerCase, state: DescriptiveState, n = 3): Promise<NDArray> {
    const learner = createDescriptiveLearner(runtime, item.model, item.options, item.data.itemShape);
    const samples = await learner.sample(state, n, createStream('samples'));
    await learner.dispose();
    return samples;
  }

  async function trained(item: LearnerCase): Promise<DescriptiveState> {
    return ((await stepsOf(item, 2)).at(-1) as Step).after;
  }

  const zeroed = <T>(tree: T): T =>
    mapTree<NDArray, NDArray, T>(({ shape, data }) => ndarray(new Float64Array(data.length), shape), tree);

  test('come from the parameters themselves without an average', async () => {
    const item = caseOf(base, (o) => ({ ...o, optimizer: { ...o.optimizer, ema: 0 } }));
    const state = await trained(item);
    expect(state.average).toBeUndefined();
    const other = await sampleOf(item, { ...state, params: zeroed(state.params) });
    expect(other.data).not.toEqual((await sampleOf(item, state)).data);
  });

  test('come from the averaged parameters alone where there are any', async () => {
    const item = caseOf(base, (o) => ({ ...o, optimizer: { ...o.optimizer, ema: 0.9 } }));
    const state = await trained(item);
    const samples = await sampleOf(item, state);
    expectSameBits(await sampleOf(item, { ...state, params: zeroed(state.params) }), samples);
    expect((await sampleOf(item, { ...state, average: zeroed(state.params) })).data).not.toEqual(samples.data);
  });

  test('go on from the chains, or begin anew', async () => {
    const still = { steps: 0, temperature: null };
    const chains = caseOf(base, (o) => ({
      ...o,
      chains: { ...o.chains, kind: 'buffer' },
      sampling: { from: 'chains', ...still },
    }));
    const state = await trained(chains);
    const buffer = new Set(rowsOf(state.buffer as NDArray));
    expect(rowsOf(await sampleOf(chains, state, 20)).every((row) => buffer.has(row))).toBe(true);
    const anew = caseOf(base, (o) => ({
      ...o,
      chains: { ...o.chains, ...start },
      sampling: { from: 'start', ...still },
    }));
    expect(numbersOf(await sampleOf(anew, state))).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('have a temperature of their own, or that of training', async () => {
    const at = (temperature: number | null): LearnerCase =>
      caseOf(base, (o) => ({
        ...o,
        chains: { ...o.chains, ...start },
        langevin: { ...o.langevin, temperature: 0.5 },
        sampling: { from: 'start', steps: 3, temperature },
      }));
    const state = await trained(at(null));
    const [cold, own, same] = [
      await sampleOf(at(0), state),
      await sampleOf(at(null), state),
      await sampleOf(at(0.5), state),
    ];
    const [x, y] = numbersOf(cold) as [number, number];
    expect(numbersOf(cold), 'without noise all samples go one way').toEqual([x, y, x, y, x, y]);
    expect(own.data).not.toEqual(cold.data);
    expectSameBits(own, same);
  });
});

test('weightClip bounds every parameter after an update, and reaches the bound', async () => {
  const item = caseOf('pgcn on images', (o) => ({
    ...o,
    optimizer: { ...o.optimizer, learningRate: 10, weightClip: 0.25 },
  }));
  for (const { after } of await stepsOf(item, 2)) {
    const theta = numbersOf((after.params as { theta: NDArray }).theta);
    expect(Math.max(...theta)).toBe(0.25);
    expect(Math.min(...theta)).toBeGreaterThanOrEqual(-0.25);
  }
  const [{ after: free }] = (await stepsOf(
    caseOf('pgcn on images', (o) => ({ ...o, optimizer: { ...o.optimizer, learningRate: 10 } })),
    1,
  )) as [Step];
  expect(Math.max(...numbersOf((free.params as { theta: NDArray }).theta))).toBeGreaterThan(0.25);
});

describe('a texture, learned from one image, at another size', () => {
  const stripes = imageDataset({
    name: 'stripes',
    images: { shape: [1, 8, 8], data: Uint8Array.from({ length: 64 }, (_, i) => (i % 4 < 2 ? 230 : 25)) },
  });
  const [small] = LEARNER_CASES.filter((item) => item.label === 'pgcn on images') as [LearnerCase];
  const learnerAt = (
    shape: readonly number[],
    theta: 'position' | 'channel',
  ): ReturnType<typeof createDescriptiveLearner> =>
    createDescriptiveLearner(
      runtime,
      'pgcn',
      {
        ...small.options,
        potential: { ...small.options.potential, theta },
        langevin: { ...small.options.langevin, sigma: 0.5, steps: 5, clip: [-1, 1] },
        sampling: { from: 'chains', steps: 4, temperature: null },
      },
      shape,
    );

  async function learned(theta: 'position' | 'channel'): Promise<DescriptiveState> {
    const learner = learnerAt([1, 8, 8], theta);
    const draw = createStream('texture');
    let state = await learner.init(draw, stripes);
    for (let i = 0; i < 3; i++) [state] = await learner.step(state, await stripes.batch([0]), draw);
    await learner.dispose();
    return state;
  }

  test('a potential with a weight per channel applies to other sizes, and its samples have that size', async () => {
    const state = await learned('channel');
    const large = learnerAt([1, 12, 20], 'channel');
    const samples = await large.sample(state, 3, createStream('samples'));
    expect(samples.shape).toEqual([3, 1, 12, 20]);
    expect(new Set(numbersOf(samples)).size).toBeGreaterThan(20);
    await large.dispose();
    // Away from the border a pixel sees the same pixels in images of either size, so it is moved in the same way.
    const { potential } = small.options;
    const inner = createStream('inner').normal([1, 1, 40, 40]);
    const forces = await Promise.all(
      [40, 48].map(async (size) => {
        const phi = buildPotential({ ...potential, theta: 'channel' }, [1, size, size]);
        const x = new Float64Array(size * size);
        for (let i = 0; i < 1600; i++)
          x[(Math.floor(i / 40) + (size - 40)) * size + (i % 40) + (size - 40)] = Number(inner.data[i]);
        const pull = runtime.compile((p: SymbolicParams, at: Tensor) => force(phi, p, at));
        const found = numbersOf(await pull(state.params, ndarray(x, [1, 1, size, size])));
        return found[(size - 10) * size + size - 10] as number;
      }),
    );
    expect(Math.abs((forces[0] as number) - (forces[1] as number))).toBeLessThan(1e-12);
    expect(Math.abs(forces[0] as number)).toBeGreaterThan(0);
  });

  test('weights per position are of one size, and say so', async () => {
    const state = await learned('position');
    const large = learnerAt([1, 12, 20], 'position');
    expectSentence(
      await messageOf(() => large.sample(state, 3, createStream('samples'))),
      '"theta" has the shape [52, 8, 8], items of [1, 12, 20] take [52, 12, 20]; weights per channel',
    );
  });
});
