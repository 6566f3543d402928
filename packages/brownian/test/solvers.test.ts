import { type NDArray, ndarray } from '@brownian/graph';
import { describe, expect, test } from 'vitest';
import { SolverError } from '../src/solvers/failure.ts';
import { type VectorField, largest } from '../src/solvers/field.ts';
import { solve } from '../src/solvers/solve.ts';
import { SOLVERS, type SolverName } from '../src/solvers/tableaux.ts';
import { expectSentence } from './support/rows.ts';
import { numbersOf } from './support/trees.ts';

const NAMES = Object.keys(SOLVERS) as SolverName[];
const start = (...values: number[]): NDArray => ndarray(Float64Array.from(values), [values.length, 1]);

const valueOf = (x: NDArray): number => numbersOf(x)[0] as number;

/** A field of one value per sample. */
function scalar(f: (t: number, x: number) => number): VectorField {
  return (t, x) =>
    Promise.resolve(
      ndarray(
        Float64Array.from(numbersOf(x), (v) => f(t, v)),
        x.shape,
      ),
    );
}

/** ẋ = x cos t, x = e^(sin t): neither linear in t nor in x alone. */
const waves = scalar((t, x) => x * Math.cos(t));
const exact = (t: number): number => Math.exp(Math.sin(t));

async function failureOf(call: Promise<unknown>): Promise<SolverError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SolverError);
  return error as SolverError;
}

describe.each(NAMES)('%s', (solver) => {
  const { order, a, b, c, embedded, dense, firstSameAsLast } = SOLVERS[solver];

  test('has a consistent tableau', () => {
    const sum = (row: readonly number[]): number => row.reduce((p, q) => p + q, 0);
    // Sums of a few fractions of size 1 to 10, in double precision.
    a.forEach((row, i) => expect(sum(row)).toBeCloseTo(c[i] as number, 13));
    expect(sum(b)).toBeCloseTo(1, 13);
    expect(sum(embedded?.weights ?? [])).toBeCloseTo(0, 13);
    expect(sum(dense ?? [])).toBeCloseTo(0, 12);
    expect(firstSameAsLast).toBe([...(a.at(-1) as number[]), 0].join() === b.join());
  });

  test('has its order', async () => {
    const errorAt = async (stepSize: number): Promise<number> => {
      const { x } = await solve(waves, start(1), [0, 2], { solver, stepSize });
      return Math.abs(valueOf(x) - exact(2));
    };
    const [coarse, fine] = [0.02, 0.01].map((h) => (order > 3 ? 4 * h : h)) as [number, number];
    const measured = Math.log2((await errorAt(coarse)) / (await errorAt(fine)));
    expect(measured - order).toBeGreaterThan(-0.2);
    expect(measured - order).toBeLessThan(0.25);
  });

  test('has dense output of the order of the solution, up to 3, or 4 with weights of its own', async () => {
    const at = Array.from({ length: 37 }, (_, i) => (2 * (i + 0.5)) / 37);
    const errorAt = async (stepSize: number): Promise<number> => {
      const { saved } = await solve(waves, start(1), [0, 2], { solver, stepSize, saveAt: at });
      return Math.max(...saved.map((x, i) => Math.abs(valueOf(x) - exact(at[i] as number))));
    };
    const measured = Math.log2((await errorAt(0.08)) / (await errorAt(0.04)));
    // The maximum over a set of times wobbles with where they fall in steps, so this is a bound from below.
    expect(measured).toBeGreaterThan(Math.min(order, dense ? 5 : 4) - 0.35);
  });

  test('meets tolerances with steps of its own choice, forwards and backwards', async () => {
    const tolerance = order === 1 ? 1e-4 : 1e-6;
    const options = { solver, rtol: tolerance, atol: tolerance };
    const forth = await solve(waves, start(1), [0, 6], options);
    const back = await solve(waves, forth.x, [6, 0], options);
    // Each step adds at most tolerance·(1 + max|x|), with max|x| = e, and the flow multiplies it by at most e².
    const bound = (steps: number): number => steps * tolerance * (1 + Math.E) * Math.exp(2);
    expect(Math.abs(valueOf(forth.x) - exact(6))).toBeLessThan(bound(forth.accepted));
    expect(Math.abs(valueOf(back.x) - 1)).toBeLessThan(bound(forth.accepted + back.accepted));
    const worst = Math.max(...(forth.errors ?? []));
    expect(worst).toBeLessThanOrEqual(1);
    expect(worst).toBeGreaterThan(0.01);
  });
});

