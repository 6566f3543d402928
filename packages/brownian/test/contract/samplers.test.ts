import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import { type Runtime, createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import type { Params, Potential } from '../../src/interfaces.ts';
import type { LangevinOptions } from '../../src/learners/options.ts';
import { ACTIVATIONS } from '../../src/nets/activations.ts';
import { dense, pointwise } from '../../src/nets/layers.ts';
import { chain } from '../../src/nets/net.ts';
import { descriptor } from '../../src/potentials/descriptor.ts';
import {
  LANGEVIN_DEFAULTS,
  type Sampler,
  type SamplerInfo,
  type SamplerState,
  langevin,
} from '../../src/samplers/langevin.ts';
import { chooseRows, freshCount, putRows, takeRows } from '../../src/samplers/replay-buffer.ts';
import { type ChainStart, startParticles } from '../../src/samplers/start.ts';
import { FLAT, linear, quadratic, smoothPotential } from '../support/potentials.ts';
import { expectRows, expectSentence, implementations, messageOf } from '../support/rows.ts';
import { differences, expectSameBits, nonFinite, numbersOf, stored, typesOf, widened } from '../support/trees.ts';

interface SamplerRow {
  make(runtime: Runtime, options: { readonly frozen: boolean }): Sampler;
  readonly potential: Potential;
  /** Shape of the particles to move. */
  readonly shape: readonly number[];
}

const SMOOTH = smoothPotential();
/** Steps of size .1 on particles of size 1. */
const OPTIONS: LangevinOptions = { ...LANGEVIN_DEFAULTS, delta: 0.1, sigma: 1 };

/** By file of `src/samplers`. */
const ROWS: Readonly<Record<string, SamplerRow>> = {
  langevin: {
    make: (runtime, options) => langevin(runtime, SMOOTH, OPTIONS, options),
    potential: SMOOTH,
    shape: [6, 2],
  },
};

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

test('every file of src/samplers has a row', () => {
  // These solve an equation and draw no noise: test/potential-flow.test.ts and elastic-particles.test.ts beside this.
  expectRows(ROWS, implementations('samplers', ['elastic-particles', 'potential-flow', 'replay-buffer', 'start']));
});

describe.each(Object.entries(ROWS))('%s', (name, { make, potential, shape }) => {
  const x = createStream(name).normal(shape);
  const params = potential.init(createStream('params'));
  const free = make(runtime, { frozen: false });
  const frozen = make(runtime, { frozen: true });

  test('a step returns particles of the same shape and finite diagnostics, and leaves its state alone', async () => {
    const state = free.init(params, x);
    const kept = stored(state);
    const [next, info] = await free.step(state, createStream(1));
    expectSameBits(state, kept);
    expect(typesOf(next)).toEqual(typesOf(kept));
    expect(nonFinite(next)).toEqual([]);
    expect(differences(next, kept)).toEqual(['x']);
    expect(Object.values(info).every(Number.isFinite)).toBe(true);
  });

  test.each([
    ['free', free],
    ['frozen', frozen],
  ])('with %s parameters, run(k) is k steps with the same noise, to the bit', async (_, sampler) => {
    const [together, alone] = [createStream(1), createStream(1)];
    const [end, info] = await sampler.run(sampler.init(params, x), 4, together);
    let [state, last]: [SamplerState, SamplerInfo | undefined] = [sampler.init(params, x), undefined];
    for (let i = 0; i < 4; i++) [state, last] = await sampler.step(state, alone);
    expectSameBits(end, state);
    expect(info).toEqual(last);
    expect(together.state()).toEqual(alone.state());
  });

  test('run(0) moves nothing and draws nothing', async () => {
    const draw = createStream(1);
    const [end] = await free.run(free.init(params, x), 0, draw);
    expectSameBits(end, { params, x });
    expect(draw.state().count).toBe(0);
  });

  test('its noise decides where particles go', async () => {
    const ends = await Promise.all([1, 1, 2].map((seed) => free.run(free.init(params, x), 3, createStream(seed))));
    const [one, again, other] = ends.map(([state]) => state);
    expectSameBits(again, one);
    expect(differences(other, one)).toEqual(['x']);
  });

  test('frozen parameters give the same numbers, and new ones are noticed and compiled anew', async () => {
    const own = createRuntime(interpreterBackend());
    const [open, closed] = [make(own, { frozen: false }), make(own, { frozen: true })];
    for (const [i, key] of ['params', 'others'].entries()) {
      const at = potential.init(createStream(key));
      const [a] = await open.run(open.init(at, x), 3, createStream(1));
      const [b] = await closed.run(closed.init(at, x), 3, createStream(1));
      expectSameBits(b.x, a.x);
      expect(own.openSessions, 'one for all free parameters, one for each set of frozen ones').toBe(1 + (i + 1));
    }
    await own.dispose();
  });

  test('has no session open after dispose', async () => {
    const own = createRuntime(interpreterBackend());
    const samplers = [make(own, { frozen: false }), make(own, { frozen: true })];
    for (const sampler of samplers) await sampler.step(sampler.init(params, x), createStream(1));
    expect(own.openSessions).toBe(2);
    for (const sampler of samplers) await sampler.dispose();
    expect(own.openSessions).toBe(0);
  });
});

/** Where particles are after some steps, as numbers. */
async function walk(
  potential: Potential,
  params: Params,
  start: NDArray,
  edit: Partial<LangevinOptions>,
  steps = 1,
): Promise<number[]> {
  const sampler = langevin(runtime, potential, { ...OPTIONS, ...edit });
  const [end] = await sampler.run(sampler.init(params, start), steps, createStream('noise'));
  await sampler.dispose();
  return numbersOf(end.x);
}

describe('the options of langevin', () => {
  const start = widened(createStream('start').normal([50, 2]));
  const params = widened(SMOOTH.init(createStream('params')));
  const h = OPTIONS.delta * OPTIONS.sigma;

  test('a step is x + h²/2 (∇Φ − x/σ²) + h √T ξ', async () => {
    const [sigma, delta, temperature] = [0.7, 0.3, 0.25];
    const theta = [2, -3];
    const moved = await walk(linear([2]), { theta: ndarray(theta) }, start, { sigma, delta, temperature });
    const noise = createStream('noise').normal(start.shape).data as Float32Array;
    const step = sigma * delta;
    moved.forEach((value, i) => {
      const x = (start.data as Float64Array)[i] as number;
      const drift = (theta[i % 2] as number) - x / sigma ** 2;
      const expected = x + ((step * step) / 2) * drift + step * Math.sqrt(temperature) * (noise[i] as number);
      // One step in double precision.
      expect(Math.abs(value - expected)).toBeLessThan(1e-13);
    });
  });

  test('without the reference the term −x/σ² is gone and nothing else', async () => {
    const [pulled, free] = [
      await walk(SMOOTH, params, start, {}),
      await walk(SMOOTH, params, start, { reference: false }),
    ];
    free.forEach((value, i) => {
      const pull = (-(h * h) / 2) * ((start.data as Float64Array)[i] as number);
      // Two steps in double precision.
      expect(Math.abs((pulled[i] as number) - value - pull)).toBeLessThan(1e-13);
    });
  });

  test('the literal form moves particles by δ²/2, with the same noise', async () => {
    const [sigma, delta, temperature] = [0.7, 0.3, 0.25];
    const theta = [2, -3];
    const options = { form: 'literal', sigma, delta, temperature } as const;
    const moved = await walk(linear([2]), { theta: ndarray(theta) }, start, options);
    const noise = createStream('noise').normal(start.shape).data as Float32Array;
    moved.forEach((value, i) => {
      const x = (start.data as Float64Array)[i] as number;
      const drift = (theta[i % 2] as number) - x / sigma ** 2;
      const expected =
        x + ((delta * delta) / 2) * drift + delta * sigma * Math.sqrt(temperature) * (noise[i] as number);
      // One step in double precision.
      expect(Math.abs(value - expected)).toBeLessThan(1e-13);
    });
  });

  test('the two forms are one at σ = 1, and the printed settings diverge in the literal one', async () => {
    expect(await walk(SMOOTH, params, start, { form: 'literal' }, 3)).toEqual(await walk(SMOOTH, params, start, {}, 3));
    const printed = { ...LANGEVIN_DEFAULTS, temperature: 0 };
    const [kept, lost] = [
      await walk(FLAT, [], start, printed, 3),
      await walk(FLAT, [], start, { ...printed, form: 'literal' }, 3),
    ];
    // |1 − δ²/2| = .98 a step against |1 − δ²/2σ²| = 199.
    kept.forEach((value, i) => expect(value / ((start.data as Float64Array)[i] as number)).toBeCloseTo(0.98 ** 3, 12));
    lost.forEach((value, i) =>
      expect(value / ((start.data as Float64Array)[i] as number) / -(199 ** 3)).toBeCloseTo(1, 9),
    );
  });

  test('speedDrift adds −∇‖s∇Φ‖², which is 2s²x/τ⁴ for Φ = −x²/2τ² and nothing for piecewise linear Φ', async () => {
    const [tau, still] = [0.8, { temperature: 0, reference: false }];
    const scale = (h * h) / 2;
    const moved = await walk(quadratic(0, tau), [], start, { ...still, speedDrift: true });
    moved.forEach((value, i) => {
      const x = (start.data as Float64Array)[i] as number;
      const expected = x - (scale * x) / tau ** 2 - (2 * scale * scale * x) / tau ** 4;
      expect(Math.abs(value - expected)).toBeLessThan(1e-15);
    });
    const piecewise = descriptor(chain(dense(5), pointwise(ACTIVATIONS.relu))([2]));
    const at = widened(piecewise.init(createStream('relu')));
    expect(await walk(piecewise, at, start, { speedDrift: true }, 3)).toEqual(await walk(piecewise, at, start, {}, 3));
    expect(await walk(SMOOTH, params, start, { speedDrift: true })).not.toEqual(await walk(SMOOTH, params, start, {}));
  });

  test('at temperature 0 it is gradient ascent: no noise, and Φ rises at every step', async () => {
    const phi = runtime.compile((...[p, x]: Parameters<Potential['apply']>) => SMOOTH.apply(p, x));
    const sampler = langevin(runtime, SMOOTH, { ...OPTIONS, temperature: 0, reference: false });
    let state = sampler.init(params, start);
    let before = numbersOf(await phi(params, start));
    for (const seed of [1, 2, 3, 4, 5]) {
      const [[next], [same]] = [
        await sampler.step(state, createStream(seed)),
        await sampler.step(state, createStream('other')),
      ];
      expectSameBits(same.x, next.x);
      const after = numbersOf(await phi(params, next.x));
      expect(after.every((value, i) => value > (before[i] as number))).toBe(true);
      [state, before] = [next, after];
    }
  });

  test('temperature scales the variance of the noise', async () => {
    const [still, one, four] = [
      await walk(SMOOTH, params, start, { temperature: 0 }),
      await walk(SMOOTH, params, start, {}),
      await walk(SMOOTH, params, start, { temperature: 4 }),
    ];
    still.forEach((value, i) => {
      // √4 = 2 times the same noise; three steps in double precision.
      expect(Math.abs((four[i] as number) - value - 2 * ((one[i] as number) - value))).toBeLessThan(1e-13);
    });
  });

  test('clip keeps particles within its bounds at every step, and reaches them', async () => {
    const [low, high] = [-0.5, 0.25];
    for (const steps of [1, 5]) {
      const moved = await walk(SMOOTH, params, start, { clip: [low, high] }, steps);
      expect([Math.min(...moved), Math.max(...moved)]).toEqual([low, high]);
    }
    const wide = await walk(SMOOTH, params, start, { clip: [-100, 100] });
    expect(wide).toEqual(await walk(SMOOTH, params, start, {}));
  });

  test('gradientClip bounds each particle’s displacement by h²/2 times itself, and leaves short gradients alone', async () => {
    const largest = 3;
    const still = { temperature: 0, reference: false };
    // ∇Φ = −x/τ²: its length grows with ‖x‖, and passes the bound at ‖x‖ = 1.5.
    const potential = quadratic(0, Math.SQRT1_2);
    const [free, limited] = [
      await walk(potential, [], start, still),
      await walk(potential, [], start, { ...still, gradientClip: largest }),
    ];
    const lengthOf = (moved: readonly number[], i: number): number =>
      Math.hypot(
        ...[2 * i, 2 * i + 1].map((at) => (moved[at] as number) - ((start.data as Float64Array)[at] as number)),
      );
    const bound = ((h * h) / 2) * largest;
    const lengths = Array.from({ length: 50 }, (_, i) => [lengthOf(free, i), lengthOf(limited, i)] as const);
    for (const [whole, cut] of lengths) {
      // Differences of positions of size 1 in double precision.
      expect(Math.abs(cut - Math.min(whole, bound))).toBeLessThan(1e-14);
    }
    const over = lengths.filter(([whole]) => whole > bound).length;
    expect(over, 'some gradients are too long and some are not').toBeGreaterThan(5);
    expect(over).toBeLessThan(45);
  });

  test('maxDisplacement bounds what the gradient moves each coordinate, and not the reference or the noise', async () => {
    const potential = quadratic(0, Math.SQRT1_2);
    const values = Array.from(start.data as Float64Array);
    const free = await walk(potential, [], start, { temperature: 0, reference: false });
    const bound = 0.4 * Math.max(...free.map((v, i) => Math.abs(v - (values[i] as number))));
    const limited = await walk(potential, [], start, { temperature: 0, reference: false, maxDisplacement: bound });
    limited.forEach((v, i) => {
      const whole = (free[i] as number) - (values[i] as number);
      // Differences of positions of size 1 in double precision.
      expect(Math.abs(v - (values[i] as number) - Math.sign(whole) * Math.min(Math.abs(whole), bound))).toBeLessThan(
        1e-14,
      );
    });
    const pulled = await walk(FLAT, [], start, { temperature: 1, reference: true });
    expect(await walk(FLAT, [], start, { temperature: 1, reference: true, maxDisplacement: 1e-9 })).toEqual(pulled);
  });

  test('gradientNorm is the mean norm of ∇Φ before clipping and without the reference', async () => {
    const sampler = langevin(runtime, linear([2]), { ...OPTIONS, gradientClip: 1 });
    const [, { gradientNorm }] = await sampler.step(sampler.init({ theta: ndarray([3, -4]) }, start), createStream(1));
    // A mean of fives in double precision.
    expect(gradientNorm).toBeCloseTo(5, 12);
  });
});

describe('where chains begin', () => {
  const STARTS: Readonly<Record<ChainStart['start'], (values: Float32Array) => boolean>> = {
    zero: (values) => values.every((v) => v === 0),
    noise: (values) => values.some((v) => Math.abs(v) > 0.05) && values.every((v) => Math.abs(v) < 0.5),
    uniform: (values) =>
      values.every((v) => v >= -2 && v < 1) && values.some((v) => v > 0.8) && values.some((v) => v < -1.8),
  };
  test.each(Object.entries(STARTS) as [ChainStart['start'], (values: Float32Array) => boolean][])(
    '%s',
    (start, holds) => {
      const particles = startParticles({ start, range: [-2, 1] }, [100, 3], 0.05, createStream(1));
      expect(particles.shape).toEqual([100, 3]);
      expect(holds(float32Data(particles))).toBe(true);
    },
  );
});

describe('the replay buffer', () => {
  test('begins a share of the chains anew, on average when it is not a whole number of them', () => {
    const draw = createStream('fresh');
    for (const [n, share] of [
      [5, 0.05],
      [9, 0.05],
      [32, 0.05],
      [3, 0.5],
    ] as const) {
      const counts = Array.from({ length: 4000 }, () => freshCount(n, share, draw));
      const rest = (n * share) % 1;
      expect([...new Set(counts)].toSorted((a, b) => a - b)).toEqual([
        Math.floor(n * share),
        Math.floor(n * share) + 1,
      ]);
      const mean = counts.reduce((a, b) => a + b, 0) / counts.length;
      // Four standard errors of the mean of draws that are one or none.
      expect(Math.abs(mean - n * share)).toBeLessThan(4 * Math.sqrt((rest * (1 - rest)) / counts.length));
    }
  });

  test('draws nothing to tell how many begin anew when their number is whole', () => {
    const draw = createStream('fresh');
    const before = draw.state();
    const counts = [
      [100, 0.05],
      [100, 0.07],
      [20, 0.35],
      [7, 0],
      [7, 1],
    ].map(([n = 0, share = 0]) => freshCount(n, share, draw));
    expect(counts).toEqual([5, 7, 7, 0, 7]);
    expect(draw.state()).toEqual(before);
  });

  const buffer = ndarray([0, 0, 1, 1, 2, 2, 3, 3], [4, 2]);

  test('takes rows and puts rows without changing what it was given', () => {
    const kept = stored(buffer);
    const rows = takeRows(buffer, [3, 1]);
    expect(numbersOf(rows)).toEqual([3, 3, 1, 1]);
    const changed = putRows(buffer, [0, 3], ndarray([7, 8, 9, 10], [2, 2]));
    expect(numbersOf(changed)).toEqual([7, 8, 1, 1, 2, 2, 9, 10]);
    expectSameBits(buffer, kept);
  });

  test('chooses different rows while there are enough, and repeats when there are not', () => {
    const few = Array.from(chooseRows(10, 10, createStream(1)));
    expect(new Set(few).size).toBe(10);
    const many = Array.from(chooseRows(4, 100, createStream(1)));
    expect(many).toHaveLength(100);
    expect(new Set(many)).toEqual(new Set([0, 1, 2, 3]));
  });

  test('names a row that does not exist', async () => {
    expectSentence(await messageOf(() => takeRows(buffer, [4])), '4', '4 rows');
  });
});
