import { type NDArray, type Tree, float32Data } from '@brownian/graph';
import { type Runtime, type Stream, createRuntime, createStream, interpreterBackend } from '@brownian/runtime';
import { afterAll, describe, expect, test } from 'vitest';
import { batchIndices } from '../../src/data/epochs.ts';
import type { Learner, Metrics } from '../../src/interfaces.ts';
import { MODELS, type ModelName, createLearner } from '../../src/learners/presets.ts';
import { differences, expectSameBits, nonFinite, stored, typesOf } from '../support/trees.ts';
import { expectRows } from '../support/rows.ts';
import { ADVERSARIAL_ROWS, type AdversarialCase } from './adversarial-rows.ts';
import { GENERALIZED_ROWS, type GeneralizedCase } from './generalized-rows.ts';
import { VARIATIONAL_ROWS, type VariationalCase } from './variational-rows.ts';
import { BUFFER, LEARNER_CASES, LEARNER_ROWS, type LearnerCase as DescriptiveCase } from './learner-rows.ts';

/** What `brownian report` draws of every descriptive learner (packages/lab/src/metric-guide.ts). */
const REPORTED = [
  'responseDistance',
  'potentialData',
  'potentialParticles',
  'gradientNorm',
  'parameterGradientNorm',
  'loss',
];
/** What it draws, or names, of learners with a penalty on speed. */
const REPORTED_OF_JKO = ['speed', 'previousSpeed'];
/** What it draws of learners with a reference Gaussian: without one the energy is minus the potential. */
const REPORTED_WITH_REFERENCE = ['energy'];
const BATCH = 6;

/** A case of any family, with what its learner is to measure and how many particles it shows. */
type LearnerCase = Pick<
  DescriptiveCase | AdversarialCase | GeneralizedCase | VariationalCase,
  'label' | 'model' | 'data' | 'options'
> & {
  readonly metrics: readonly string[];
  readonly also?: GeneralizedCase['also'];
  readonly particles: number;
};

function described(item: DescriptiveCase): LearnerCase {
  const { flow, chains, langevin, grids } = item.options;
  const finest = [
    ...REPORTED,
    ...(flow.beta > 0 ? REPORTED_OF_JKO : []),
    ...(langevin.reference ? REPORTED_WITH_REFERENCE : []),
  ];
  const coarser = grids.sizes.slice(0, -1).flatMap((height) => finest.map((name) => `${name}@${height}`));
  return { ...item, metrics: [...finest, ...coarser], particles: chains.particles };
}

function describedAll(
  rows: Readonly<Record<ModelName<'descriptive'>, readonly DescriptiveCase[]>>,
): Record<string, readonly LearnerCase[]> {
  return Object.fromEntries(Object.entries(rows).map(([name, cases]) => [name, cases.map(described)]));
}

const ROWS: Readonly<Record<string, readonly LearnerCase[]>> = {
  ...describedAll(LEARNER_ROWS),
  ...ADVERSARIAL_ROWS,
  ...GENERALIZED_ROWS,
  ...VARIATIONAL_ROWS,
};
const CASES = Object.values(ROWS).flat();

const runtime = createRuntime(interpreterBackend());
afterAll(() => runtime.dispose());

function learnerOf({ model, options, data }: LearnerCase, on: Runtime = runtime): Learner {
  return createLearner(on, model, options, data.itemShape);
}

/** A run of some iterations, from a seed or from where another left off. */
interface Run {
  readonly state: Tree<NDArray>;
  readonly draw: Stream;
  readonly metrics: readonly Metrics[];
}

async function begin(item: LearnerCase, learner: Learner, seed: number | string): Promise<Run> {
  const stream = createStream(seed);
  return { state: await learner.init(stream.split('init'), item.data), draw: stream.split('draw'), metrics: [] };
}