describe('solve', () => {
  test('counts evaluations, and does not repeat the last stage of a step as the first of the next', async () => {
    for (const [solver, perStep, extra] of [
      ['euler', 1, 0],
      ['heun', 2, 0],
      ['rk4', 4, 0],
      ['bosh3', 3, 1],
      ['dopri5', 6, 1],
    ] as const) {
      let calls = 0;
      const counted: VectorField = (t, x) => {
        calls++;
        return waves(t, x);
      };
      const { evaluations, accepted } = await solve(counted, start(1), [0, 1], { solver, stepSize: 0.1 });
      expect([accepted, evaluations], `counts of ${solver}`).toEqual([10, 10 * perStep + extra]);
      expect(calls).toBe(evaluations);
    }
  });

  test.each<[readonly [number, number], number, number]>([
    [[0, 1], 1 / 311, 311],
    [[0, 1], 1 / 336, 336],
    [[1, 0], 1 / 360, 360],
    [[0, 100], 0.1, 1000],
    [[0, 300], 0.1, 3000],
    [[0, 1], 1e-4, 10_000],
    [[-0.3, 0.7], 0.3, 4],
    [[0, 0.1], 1, 1],
  ])('goes over %j in fixed steps of %d', async ([from, to], stepSize, steps) => {
    const times: number[] = [];
    const clock = scalar(() => 1);
    const half = from + (to - from) / 2;
    const { x, saved, accepted } = await solve(clock, start(from), [from, to], {
      solver: 'euler',
      stepSize,
      saveAt: [half],
      onStep: (t) => times.push(t),
    });
    expect(accepted).toBe(steps);
    expect(times.at(-1)).toBe(to);
    const ahead = Math.sign(to - from);
    // Times are rounded once, not once for each step.
    times.slice(0, -1).forEach((t, i) => expect(t).toBe(from + ahead * (i + 1) * stepSize));
    // x = ±(t − t₀) + t₀ sums up as many roundings as there are steps, of numbers below 300.
    const rounding = steps * Math.max(Math.abs(from), Math.abs(to)) * Number.EPSILON;
    const reached = (t: number): number => from + (t - from);
    expect(Math.abs(valueOf(x) - reached(to))).toBeLessThan(rounding + Number.EPSILON);
    expect(Math.abs(valueOf(saved[0] as NDArray) - reached(half))).toBeLessThan(rounding + Number.EPSILON);
  });

  test('refuses fixed steps that are too small to change t', async () => {
    const refused = solve(waves, start(1), [1e16, 1e16 + 100], { stepSize: 0.5 });
    await expect(refused).rejects.toThrow(RangeError);
    await expect(refused).rejects.toThrow('A stepSize of 0.5 is too small to change t');
  });

  test('measures the error of each sample: many easy ones do not hide a hard one', async () => {
    const field: VectorField = (t, x) =>
      Promise.resolve(
        ndarray(
          Float64Array.from(numbersOf(x), (_, i) => (i === 0 ? 20 * Math.cos(20 * t) : 0)),
          x.shape,
        ),
      );
    const options = { rtol: 1e-8, atol: 1e-6 };
    const alone = await solve(field, start(0), [0, 1], options);
    const crowd = await solve(field, start(...Array<number>(1000).fill(0)), [0, 1], options);
    expect(crowd.evaluations).toBe(alone.evaluations);
    expect(crowd.errors?.[0]).toBe(alone.errors?.[0]);
    expect(crowd.errors?.[1]).toBe(0);
  });

  test('keeps the start where no time passes, and saves at both ends', async () => {
    expect(await solve(waves, start(3), [1, 1])).toMatchObject({ evaluations: 0, accepted: 0, x: start(3) });
    const { saved, x } = await solve(waves, start(1), [0, 1], { saveAt: [0, 1] });
    expect(saved[0]).toEqual(start(1));
    expect(saved[1]).toEqual(x);
    expect((await solve(waves, start(3), [1, 1], { saveAt: [1, 1] })).saved).toEqual([start(3), start(3)]);
  });

  test.each([5, 0.9, NaN])('refuses to save at %d where no time passes from 1', async (at) => {
    const refused = solve(waves, start(3), [1, 1], { saveAt: [at] });
    await expect(refused).rejects.toThrow(`saveAt has ${at}; its times lie between 1 and 1`);
  });

  test('says that an equation is stiff', async () => {
    const stiff = scalar((t, x) => -1e5 * (x - Math.cos(t)));
    for (const solver of NAMES) {
      const error = await failureOf(
        solve(stiff, start(1), [0, 10], { solver, rtol: 1e-3, atol: 1e-3, maxSteps: 1000 }),
      );
      expect(error.reason, `${solver} on a stiff equation`).toBe('stiff');
      expect(error.t).toBeGreaterThan(0);
      expect(error.t).toBeLessThan(10);
      expectSentence(error.message, 'stiff', SOLVERS[solver].title);
    }
  });

  test('says that tolerances ask for too many steps, when the equation is not stiff', async () => {
    const error = await failureOf(
      solve(waves, start(1), [0, 100], { solver: 'heun', rtol: 1e-9, atol: 1e-9, maxSteps: 50 }),
    );
    expect(error.reason).toBe('too-many-steps');
    expectSentence(error.message, 'rtol');
    expect(error.message.startsWith(`${error.seen}; `)).toBe(true);
    expect(error.seen).not.toContain('rtol');
  });

  test('says where a solution blows up', async () => {
    const error = await failureOf(
      solve(
        scalar((_, x) => x * x),
        start(1),
        [0, 2],
        { rtol: 1e-6, atol: 1e-6 },
      ),
    );
    // x = 1/(1 − t).
    expect(error.t).toBeCloseTo(1, 3);
    expect(['step-too-small', 'non-finite']).toContain(error.reason);
    expectSentence(error.message, 't = 1');
  });

  test('names the sample whose field is not finite, and takes a step back that only went too far', async () => {
    const edge = scalar((t, x) => (t > 0.5 && x > 1.5 ? NaN : 1));
    const error = await failureOf(solve(edge, start(0, 2), [0, 1]));
    expect(error.reason).toBe('non-finite');
    expect(error.t).toBeCloseTo(0.5, 6);
    expectSentence(error.message, 'sample 1');
    const fixed = await failureOf(solve(edge, start(0, 2), [0, 1], { solver: 'rk4', stepSize: 0.1 }));
    expect(fixed.t).toBeCloseTo(0.5, 6);

    const wall = scalar((_, x) => (x < -0.2 ? NaN : -5 * x));
    const { x, rejected } = await solve(wall, start(1), [0, 2], { solver: 'heun', rtol: 10, atol: 10 });
    expect(rejected).toBeGreaterThan(0);
    expect(numbersOf(x)[0]).toBeGreaterThan(-0.2);
  });

  test('takes a step back whose error is not a number, whichever sample it is of', async () => {
    // x = 1 − (1 − 5t)²: the whole step leaves the field's domain, where the two halves stay inside.
    const edge: VectorField = (_, x) =>
      Promise.resolve(
        ndarray(
          Float64Array.from(numbersOf(x), (v) => (v < 0 ? 0 : 10 * Math.sqrt(1 - v))),
          x.shape,
        ),
      );
    const options = { solver: 'rk4', rtol: 1e-3, atol: 1e-3 } as const;
    const first = await solve(edge, start(0, -1), [0, 0.19], options);
    const second = await solve(edge, start(-1, 0), [0, 0.19], options);
    expect(numbersOf(first.x)).toEqual(numbersOf(second.x).toReversed());
    expect(first.rejected).toBe(second.rejected);
    for (const { errors } of [first, second]) {
      expect(Math.max(...(errors ?? []))).toBeLessThanOrEqual(1);
      expect(Math.max(...(errors ?? []))).toBeGreaterThan(0);
    }
    // Steps within the tolerance of 1e-3, relative and absolute, near x = 1.
    const error = Math.abs((numbersOf(first.x)[0] as number) - (1 - (1 - 5 * 0.19) ** 2));
    expect(error).toBeLessThan(2e-3 * first.accepted);
  });

  test('a norm that is not a number is the largest, before and after others', () => {
    for (const norms of [
      [NaN, 0],
      [0, NaN],
      [1, NaN, 2],
    ])
      expect(largest(Float64Array.from(norms))).toBeNaN();
    expect(largest(Float64Array.of(1, Infinity, 2))).toBe(Infinity);
    expect(largest(new Float64Array(0))).toBe(0);
  });

  test.each([
    [{ rtol: 0 }, 'rtol'],
    [{ stepSize: -1 }, 'stepSize'],
    [{ stepSize: 0.1, rtol: 1e-3 }, 'rtol'],
    [{ saveAt: [2] }, '2'],
    [{ saveAt: [0.5, 0.4] }, '0.4'],
    [{ maxSteps: 0 }, 'maxSteps'],
    [{ stepSize: 0.1, maxSteps: 9 }, 'takes 10 steps, more than maxSteps, 9'],
    [{ stepSize: 1e-5 }, 'takes 100000 steps'],
  ])('refuses %j', async (options, named) => {
    const error: unknown = await solve(waves, start(1), [0, 1], options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RangeError);
    expectSentence((error as Error).message, named);
  });

  test('refuses a field that changes the shape', async () => {
    const wrong: VectorField = (_, x) => Promise.resolve(ndarray(new Float64Array(x.data.length), [x.data.length]));
    await expect(solve(wrong, start(1), [0, 1])).rejects.toThrow('returned shape [1] for particles of shape [1, 1]');
  });
});
