import { type NDArray, type Tensor, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { imageDataset } from '../../src/data/dataset.ts';
import { resize } from '../../src/data/resize.ts';
import type { Batch, Metrics, Moment } from '../../src/interfaces.ts';
import type { DescriptiveLearner, DescriptiveState } from '../../src/learners/descriptive-model.ts';
import { type MultiGridState, enlarge, gridShapes, multiGridLearner, shrink } from '../../src/learners/multi-grid.ts';
import { MODELS, createLearner } from '../../src/learners/presets.ts';
import { expectSentence, messageOf } from '../support/rows.ts';
import { numbersOf } from '../support/trees.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

const IMAGES = imageDataset({
  name: 'squares',
  images: { shape: [3, 2, 8, 4], data: Uint8Array.from({ length: 192 }, (_, i) => (i * 41) % 256) },
});

describe('grids', () => {
  test('shrink takes the mean of each block, and enlarge repeats a pixel', () => {
    const x = ndarray([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 2, 4]);
    expect(shrink(x, [1, 2])).toEqual(ndarray([3.5, 5.5], [1, 1, 1, 2]));
    expect(enlarge(ndarray([3.5, 5.5], [1, 1, 1, 2]), [2, 4])).toEqual(
      ndarray([3.5, 3.5, 5.5, 5.5, 3.5, 3.5, 5.5, 5.5], [1, 1, 2, 4]),
    );
    const images = createStream('images').normal([2, 3, 4, 6]);
    expect(shrink(enlarge(images, [8, 18]), [4, 6]).shape).toEqual(images.shape);
    numbersOf(shrink(enlarge(images, [8, 12]), [4, 6])).forEach((value, i) => {
      // A mean of four equal numbers, in float32.
      expect(value).toBeCloseTo(numbersOf(images)[i] as number, 6);
    });
  });

  test.each([2, 3, 7, 12, 15, 24, 64])('shrink keeps the value of blocks of %d pixels of one value', (ratio) => {
    for (const value of [1, 0.1, -0.7]) {
      const x = ndarray(new Float32Array(ratio ** 2).fill(value), [1, 1, ratio, ratio]);
      expect(numbersOf(shrink(x, [1, 1]))).toEqual([Math.fround(value)]);
    }
  });

  test('enlarge interpolates as resize does', async () => {
    const images = createStream('images').normal([2, 3, 4, 6]);
    const expected = await runtime.compile((x: Tensor) => resize(x, [8, 18]))(images);
    const found = enlarge(images, [8, 18], 'linear');
    expect(found.shape).toEqual(expected.shape);
    // float32 after each of two weighted means, against one rounding.
    numbersOf(found).forEach((value, i) => expect(value).toBeCloseTo(numbersOf(expected)[i] as number, 6));
  });

  test('have the shape of the data, scaled', () => {
    expect(gridShapes([3, 64, 64], [4, 16, 64])).toEqual([
      [3, 4, 4],
      [3, 16, 16],
      [3, 64, 64],
    ]);
    expect(gridShapes([1, 8, 4], [2, 8])).toEqual([
      [1, 2, 1],
      [1, 8, 4],
    ]);
  });

  test.each<[readonly number[], readonly number[], string]>([
    [[3, 64, 64], [4, 16], 'the last must be the height of the data, 64'],
    [[3, 64, 64], [5, 64], 'each must divide the next'],
    [[3, 64, 64], [64, 64], 'each must divide the next'],
    [[3, 64, 10], [16, 64], '64×10 images must have whole pixels at 16'],
    [[2], [2], 'grids are of images'],
  ])('of %o with heights %o are refused', async (shape, heights, words) => {
    expectSentence(await messageOf(() => gridShapes(shape, heights)), 'grids.sizes', words);
  });

  test('of the presets grow up to the data from less than 8 pixels', () => {
    const sizes = [64, 32, 28, 24, 9, 6].map((size) => MODELS['m-gcn'].defaults([3, size, size]).grids.sizes);
    expect(sizes).toEqual([[4, 16, 64], [4, 8, 32], [7, 28], [6, 24], [9], [6]]);
  });
});

/** A grid that adds a number to its particles and notes what it is given. */
function noting(
  add: number,
  shape: readonly number[],
): { learner: DescriptiveLearner; seen: Record<string, NDArray>[] } {
  const seen: Record<string, NDArray>[] = [];
  const moved = (x: NDArray): NDArray =>
    ndarray(
      (x.data as Float32Array).map((v) => v + add),
      x.shape,
    );
  const learner: DescriptiveLearner = {
    name: 'noting',
    init: (): Promise<DescriptiveState> =>
      Promise.resolve({ params: [], optimizer: [], particles: ndarray(new Float32Array(2 * 32), [2, 2, 4, 4]) }),
    stepFrom: (state, x, batch: Batch): Promise<[DescriptiveState, Metrics]> => {
      seen.push({ start: x, data: batch.x });
      return Promise.resolve([{ ...state, particles: moved(x) }, { loss: add }]);
    },
    sampleFrom: (_, x) => Promise.resolve(moved(x)),
    trajectoryFrom: (_, x, __, count): Promise<Moment[]> =>
      Promise.resolve([
        { steps: 0, particles: x, metrics: { energy: count } },
        { steps: 3, particles: moved(x), metrics: { energy: 2 * count } },
      ]),
    inpaint: (_, x, known, __, from = x) => {
      seen.push({ x, known, from });
      return Promise.resolve(moved(from));
    },
    potential: (_, x) => Promise.resolve(ndarray(new Float32Array(x.shape[0] as number).fill(add))),
    exports: () => [{ name: 'step', description: 'Adds.', inputs: [], outputs: [], apply: () => [] }],
    step: () => Promise.reject(new Error(`A grid of ${shape.join('×')} is started from outside.`)),
    sample: () => Promise.reject(new Error('A grid is started from outside.')),
    particles: (state) => state.particles,
    dispose: () => Promise.resolve(),
  };
  return { learner, seen };
}

describe('a multi-grid learner', () => {
  const shapes = gridShapes([2, 8, 4], [2, 4, 8]);
  const notes = shapes.map((shape, i) => noting(10 ** -i, shape));
  const grids = shapes.map((shape, i) => ({ shape, learner: (notes[i] as (typeof notes)[number]).learner }));
  const learner = multiGridLearner({
    name: 'grids',
    itemShape: [2, 8, 4],
    grids,
    particles: 2,
    startNoise: 0,
    upscaling: 'blocks',
  });

  test('starts the coarsest at mean colours of the data and each other at the up-scaled particles before', async () => {
    const state = await learner.init(createStream(1), IMAGES);
    expect(state.means.shape).toEqual([3, 2, 1, 1]);
    const { x } = await IMAGES.batch([0, 1, 2]);
    const ascending = (values: NDArray): number[] => numbersOf(values).toSorted((a, b) => a - b);
    expect(ascending(state.means)).toEqual(ascending(shrink(x, [1, 1])));
    const [next, metrics] = await learner.step(state, { x }, createStream(2));
    const [coarse, middle, fine] = notes.map(({ seen }) => seen[0] as { start: NDArray; data: NDArray });
    const colours = new Set(numbersOf(state.means));
    expect(coarse?.start.shape).toEqual([2, 2, 2, 1]);
    expect(numbersOf(coarse?.start as NDArray).every((value) => colours.has(value))).toBe(true);
    expect(middle?.start).toEqual(enlarge(next.grids[0]?.particles as NDArray, [4, 2]));
    expect(fine?.start).toEqual(enlarge(next.grids[1]?.particles as NDArray, [8, 4]));
    expect([coarse, middle, fine].map((seen) => seen?.data)).toEqual([shrink(x, [2, 1]), shrink(x, [4, 2]), x]);
    expect(metrics).toEqual({ 'loss@2': 1, 'loss@4': 0.1, loss: 0.01 });
    expect(learner.particles(next)).toEqual(next.grids[2]?.particles);
  });

  test('samples go through all grids, from the coarsest up', async () => {
    const state = await learner.init(createStream(1), IMAGES);
    const samples = await learner.sample(state, 5, createStream(3));
    expect(samples.shape).toEqual([5, 2, 8, 4]);
    const colours = numbersOf(state.means);
    // float32 sums of a colour and 1.11.
    numbersOf(samples).forEach((value) =>
      expect(Math.min(...colours.map((colour) => Math.abs(value - colour - 1.11)))).toBeLessThan(1e-6),
    );
  });

  test('a trajectory shows every grid at the size of the data, and ends at the samples', async () => {
    const state = await learner.init(createStream(1), IMAGES);
    const moments = await learner.trajectory?.(state, 5, createStream(3), 9);
    expect(moments?.map(({ steps, metrics }) => [steps, metrics])).toEqual([
      [0, { 'energy@2': 3 }],
      [3, { 'energy@2': 6 }],
      [3, { 'energy@4': 3 }],
      [6, { 'energy@4': 6 }],
      [6, { energy: 3 }],
      [9, { energy: 6 }],
    ]);
    for (const { particles } of moments ?? []) expect(particles.shape).toEqual([5, 2, 8, 4]);
    expect(moments?.at(-1)?.particles).toEqual(await learner.sample(state, 5, createStream(3)));
  });

  test('adds noise of the standard deviation asked for to the mean colours, and nowhere else', async () => {
    const noisy = multiGridLearner({
      name: 'grids',
      itemShape: [2, 8, 4],
      grids,
      particles: 50,
      startNoise: 0.25,
      upscaling: 'blocks',
    });
    const state = { ...(await noisy.init(createStream(1), IMAGES)), means: ndarray([0.5, -0.5], [1, 2, 1, 1]) };
    notes.forEach(({ seen }) => seen.splice(0));
    const { x } = await IMAGES.batch([0, 1]);
    const [next] = await noisy.step(state, { x }, createStream(2));
    const [coarse, middle] = notes.map(({ seen }) => seen[0]?.start as NDArray);
    expect(middle).toEqual(enlarge(next.grids[0]?.particles as NDArray, [4, 2]));
    const noise = numbersOf(coarse as NDArray).map((value, i) => value - (i % 4 < 2 ? 0.5 : -0.5));
    // 200 draws: their root mean square is .25 within four standard errors, .25 × 4/√400.
    const size = Math.sqrt(noise.reduce((sum, value) => sum + value ** 2, 0) / noise.length);
    expect(Math.abs(size - 0.25)).toBeLessThan(0.05);
  });

  test('inpaints with all that is known, whatever the size of blocks', async () => {
    const tall = gridShapes([1, 24, 24], [1, 24]);
    const note = tall.map((shape) => noting(0, shape));
    const model = { name: 'grids', itemShape: [1, 24, 24], particles: 2, startNoise: 0, upscaling: 'blocks' } as const;
    const steep = multiGridLearner({
      ...model,
      grids: tall.map((shape, i) => ({ shape, learner: (note[i] as (typeof note)[number]).learner })),
    });
    const state = { ...(await learner.init(createStream(1), IMAGES)), means: ndarray([0.5], [1, 1, 1, 1]) };
    const x = ndarray(new Float32Array(2 * 576), [2, 1, 24, 24]);
    const known = ndarray(new Float32Array(2 * 576).fill(1), [2, 1, 24, 24]);
    (known.data as Float32Array)[576] = 0;
    await steep.inpaint?.(state, x, known, createStream(1));
    expect(numbersOf(note[0]?.seen[0]?.['known'] as NDArray)).toEqual([1, 0]);
  });

  test('inpaints from the coarsest grid up, where a coarse pixel is known if its whole block is', async () => {
    const state = await learner.init(createStream(1), IMAGES);
    const { x } = await IMAGES.batch([0]);
    const known = ndarray(new Float32Array(64).fill(1), [1, 2, 8, 4]);
    (known.data as Float32Array)[0] = 0;
    notes.forEach(({ seen }) => (seen.length = 0));
    const filled = await learner.inpaint?.(state, x, known, createStream(1));
    const [coarse, middle, fine] = notes.map(({ seen }) => seen[0] as { x: NDArray; known: NDArray; from: NDArray });
    expect(numbersOf(coarse?.known as NDArray)).toEqual([0, 1, 1, 1]);
    expect(numbersOf(middle?.known as NDArray).indexOf(1)).toBe(1);
    expect(numbersOf(fine?.known as NDArray)).toEqual(numbersOf(known));
    expect([coarse, middle, fine].map((seen) => seen?.x)).toEqual([shrink(x, [2, 1]), shrink(x, [4, 2]), x]);
    const colours = new Set(numbersOf(state.means));
    expect(numbersOf(coarse?.from as NDArray).every((value) => colours.has(value))).toBe(true);
    expect(filled?.shape).toEqual([1, 2, 8, 4]);
    const begun = learner.inpaint?.(state, x, known, createStream(1), ndarray(new Float32Array(64), [1, 2, 8, 4]));
    // float32 sum of 1, 0.1 and 0.01.
    expect(Math.max(...numbersOf((await begun) as NDArray))).toBeCloseTo(1.11, 6);
  });

  test('exports the functions of every grid', async () => {
    const state = await learner.init(createStream(1), IMAGES);
    expect(learner.exports?.(state).map(({ name }) => name)).toEqual(['step-2', 'step-4', 'step-8']);
  });

  test('says that data have another shape', async () => {
    const state = await learner.init(createStream(1), IMAGES);
    const batch = { x: ndarray(new Float32Array(8), [1, 2, 2, 2]) };
    expectSentence(
      await messageOf(() => learner.step(state, batch, createStream(1))),
      'the batch',
      '[2, 2, 2]',
      '[2, 8, 4]',
    );
  });
});

describe('a multi-grid model of the table', () => {
  const options = MODELS['wm-gcn'].defaults([2, 8, 4]);
  const small = {
    ...options,
    potential: { ...options.potential, channels: [2, 3] },
    langevin: { ...options.langevin, steps: 2 },
    chains: { ...options.chains, particles: 3 },
    sampling: { ...options.sampling, steps: 1 },
  };

  async function after(grids: typeof options.grids): Promise<{ state: MultiGridState; metrics: Metrics }> {
    const learner = createLearner(runtime, 'wm-gcn', { ...small, grids }, [2, 8, 4]);
    const state = await learner.init(createStream(1), IMAGES);
    const [next, metrics] = await learner.step(state, await IMAGES.batch([0, 1]), createStream(2));
    await learner.dispose();
    return { state: next as unknown as MultiGridState, metrics };
  }

  test('has a potential, steps and a flow for each grid', async () => {
    const base = await after({ sizes: [2, 8], steps: [], betas: [], startNoise: 0, upscaling: 'blocks' });
    expect(base.state.grids.map(({ particles }) => particles.shape)).toEqual([
      [3, 2, 2, 1],
      [3, 2, 8, 4],
    ]);
    expect(Object.keys(base.metrics)).toContain('speed');
    const longer = await after({ sizes: [2, 8], steps: [2, 4], betas: [], startNoise: 0, upscaling: 'blocks' });
    expect(longer.state.grids[0]?.particles).toEqual(base.state.grids[0]?.particles);
    expect(longer.state.grids[1]?.particles).not.toEqual(base.state.grids[1]?.particles);
    const mixed = await after({ sizes: [2, 8], steps: [], betas: [60, 0], startNoise: 0, upscaling: 'blocks' });
    expect(mixed.state.grids[0]?.params).toEqual(base.state.grids[0]?.params);
    expect(mixed.state.grids[1]?.params).not.toEqual(base.state.grids[1]?.params);
    expect(Object.keys(mixed.metrics)).not.toContain('speed');
  });

  test('does not take a buffer of chains', async () => {
    const buffered = {
      ...small,
      chains: { ...small.chains, kind: 'buffer' as const },
      grids: { sizes: [2, 8], steps: [], betas: [], startNoise: 0, upscaling: 'blocks' as const },
    };
    expectSentence(
      await messageOf(() => createLearner(runtime, 'm-gcn', buffered, [2, 8, 4])),
      'chains.kind must be "persistent"',
    );
  });
});