async function advance({ data }: LearnerCase, learner: Learner, from: Run, first: number, end: number): Promise<Run> {
  const order = batchIndices(createStream('order'), data.size, BATCH);
  const metrics = [...from.metrics];
  let { state } = from;
  for (let i = first; i < end; i++) {
    const [next, found] = await learner.step(state, await data.batch(order.indicesAt(i)), from.draw);
    state = next;
    metrics.push(found);
  }
  return { state, draw: from.draw, metrics };
}

async function train(item: LearnerCase, seed: number | string, iterations = 3): Promise<Run> {
  const learner = learnerOf(item);
  const run = await advance(item, learner, await begin(item, learner, seed), 0, iterations);
  await learner.dispose();
  return run;
}

test('every model of the table has a row', () => {
  expectRows(ROWS, Object.keys(MODELS));
  for (const [name, cases] of Object.entries(ROWS)) {
    expect(cases.map((item) => item.model)).toEqual(cases.map(() => name));
    expect(cases).not.toHaveLength(0);
  }
});

describe.each(CASES.map((item) => [item.label, item] as const))('%s', (_, item) => {
  test('starts from a tree of finite arrays that its key alone decides', async () => {
    const learner = learnerOf(item);
    const { state } = await begin(item, learner, 1);
    expect(Object.keys(typesOf(state)).length).toBeGreaterThan(0);
    expect(nonFinite(state)).toEqual([]);
    expectSameBits((await begin(item, learner, 1)).state, state);
  });

  test('a step leaves the state it was given alone, and returns one of the same structure', async () => {
    const learner = learnerOf(item);
    const before = await begin(item, learner, 1);
    const kept = stored(before.state);
    const after = await advance(item, learner, before, 0, 2);
    expectSameBits(before.state, kept);
    expect(typesOf(after.state)).toEqual(typesOf(kept));
    expect(nonFinite(after.state)).toEqual([]);
    expect(differences(after.state, kept).length).toBeGreaterThan(0);
    await learner.dispose();
  });

  test('its metrics are finite numbers, exactly those that a report explains', async () => {
    const { metrics } = await train(item, 1);
    for (const [i, found] of metrics.entries()) {
      const also = item.also !== undefined && (i + 1) % item.also.every === 0 ? item.also.metrics : [];
      expect(Object.keys(found).toSorted()).toEqual([...item.metrics, ...also].toSorted());
      expect(Object.entries(found).filter(([, value]) => !Number.isFinite(value))).toEqual([]);
    }
  });

  test('the same seed gives the same bits twice, another seed others', async () => {
    const [one, again, other] = [await train(item, 1), await train(item, 1), await train(item, 2)];
    expectSameBits(again.state, one.state);
    expect(again.metrics).toEqual(one.metrics);
    expect(differences(other.state, one.state).some((path) => /(^|\.)particles$/.test(path))).toBe(true);
    expect(differences(other.state, one.state).some((path) => /(^|\.)(params|generator)\./.test(path))).toBe(true);
  });

  test('a run stored half-way and continued equals the one that went through', async () => {
    const through = await train(item, 1, 4);
    const half = await train(item, 1, 2);
    const learner = learnerOf(item);
    const draw = createStream('another stream');
    draw.restore(JSON.parse(JSON.stringify(half.draw.state())) as ReturnType<Stream['state']>);
    const resumed = await advance(item, learner, { state: stored(half.state), draw, metrics: half.metrics }, 2, 4);
    expectSameBits(resumed.state, through.state);
    expect(resumed.metrics).toEqual(through.metrics);
    expect(resumed.draw.state()).toEqual(through.draw.state());
    await learner.dispose();
  });

  test('samples as many items as are asked for, also more than it has chains', async () => {
    const learner = learnerOf(item);
    const { state, draw } = await advance(item, learner, await begin(item, learner, 1), 0, 1);
    const kept = stored(state);
    const open = runtime.openSessions;
    for (const n of [1, BUFFER + 3]) {
      const samples = await learner.sample(state, n, draw);
      expect(samples.shape).toEqual([n, ...item.data.itemShape]);
      expect(nonFinite(samples)).toEqual([]);
    }
    expectSameBits(state, kept);
    expect(runtime.openSessions, 'sampling closes the sessions it opened').toBe(open);
    expect(learner.particles(state).shape).toEqual([item.particles, ...item.data.itemShape]);
    await learner.dispose();
  });

  test('has sessions open while it works and none after dispose', async () => {
    const own = createRuntime(interpreterBackend());
    const learner = learnerOf(item, own);
    const { state, draw } = await advance(item, learner, await begin(item, learner, 1), 0, 1);
    await learner.sample(state, 2, draw);
    expect(own.openSessions).toBeGreaterThan(0);
    await learner.dispose();
    expect(own.openSessions).toBe(0);
  });
});

