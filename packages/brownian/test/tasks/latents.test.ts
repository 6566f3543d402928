import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { describe, expect, test } from 'vitest';
import type { Learner } from '../../src/interfaces.ts';
import { inpaint, inpaintMethods } from '../../src/tasks/inpaint.ts';
import { clipLatents, interpolate, latentPath, smoothness } from '../../src/tasks/interpolate.ts';
import { knownLike, merge } from '../../src/data/masked.ts';
import { squareMask } from '../../src/tasks/masks.ts';
import { reconstruct } from '../../src/tasks/reconstruct.ts';

const ITEM = [1, 4, 4];

function scaled(x: NDArray, by: number): NDArray {
  return { ...x, data: float32Data(x).map((value) => value * by) };
}

/** A model whose latents are items times two; its dynamics add one to what is missing. */
function model(parts: {
  readonly encode?: boolean;
  readonly latent?: boolean;
  readonly moves?: boolean;
  readonly completes?: boolean;
}): Learner {
  const { encode = true, latent = true, moves = true, completes = false } = parts;
  const unused = (): never => {
    throw new Error('not used');
  };
  return {
    name: 'halves',
    init: unused,
    step: unused,
    sample: unused,
    particles: unused,
    dispose: () => Promise.resolve(),
    ...(latent && {
      latent: {
        shape: ITEM,
        path: 'linear',
        draw: (n, stream) => stream.normal([n, ...ITEM]),
        decode: (_, z) => Promise.resolve(scaled(z, 0.5)),
        ...(encode && {
          encode: (_: unknown, x: NDArray) => Promise.resolve(scaled(x, 2)),
          encodeKnown: (_: unknown, x: NDArray) => Promise.resolve(scaled(x, 2)),
        }),
      },
    }),
    ...(completes && {
      complete: (_, items) => Promise.resolve({ ...items, data: float32Data(items).map((v) => v + 0.25) }),
    }),
    ...(moves && {
      inpaint: (_, x, __, ___, from = scaled(x, 0)) =>
        Promise.resolve({ ...from, data: float32Data(from).map((value) => value + 1) }),
    }),
  };
}

const x = createStream(1).uniform([2, ...ITEM], -1, 1);
const known = knownLike(x, squareMask([4, 4]));

function missing(filled: NDArray): number[] {
  expect(merge(x, known, filled), 'known pixels are as they were').toEqual(filled);
  return Array.from(float32Data(filled)).filter((_, i) => known.data[i] === 0);
}

describe('inpainting', () => {
  const draw = createStream(1);

  test('takes the encoder first, and tells what a model can do', () => {
    expect(inpaintMethods(model({}))).toEqual(['encode', 'dynamics', 'both']);
    expect(inpaintMethods(model({ encode: false }))).toEqual(['dynamics']);
    expect(inpaintMethods(model({ latent: false, moves: false }))).toEqual([]);
  });

  test('encodes the image with missing pixels at zero, or moves them, or one after the other', async () => {
    const state: NDArray[] = [];
    expect(missing(await inpaint(model({}), state, { x, known }, draw))).toEqual(Array.from({ length: 8 }, () => 0));
    expect(missing(await inpaint(model({}), state, { x, known }, draw, 'dynamics'))).toEqual(
      Array.from({ length: 8 }, () => 1),
    );
    expect(missing(await inpaint(model({}), state, { x, known }, draw, 'both'))).toEqual(
      Array.from({ length: 8 }, () => 1),
    );
  });

  test('asks a network that completes before latents, and gives it nothing of what is missing', async () => {
    expect(inpaintMethods(model({ completes: true, latent: false }))).toEqual(['encode', 'dynamics', 'both']);
    const filled = await inpaint(model({ completes: true }), [], { x, known }, draw);
    expect(missing(filled)).toEqual(Array.from({ length: 8 }, () => 0.25));
    const both = await inpaint(model({ completes: true }), [], { x, known }, draw, 'both');
    expect(missing(both)).toEqual(Array.from({ length: 8 }, () => 1.25));
  });

  test('is refused in a sentence by a model that cannot', async () => {
    await expect(inpaint(model({ latent: false, moves: false }), [], { x, known }, draw)).rejects.toThrow(
      'halves cannot inpaint: it has no encoder of incomplete images and no dynamics of its own.',
    );
    const conditional = { ...model({ latent: false, moves: false }), classes: 10 };
    await expect(inpaint(conditional, [], { x, known }, draw)).rejects.toThrow(
      'halves cannot inpaint: it is conditional on labels, which incomplete images have not.',
    );
    await expect(inpaint(model({ encode: false }), [], { x, known }, draw, 'both')).rejects.toThrow(
      'halves cannot inpaint by "both": it has dynamics.',
    );
  });
});

describe('reconstruction', () => {
  test('gives latents and what they decode to', async () => {
    const { z, x: again } = await reconstruct(model({}), [], x, createStream(1));
    expect(z).toEqual(scaled(x, 2));
    expect(again).toEqual(x);
  });

  test('is refused in a sentence by a model that cannot', async () => {
    await expect(reconstruct(model({ latent: false }), [], x, createStream(1))).rejects.toThrow(
      'halves cannot encode items: it has no latents.',
    );
    await expect(reconstruct(model({ encode: false }), [], x, createStream(1))).rejects.toThrow(
      'halves cannot encode items: it has no way from items to latents.',
    );
  });
});

