import { type NDArray, type Tensor, flatten, float32Data, grad, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { imageDataset } from '../../src/data/dataset.ts';
import { knownLike } from '../../src/data/masked.ts';
import type { SymbolicParams } from '../../src/interfaces.ts';
import { createGeneralizedLearner } from '../../src/learners/generalized-family.ts';
import { generatorLosses } from '../../src/learners/generator-update.ts';
import { buildGenerator } from '../../src/learners/generator.ts';
import { completing, maskedLatents } from '../../src/learners/masked.ts';
import type { GeneralizedLearnerOptions } from '../../src/learners/options.ts';
import { MODELS } from '../../src/learners/presets.ts';
import { smoothFill } from '../../src/nets/smooth-fill.ts';
import { FILLS, type FillName } from '../../src/tasks/fills.ts';
import { inpaint } from '../../src/tasks/inpaint.ts';
import { MASKS, type MaskName } from '../../src/tasks/masks.ts';
import { expectSentence, messageOf } from '../support/rows.ts';
import { numbersOf } from '../support/trees.ts';

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

const SHAPE = [1, 8, 8];

/** Stripes of a wave: what is missing follows from what is not, and not from its mean or its edges. */
function stripes(n: number, seed: number): NDArray {
  const draw = createStream(seed);
  const data = new Float32Array(n * 64);
  for (let image = 0; image < n; image++) {
    const [across, phase] = [draw.next() < 0.5, Math.floor(4 * draw.next())];
    for (let i = 0; i < 64; i++)
      data[image * 64 + i] = Math.sin((Math.PI / 2) * ((across ? i % 8 : Math.floor(i / 8)) + phase));
  }
  return ndarray(data, [n, ...SHAPE]);
}

const TRAINING = stripes(64, 1);
const IMAGES = imageDataset({
  name: 'stripes',
  images: {
    shape: [64, 8, 8],
    data: Uint8Array.from(float32Data(TRAINING), (value) => Math.round(127.5 * (value + 1))),
  },
});

type Model = 'ggcn-star' | 'ggcn';

function optionsOf(model: Model): GeneralizedLearnerOptions {
  const options = completing(MODELS[model].defaults(SHAPE), SHAPE);
  return {
    ...options,
    potential: { ...options.potential, channels: [4, 8] },
    upsampling: { ...options.upsampling, width: 6, learningRate: 5e-3 },
    chains: { ...options.chains, particles: 8 },
    langevin: { ...options.langevin, steps: 1 },
    optimizer: { ...options.optimizer, schedule: 'constant', ema: 0.9 },
  };
}

describe('masked latents', () => {
  test('are the image times its mask, and the mask; a pixel is known where all of its channels are', () => {
    const x = ndarray([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2]);
    expect(numbersOf(maskedLatents(x, ndarray([1, 0, 1, 1], [1, 1, 2, 2])))).toEqual([
      1, 0, 3, 4, 5, 0, 7, 8, 1, 0, 1, 1,
    ]);
    const byChannel = ndarray([1, 1, 0, 1, 1, 0, 1, 1], [1, 2, 2, 2]);
    expect(numbersOf(maskedLatents(x, byChannel))).toEqual([1, 0, 0, 4, 5, 0, 0, 8, 1, 0, 0, 1]);
  });

  test('that samples begin at are of the data, and kept', async () => {
    const learner = createGeneralizedLearner(runtime, 'ggcn-star', optionsOf('ggcn-star'), SHAPE);
    const state = await learner.init(createStream(1), IMAGES);
    expect(state.latents?.shape).toEqual([64, 128]);
    const rows = numbersOf(state.latents as NDArray);
    const values = numbersOf((await IMAGES.batch(Array.from({ length: 64 }, (_, i) => i))).x);
    const images = Array.from({ length: 64 }, (_, i) => values.slice(64 * i, 64 * i + 64));
    for (let row = 0; row < 64; row++) {
      const [x, known] = [rows.slice(128 * row, 128 * row + 64), rows.slice(128 * row + 64, 128 * row + 128)];
      expect(images.some((image) => image.every((value, i) => x[i] === value * (known[i] as number)))).toBe(true);
      expect(new Set(known)).toEqual(new Set([0, 1]));
    }
    const [next] = await learner.step(state, await IMAGES.batch([0, 1, 2]), createStream(2));
    expect(next.latents).toBe(state.latents);
    expect(learner.latent).toBeUndefined();
    await learner.dispose();
  });
});

describe('the smooth filling that an auto-encoder begins at', () => {
  const fill = runtime.compile((x: Tensor, known: Tensor) => smoothFill(x.mul(known), known));
  const ramp = (height: number, width: number): NDArray =>
    ndarray(
      Float32Array.from({ length: 2 * height * width }, (_, i) => {
        const [column, row] = [i % width, Math.floor(i / width) % height];
        return 0.05 * column - 0.04 * row + (i < height * width ? 0 : 0.3);
      }),
      [1, 2, height, width],
    );

  test.each([
    [12, 12],
    [13, 9],
  ])(
    'leaves known pixels, and continues a ramp of %d×%d pixels four times as nearly as the mean does',
    async (h, w) => {
      const x = ramp(h, w);
      const known = MASKS.both(1, [h, w], createStream(4));
      const [filled, mask] = [numbersOf(await fill(x, known)), numbersOf(known)];
      const errorOf = (values: ArrayLike<number>): number =>
        Math.sqrt(Array.from(values).reduce((sum, value, i) => sum + (value - (x.data[i] as number)) ** 2, 0));
      const moved = filled.filter((value, i) => mask[i % (h * w)] === 1 && value !== x.data[i]);
      expect(moved).toEqual([]);
      const images = { x, known: knownLike(x, known) };
      // Three sweeps of each scale do not end at the solution, which would continue an affine function exactly away from the border.
      expect(errorOf(filled)).toBeLessThan(0.25 * errorOf(float32Data(FILLS.mean(images))));
    },
  );

  test('is one colour where one colour is known, and 0 where nothing is', async () => {
    const flat = { ...ramp(7, 6), data: new Float32Array(84).fill(0.25) };
    const known = MASKS.square(1, [7, 6], createStream(1));
    numbersOf(await fill(flat, known)).forEach((value) => expect(value).toBeCloseTo(0.25, 10));
    const none = { ...known, data: new Float32Array(42) };
    expect(new Set(numbersOf(await fill(flat, none)))).toEqual(new Set([0]));
  });
});

describe('what a generator of masked images learns', () => {
  const net = buildGenerator({ net: 'auto-encoder', width: 2, embedding: 1 }, SHAPE, {
    dim: 128,
    classes: 0,
    start: 'masked',
  });
  const x = stripes(3, 5);
  const known = MASKS.both(3, [8, 8], createStream(2));
  const hidden = maskedLatents(x, known);
  const potential = {
    init: () => [],
    apply: (_: SymbolicParams, at: Tensor) => at.sum([1, 2, 3]).mul(0.25),
  };

  test('is the weight times half the squared distance to the originals, of missing pixels, beside the rest', async () => {
    const lossesAt = (originalWeight: number) =>
      runtime.compile((xi: SymbolicParams, z: Tensor, original: Tensor) => {
        const update = { potential, net, learning: 'amortised', scale: 0.5, originalWeight } as const;
        const { losses, x: made } = generatorLosses(update, xi, [], { hidden: z, target: original, original });
        const slope = grad((p: SymbolicParams) =>
          generatorLosses(update, p, [], { hidden: z, target: original, original }).losses.sum(),
        )(xi);
        return { losses, made, slope };
      })(net.init(createStream(1)), hidden, x);
    const [none, one, three] = [await lossesAt(0), await lossesAt(1), await lossesAt(3)];
    const [made, values, mask] = [numbersOf(none.made), numbersOf(x), numbersOf(known)];
    expect(made.filter((value, i) => mask[i] === 1 && value !== values[i])).toEqual([]);
    for (let image = 0; image < 3; image++) {
      const at = Array.from({ length: 64 }, (_, i) => 64 * image + i);
      const square = at.reduce(
        (sum, i) => sum + (mask[i] === 0 ? ((made[i] as number) - (values[i] as number)) ** 2 : 0),
        0,
      );
      const phi = 0.25 * at.reduce((sum, i) => sum + (made[i] as number), 0);
      // Sums of 64 numbers in double precision.
      expect(numbersOf(none.losses)[image]).toBeCloseTo(-0.5 * phi, 10);
      expect(numbersOf(one.losses)[image]).toBeCloseTo(-0.5 * phi + square / 2, 10);
    }
    const slopes = [none, one, three].map(({ slope }) => flatten<NDArray>(slope).leaves.flatMap(numbersOf));
    slopes[2]?.forEach((value, i) => {
      const [zero, first] = [slopes[0]?.[i] as number, slopes[1]?.[i] as number];
      expect(Math.abs(value - zero - 3 * (first - zero))).toBeLessThan(1e-9);
    });
  });

  test.each<Model>(['ggcn-star', 'ggcn'])(
    '%s completes new images better than any trivial filling after some seconds of training',
    { timeout: 120_000 },
    async (model) => {
      const learner = createGeneralizedLearner(runtime, model, optionsOf(model), SHAPE);
      const draw = createStream('draw');
      let state = await learner.init(createStream(1), IMAGES);
      const errors: number[] = [];
      for (let i = 0; i < 250; i++) {
        const batch = await IMAGES.batch(Array.from({ length: 8 }, (_, k) => (8 * i + k) % 64));
        const [next, metrics] = await learner.step(state, batch, draw);
        state = next;
        errors.push(metrics['completionError'] as number);
      }
      const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
      expect(mean(errors.slice(-20))).toBeLessThan(mean(errors.slice(0, 20)) / 3);
      const images = stripes(20, 9);
      for (const name of Object.keys(MASKS) as MaskName[]) {
        const masks = knownLike(images, MASKS[name](20, [8, 8], createStream(7)));
        const errorOf = (filled: NDArray): number =>
          mean(Array.from(float32Data(filled), (value, i) => (value - (images.data[i] as number)) ** 2));
        const ours = errorOf(await inpaint(learner, state, { x: images, known: masks }, draw));
        for (const fill of Object.keys(FILLS) as FillName[])
          expect(ours, `${name} beside ${fill}`).toBeLessThan(errorOf(FILLS[fill]({ x: images, known: masks })));
      }
      await learner.dispose();
    },
  );
});

type Change = (options: GeneralizedLearnerOptions) => GeneralizedLearnerOptions;

test.each<{ readonly change: Change; readonly texts: readonly string[]; readonly shape?: readonly number[] }>([
  {
    change: (o) => ({ ...o, hidden: { ...o.hidden, learned: true } }),
    texts: ['hidden.learned is true', 'make it false'],
  },
  {
    change: (o) => ({ ...o, potential: { ...o.potential, classes: 3 } }),
    texts: ['potential.classes is 3', 'leave it out'],
  },
  { change: (o) => ({ ...o, chains: { ...o.chains, fresh: 0.5 } }), texts: ['chains.fresh is 0.5', 'make it 1'] },
  { change: (o) => ({ ...o, hidden: { ...o.hidden, dim: 64 } }), texts: ['hidden.dim is 64', '128 values'] },
  {
    change: (o) => ({ ...o, hidden: { ...o.hidden, start: 'normal' } }),
    texts: ['upsampling.net is auto-encoder', 'hidden.start masked'],
  },
  {
    change: (o) => ({ ...o, upsampling: { ...o.upsampling, net: 'mlp' }, hidden: { ...o.hidden, start: 'normal' } }),
    texts: ['upsampling.originalWeight is 1', 'or 0'],
  },
  { change: (o) => o, texts: ['hidden.start is masked', '[2]'], shape: [2] },
])(
  'options that do not go with masked images are refused in a sentence (%#)',
  async ({ change, texts, shape = SHAPE }) => {
    const create = (): unknown => createGeneralizedLearner(runtime, 'ggcn-star', change(optionsOf('ggcn-star')), shape);
    expectSentence(await messageOf(create), ...texts);
  },
);

test('an auto-encoder takes nothing but masked images of its shape', async () => {
  const build = (dim: number): unknown =>
    buildGenerator({ net: 'auto-encoder', width: 2, embedding: 1 }, SHAPE, { dim, classes: 0 });
  expectSentence(await messageOf(() => build(64)), 'autoEncoder', '128 values', '[64]', 'hidden.start masked');
});