describe.each(LEARNER_CASES.map((item) => [item.label, item] as const))('%s', (_, item) => {
  test('its trajectory begins where samples begin and ends at the samples of the same stream', async () => {
    const learner = learnerOf(described(item));
    const { state, draw } = await advance(described(item), learner, await begin(described(item), learner, 1), 0, 1);
    const position = draw.state();
    const open = runtime.openSessions;
    const moments = (await learner.trajectory?.(state, 3, draw, 6)) ?? [];
    expect(runtime.openSessions, 'a trajectory closes the sessions it opened').toBe(open);
    draw.restore(position);
    expectSameBits(moments.at(-1)?.particles, await learner.sample(state, 3, draw));
    const steps = moments.map((moment) => moment.steps);
    const grids = Math.max(1, item.options.grids.sizes.length);
    expect(steps[0]).toBe(0);
    expect(steps.at(-1)).toBe(grids * item.options.sampling.steps);
    expect(steps.toSorted((a, b) => a - b)).toEqual(steps);
    expect(differences(moments[0]?.particles as NDArray, moments.at(-1)?.particles as NDArray)).not.toEqual([]);
    for (const { particles, metrics } of moments) {
      expect(particles.shape).toEqual([3, ...item.data.itemShape]);
      expect(Object.values(metrics).every(Number.isFinite)).toBe(true);
    }
    for (const looks of [0, 1, 2]) {
      draw.restore(position);
      const ends = (await learner.trajectory?.(state, 3, draw, looks)) ?? [];
      expect(ends.map((moment) => moment.steps)).toHaveLength(2 * grids);
      expectSameBits(ends.at(-1)?.particles, moments.at(-1)?.particles);
    }
    const { potentialParticles = NaN, energy = NaN } = moments.at(-1)?.metrics ?? {};
    const { reference, sigma } = item.options.langevin;
    const squares = float32Data(moments.at(-1)?.particles as NDArray).reduce((sum, v) => sum + v * v, 0);
    const expected = (reference ? squares / (3 * 2 * sigma ** 2) : 0) - potentialParticles;
    expect(Math.abs(energy - expected)).toBeLessThan(1e-4 * (1 + Math.abs(expected)));
    await learner.dispose();
  });
});

describe('a "w" is a β and no other model', () => {
  const twins = LEARNER_CASES.filter((item) => item.model.startsWith('w')).map((item) => {
    const name = item.model.replace(/^w-?/, '') as ModelName<'descriptive'>;
    return [item.label, name, item] as const;
  });
  test.each(twins)('%s with β = 0 is %s, bit for bit', async (_, name, item) => {
    expect(Object.keys(MODELS)).toContain(name);
    const options = { ...item.options, flow: { ...item.options.flow, beta: 0 } };
    const twin = await train(described({ ...item, model: name, options }), 1);
    expectSameBits((await train(described({ ...item, options }), 1)).state, twin.state);
    expect(differences((await train(described(item), 1)).state, twin.state), 'β of the preset acts').not.toEqual([]);
  });

  test.each(twins)('the preset of %s differs from that of %s in β alone', (_, name, item) => {
    const { flow, ...rest } = MODELS[item.model].defaults(item.data.itemShape);
    const { flow: plain, ...others } = MODELS[name].defaults(item.data.itemShape);
    expect(rest).toEqual(others);
    expect({ ...flow, beta: 0 }).toEqual(plain);
  });
});