describe('the way between two latents', () => {
  const [a, b] = [ndarray([1, 0, 0, 2], [2, 2]), ndarray([0, 1, 0, -3], [2, 2])];

  test('is even along the chord', () => {
    const path = latentPath(a, b, 3, 'linear');
    expect(path.shape).toEqual([10, 2]);
    expect(Array.from(path.data as Float32Array).slice(0, 10)).toEqual([1, 0, 0.75, 0.25, 0.5, 0.5, 0.25, 0.75, 0, 1]);
  });

  test('keeps its length along the arc, and turns evenly', () => {
    const path = float32Data(latentPath(a, b, 2, 'spherical'));
    const angles = [0, 1, 2, 3].map((i) => Math.atan2(path[2 * i + 1] as number, path[2 * i] as number));
    angles.forEach((angle, i) => expect(angle).toBeCloseTo((i * Math.PI) / 6, 6));
    [0, 1, 2, 3].forEach((i) => expect(Math.hypot(path[2 * i] as number, path[2 * i + 1] as number)).toBeCloseTo(1, 6));
  });

  test('blends weights of labels evenly, whatever the path, and turns by the angle of the rest alone', () => {
    const [one, other] = [ndarray([1, 0, 1, 0], [1, 4]), ndarray([0, 1, 0, 1], [1, 4])];
    const [half, quarter] = [Math.SQRT1_2, Math.cos(Math.PI / 8)];
    const path = Array.from(float32Data(latentPath(one, other, 3, 'spherical', 2)));
    const expected = [quarter, Math.sin(Math.PI / 8), 0.75, 0.25, half, half, 0.5, 0.5];
    path.slice(4, 12).forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 6));
    // Equal noise has no arc, and stays where it is while the label changes.
    const same = latentPath(ndarray([3, 4, 1, 0], [1, 4]), ndarray([3, 4, 0, 1], [1, 4]), 1, 'spherical', 2);
    expect(Array.from(same.data as Float32Array).slice(4, 8)).toEqual([3, 4, 0.5, 0.5]);
  });

  test('goes straight between opposite ends, which no arc joins', () => {
    expect(Array.from(latentPath(a, b, 1, 'spherical').data.slice(6) as Float32Array)).toEqual([0, 2, 0, -0.5, 0, -3]);
  });

  test('wants two ends of one shape', () => {
    expect(() => latentPath(a, ndarray([1, 2]), 1, 'linear')).toThrow(
      'The ends of a path have the shapes [2, 2] and [2].',
    );
  });

  test('is decoded to items in rows, by the model’s own path', async () => {
    const [from, to] = [x, scaled(x, -1)];
    const rows = await interpolate(model({}), [], { from, to, midpoints: 1 });
    expect(rows.shape).toEqual([6, ...ITEM]);
    expect(Array.from(rows.data.slice(0, 16) as Float32Array)).toEqual(
      Array.from(scaled(x, 0.5).data.slice(0, 16) as Float32Array),
    );
    const { latent } = model({});
    const weights = { ...model({}), latent: { ...(latent as NonNullable<typeof latent>), labelWeights: 16 } };
    const ends = { from, to: createStream(2).uniform(x.shape, -1, 1), midpoints: 1 };
    expect(await interpolate(weights, [], { ...ends, path: 'spherical' })).toEqual(
      await interpolate(model({}), [], { ...ends, path: 'linear' }),
    );
    await expect(interpolate(model({ latent: false }), [], { from, to })).rejects.toThrow(
      'halves cannot interpolate: its samples have no latents.',
    );
  });

  test('ends are clipped to [−1, 1]', () => {
    expect(Array.from(clipLatents(ndarray([-3, -0.5, 0.5, 3])).data as Float32Array)).toEqual([-1, -0.5, 0.5, 1]);
  });
});

describe('smoothness', () => {
  test('is the largest step over the median one, row by row', () => {
    const rows = ndarray([0, 1, 2, 3, 0, 1, 1, 9], [8, 1]);
    expect(smoothness(rows, 4)).toEqual([
      { steps: [1, 1, 1], ratio: 1 },
      { steps: [1, 0, 8], ratio: 8 },
    ]);
  });

  test('is infinite where a row stands still and then jumps, and 1 where it never moves', () => {
    expect(smoothness(ndarray([0, 0, 0, 9, 5, 5, 5, 5], [8, 1]), 4).map(({ ratio }) => ratio)).toEqual([Infinity, 1]);
  });

  test('takes the mean of the two middle steps of an even number', () => {
    expect(smoothness(ndarray([0, 1, 4], [3, 1]), 3)[0]?.ratio).toBe(1.5);
  });

  test('wants whole rows', () => {
    expect(() => smoothness(ndarray([1, 2, 3], [3, 1]), 2)).toThrow('3 items are no rows of 2; a row has at least 2.');
  });
});
