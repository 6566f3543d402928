import { type NDArray, type Tensor, mapTree, ndarray } from '@brownian/graph';
import { createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import type { Params, SymbolicParams } from '../../src/interfaces.ts';
import { buildOptimizer } from '../../src/learners/optimizer.ts';
import type { OptimizerOptions } from '../../src/learners/options.ts';
import { averageParams } from '../../src/optim/ema.ts';
import * as optimizers from '../../src/optim/optimizers.ts';
import { type Schedule, clipByGlobalNorm, globalNorm, scaleByTrustRatio } from '../../src/optim/scaling.ts';
import * as schedules from '../../src/optim/schedules.ts';
import { type SymbolicState, type Transform, type TransformState, applyUpdates } from '../../src/optim/transform.ts';
import { expectRows, exportedFunctions, implementations } from '../support/rows.ts';
import { arraysOf, nonFinite, numbersOf, typesOf, widened } from '../support/trees.ts';
import { type ReferenceRule, REFERENCE_RULES } from './reference-optimizers.ts';

const { adam, lamb, sgd } = optimizers;
const { constantRate, cosineDecay, warmup } = schedules;

interface OptimizerRow {
  make(rate: number | Schedule): Transform;
  /** The published algorithm in plain arithmetic, for one tensor. */
  readonly reference: ReferenceRule;
  /** A rate at which it descends the quadratic below. */
  readonly rate: number;
}

/** By name of the export of `src/optim/optimizers.ts`; the cases of one optimizer differ in its options. */
const ROWS: Readonly<Record<string, readonly OptimizerRow[]>> = {
  sgd: [
    { make: (rate) => sgd(rate), reference: REFERENCE_RULES.sgd({ momentum: 0 }), rate: 0.2 },
    { make: (rate) => sgd(rate, { momentum: 0.9 }), reference: REFERENCE_RULES.sgd({ momentum: 0.9 }), rate: 0.02 },
  ],
  adam: [
    {
      make: (rate) => adam(rate),
      reference: REFERENCE_RULES.adam({ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }),
      rate: 0.05,
    },
    {
      make: (rate) => adam(rate, { beta1: 0.5, beta2: 0.9, epsilon: 1e-3 }),
      reference: REFERENCE_RULES.adam({ beta1: 0.5, beta2: 0.9, epsilon: 1e-3 }),
      rate: 0.05,
    },
  ],
  lamb: [
    {
      make: (rate) => lamb(rate),
      reference: REFERENCE_RULES.lamb({ beta1: 0.9, beta2: 0.999, epsilon: 1e-6 }),
      rate: 0.05,
    },
  ],
};

const STEPS = 200;
const SCHEDULES: Readonly<Record<string, (rate: number) => number | Schedule>> = {
  'a constant number': (rate) => rate,
  constantRate,
  cosineDecay: (rate) => cosineDecay(rate, STEPS),
  'warmup of cosineDecay': (rate) => warmup(cosineDecay(rate, STEPS), 10),
};

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

/** Two tensors of different sizes in a tree, and the quadratic ½ Σ cᵢ (pᵢ − tᵢ)² over them. */
const START: Params = widened({ a: createStream('a').normal([3, 2]), deep: [{ b: createStream('b').normal([4]) }] });
const TARGET = mapTree<NDArray, NDArray, Params>(
  (p) =>
    ndarray(
      Float64Array.from(p.data as Float64Array, (v) => 1 - v),
      p.shape,
    ),
  START,
);

function gradientOf(params: SymbolicParams, target: SymbolicParams): SymbolicParams {
  let leaf = 0;
  return mapTree<Tensor, Tensor, SymbolicParams>((p, t) => p.sub(t).mul(++leaf), params, target);
}

function distance(params: Params): number {
  const [found, wanted] = [params, TARGET].map((tree) => [...arraysOf(tree).values()].flatMap(numbersOf)) as [
    number[],
    number[],
  ];
  return Math.hypot(...found.map((value, i) => value - (wanted[i] as number)));
}

/** Parameters after each of `steps` updates on the quadratic, and the state at the end. */
async function descend(optimizer: Transform, steps: number): Promise<{ path: Params[]; state: TransformState }> {
  const update = runtime.compile((params: SymbolicParams, state: SymbolicState, target: SymbolicParams) => {
    const [updates, next] = optimizer.update(gradientOf(params, target), state, params);
    return { params: applyUpdates(params, updates), state: next };
  });
  let [params, state]: [Params, TransformState] = [START, optimizer.init(START)];
  const path: Params[] = [];
  for (let i = 0; i < steps; i++) {
    ({ params, state } = await update(params, state, TARGET));
    path.push(params);
  }
  await update.dispose();
  return { path, state };
}

test('every optimizer and every schedule has a row', () => {
  expectRows(ROWS, exportedFunctions(optimizers));
  expectRows(SCHEDULE_ROWS, exportedFunctions(schedules));
  expect(implementations('optim')).toEqual(['ema', 'moments', 'optimizers', 'scaling', 'schedules', 'transform']);
});

const CASES = Object.entries(ROWS).flatMap(([name, rows]) =>
  rows.map((row, i) => [i === 0 ? name : `${name} with other options`, row] as const),
);

describe.each(CASES)('%s', (_, { make, reference, rate }) => {
  test('takes the steps of the published algorithm', async () => {
    const steps = 6;
    const { path } = await descend(make(rate), steps);
    let leaf = 0;
    for (const [name, start] of arraysOf(START)) {
      const curvature = ++leaf;
      const target = numbersOf(arraysOf(TARGET).get(name) as NDArray);
      const next = reference(start.data.length);
      let p = numbersOf(start);
      for (let i = 0; i < steps; i++) {
        p = next(
          p,
          p.map((value, j) => curvature * (value - (target[j] as number))),
          rate,
        );
        const found = numbersOf(arraysOf(path[i]).get(name) as NDArray);
        // A few dozen operations in double precision on numbers of size 1.
        expect(Math.max(...found.map((value, j) => Math.abs(value - (p[j] as number))))).toBeLessThan(1e-13);
      }
    }
  });

  test.each(Object.keys(SCHEDULES))('descends a quadratic with %s, and with clipped gradients', async (schedule) => {
    const rule = make(SCHEDULES[schedule]?.(rate) ?? rate);
    const clipped: Transform = {
      init: (params) => rule.init(params),
      update: (updates, state, params) =>
        rule.update(clipByGlobalNorm(2).update(updates, [], params)[0], state, params),
    };
    for (const optimizer of [rule, clipped]) {
      const { path } = await descend(optimizer, STEPS);
      // A normalised step of constant rate ends in a cycle as wide as the step: a twentieth of the way is inside it for all.
      expect(distance(path.at(-1) as Params)).toBeLessThan(0.05 * distance(START));
    }
  });

  test('its state keeps its structure and stays finite, also at gradient zero', async () => {
    const optimizer = make(constantRate(rate));
    const fresh = optimizer.init(START);
    const { state } = await descend(optimizer, 3);
    expect(typesOf(state)).toEqual(typesOf(fresh));
    expect(nonFinite(state)).toEqual([]);
    const still = runtime.compile(
      (params: SymbolicParams, before: SymbolicState) =>
        optimizer.update(
          mapTree<Tensor, Tensor, SymbolicParams>((p) => p.mul(0), params),
          before,
          params,
        )[0],
    );
    const updates = await still(START, fresh);
    expect([...arraysOf(updates).values()].flatMap(numbersOf).map(Math.abs)).toEqual(
      Array.from({ length: 10 }, () => 0),
    );
  });
});

/** Values of a schedule at counts of updates made. */
async function ratesOf(schedule: Schedule, counts: readonly number[]): Promise<number[]> {
  const rates = runtime.compile((count: Tensor) => schedule(count).mul(1));
  return Promise.all(counts.map(async (count) => Number((await rates(ndarray(count))).data[0])));
}

interface ScheduleRow {
  readonly schedule: Schedule;
  readonly values: Readonly<Record<number, number>>;
}

/** Closed forms at the ends, inside and beyond, by name of the export of `src/optim/schedules.ts`. */
const SCHEDULE_ROWS: Readonly<Record<string, readonly ScheduleRow[]>> = {
  constantRate: [{ schedule: constantRate(0.3), values: { 0: 0.3, 5: 0.3, 1e6: 0.3 } }],
  cosineDecay: [
    { schedule: cosineDecay(0.4, 100), values: { 0: 0.4, 25: 0.2 * (1 + Math.SQRT1_2), 50: 0.2, 100: 0, 250: 0 } },
    {
      schedule: cosineDecay(0.4, 100, 0.1),
      values: { 0: 0.4, 50: 0.25, 75: 0.1 + 0.15 * (1 - Math.SQRT1_2), 100: 0.1, 1000: 0.1 },
    },
  ],
  warmup: [
    { schedule: warmup(constantRate(0.3), 4), values: { 0: 0.075, 1: 0.15, 2: 0.225, 3: 0.3, 4: 0.3, 99: 0.3 } },
    {
      schedule: warmup(cosineDecay(0.4, 100), 50),
      values: { 24: 0.2 * (1 + Math.cos(0.24 * Math.PI)) * 0.5, 50: 0.2, 100: 0 },
    },
    { schedule: warmup(constantRate(0.3), 0), values: { 0: 0.3, 1: 0.3 } },
  ],
};

test.each(Object.entries(SCHEDULE_ROWS))('%s follows its formula', async (_, rows) => {
  for (const { schedule, values } of rows) {
    const counts = Object.keys(values).map(Number);
    const rates = await ratesOf(schedule, counts);
    rates.forEach((rate, i) => {
      // A cosine in double precision.
      expect(Math.abs(rate - (values[counts[i] as number] as number)), `at ${counts[i]}`).toBeLessThan(1e-15);
    });
  }
});

test('an optimizer counts its updates from 0', async () => {
  const seen = sgd((count) => count.add(1).mul(0.1));
  const { path } = await descend(seen, 2);
  const [first, second] = path.map((params) => distance(params)) as [number, number];
  expect(first).toBeLessThan(distance(START));
  // Curvatures 1 and 2: one step at rate .1 leaves .9 and .8, the next at rate .2 leaves .8 and .6 of these.
  expect(second / distance(START)).toBeGreaterThan(0.8 * 0.6);
  expect(second / first).toBeGreaterThan(0.6);
  expect(second / first).toBeLessThan(0.8);
});

describe('clipByGlobalNorm', () => {
  const gradients = { a: ndarray([3, 0], [2]), b: [ndarray([4, 0, 12], [1, 3])] };
  const clipped = (largest: number): Promise<Params> =>
    runtime.compile((g: SymbolicParams) => clipByGlobalNorm(largest).update(g, [], g)[0])(gradients);

  test('scales all tensors by one factor to the norm it allows', async () => {
    const norm = runtime.compile((g: SymbolicParams) => globalNorm(g));
    expect(numbersOf(await norm(gradients))).toEqual([13]);
    expect(numbersOf(await norm({ a: [] })), 'of no tensors').toEqual([0]);
    const values = [...arraysOf(await clipped(6.5)).values()].flatMap(numbersOf);
    values.forEach((value, i) => {
      // The norm has 1e-12 added against division by zero.
      expect(Math.abs(value - ([1.5, 0, 2, 0, 6][i] as number))).toBeLessThan(1e-11);
    });
  });

  test.each([13.001, 1e6])('leaves a tree of norm 13 alone at %d, to the bit', async (largest) => {
    expect([...arraysOf(await clipped(largest)).values()].flatMap(numbersOf)).toEqual([3, 0, 4, 0, 12]);
  });

  test('leaves zero at zero', async () => {
    const zero = runtime.compile((g: SymbolicParams) => clipByGlobalNorm(1).update(g, [], g)[0]);
    expect(numbersOf((await zero(ndarray([0, 0]))) as NDArray)).toEqual([0, 0]);
  });
});

test('scaleByTrustRatio gives updates the norm of their tensor, and 1 times the update where either vanishes', async () => {
  const scale = runtime.compile((u: SymbolicParams, p: SymbolicParams) => scaleByTrustRatio().update(u, [], p)[0]);
  const updates = {
    both: ndarray([3, 4]),
    noParameter: ndarray([3, 4]),
    noUpdate: ndarray([0, 0]),
    neither: ndarray([0, 0]),
  };
  const params = {
    both: ndarray([0, 10]),
    noParameter: ndarray([0, 0]),
    noUpdate: ndarray([1, 2]),
    neither: ndarray([0, 0]),
  };
  const scaled = arraysOf(await scale(updates, params));
  expect(Object.fromEntries([...scaled].map(([name, array]) => [name, numbersOf(array)]))).toEqual({
    both: [6, 8],
    noParameter: [3, 4],
    noUpdate: [0, 0],
    neither: [0, 0],
  });
});

test('averageParams is decay·average + (1 − decay)·params', async () => {
  const average = runtime.compile((a: SymbolicParams, p: SymbolicParams) => averageParams(a, p, 0.75));
  expect(numbersOf((await average(ndarray([4, 8]), ndarray([0, 4]))) as NDArray)).toEqual([3, 7]);
});

describe('buildOptimizer', () => {
  const options: OptimizerOptions = {
    rule: 'sgd',
    learningRate: 0.1,
    momentum: 0.5,
    schedule: 'constant',
    decayIterations: 10,
    warmup: 0,
    gradientClip: null,
    weightClip: null,
    ema: 0,
  };
  const same: Readonly<Record<OptimizerOptions['rule'], Transform>> = {
    sgd: sgd(0.1, { momentum: 0.5 }),
    adam: adam(0.1, { beta1: 0.5 }),
    lamb: lamb(0.1, { beta1: 0.5 }),
  };

  test('knows every optimizer', () => {
    expectRows(same, exportedFunctions(optimizers));
  });

  test.each(Object.entries(same) as [OptimizerOptions['rule'], Transform][])(
    '%s has its momentum and its rate',
    async (rule, expected) => {
      const [built, direct] = [await descend(buildOptimizer({ ...options, rule }), 4), await descend(expected, 4)];
      expect(built.path).toEqual(direct.path);
    },
  );

  test('warm-up, cosine and clipping reach the update', async () => {
    const built = buildOptimizer({ ...options, momentum: 0, schedule: 'cosine', warmup: 2, gradientClip: 0.01 });
    const { path } = await descend(built, 1);
    const moved = [...arraysOf(path[0]).values()].flatMap(numbersOf);
    const started = [...arraysOf(START).values()].flatMap(numbersOf);
    // A gradient of norm .01 times rate .1 at half its warm-up; differences of numbers of size 1 in double precision.
    expect(Math.hypot(...moved.map((value, i) => value - (started[i] as number)))).toBeCloseTo(0.01 * 0.1 * 0.5, 14);
  });
});
