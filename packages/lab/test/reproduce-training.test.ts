import { nodeRuntime } from '@brownian/runtime/node';
import { createStream } from '@brownian/runtime';
import { SolverError, toyDataset } from 'brownian';
import { afterAll, describe, expect, it } from 'vitest';
import type { RunConfig } from '../src/config/run-config.ts';
import { resolveConfig } from '../src/config/settings.ts';
import {
  type Budget,
  type Clock,
  budgetOf,
  clockOf,
  entrySettings,
  parseEntry,
  timeOf,
} from '../src/reproduce/budget.ts';
import { thin } from '../src/reproduce/curves.ts';
import type { Bench, Measured } from '../src/reproduce/experiment.ts';
import { runLookedTrial } from '../src/reproduce/looked-trial.ts';
import { type ModelAt, train } from '../src/reproduce/training.ts';

const NAMES = ['eieg', 'gan'] as const;

describe('the budget of an entry', () => {
  const scale = { seconds: 60, clock: 'cpu' };

  it('is the time of all, or iterations of its own, which leave no time in the settings', () => {
    const [timed, counted] = [parseEntry('models', 'eieg', NAMES), parseEntry('models', 'gan@300', NAMES)];
    expect(timed).toEqual({ name: 'eieg', iterations: null });
    expect(counted).toEqual({ name: 'gan', iterations: 300 });
    const cells = [timed, counted].map((entry) => ({
      settings: { model: entry.name, ...entrySettings(entry, scale) },
    }));
    expect(cells.map(({ settings }) => settings)).toEqual([
      { model: 'eieg', seconds: 60, clock: 'cpu' },
      { model: 'gan' },
    ]);
    expect(cells.map((cell, i) => budgetOf(i === 0 ? timed : counted, cell))).toEqual([
      timeOf(cells[0] as (typeof cells)[0]),
      { iterations: 300 },
    ]);
    expect(cells.map(clockOf)).toEqual(['cpu', 'wall']);
  });

  it.each(['began', 'eieg@0', 'eieg@', 'eieg@1.5', 'eieg@12345678', '@300'])('is not read from %s', (text) => {
    expect(() => parseEntry('models', text, NAMES)).toThrow(
      `--models has ${JSON.stringify(text)}; it takes eieg, gan, with`,
    );
  });

  it('refuses a clock that there is not, also where all entries have iterations', () => {
    expect(() => entrySettings(parseEntry('models', 'gan@3', NAMES), { ...scale, clock: 'sun' })).toThrow(
      '--clock is "sun"; it must be wall or cpu.',
    );
  });
});

it('a long curve is thinned to means of neighbours, with a gap where one is not finite', () => {
  const values = Array.from({ length: 400 }, (_, i) => (i === 7 ? null : i));
  const { loss = [] } = thin({ loss: values });
  expect(loss).toHaveLength(200);
  expect(loss.slice(0, 5)).toEqual([0.5, 2.5, 4.5, null, 8.5]);
});

describe('a training of an experiment', () => {
  const runtime = nodeRuntime({ threads: 1 });
  const data = toyDataset('8-gaussians', createStream(1).split('data'), 500);
  const bench = (stop = new AbortController().signal): Bench => ({
    runtime,
    threads: 1,
    task: { start: () => {}, update: () => {}, stop: () => {} },
    stop,
    note: () => {},
  });
  const training = (budget: Budget, asked: number[] = []) => ({
    label: 'eieg',
    config: (iterations: number): RunConfig => {
      asked.push(iterations);
      return resolveConfig({ data: data.name, model: 'eieg', iterations }, data);
    },
    data,
    seed: 1,
    budget,
  });
  afterAll(() => runtime.dispose());

  it('for iterations has just these, the same bits each time, and looks evenly with the last at the end', async () => {
    const seen: number[] = [];
    const looks = { count: 3, look: (at: ModelAt) => Promise.resolve(void seen.push(at.iterations)) };
    const runs = [
      await train(training({ iterations: 8 }), bench(), looks),
      await train(training({ iterations: 8 }), bench()),
    ];
    expect(seen).toEqual([3, 6, 8]);
    expect(runs.map((run) => run?.iterations)).toEqual([8, 8]);
    expect(runs[0]?.curves).toEqual(runs[1]?.curves);
    expect(runs[0]?.seconds.wall).toBeGreaterThan(0);
    for (const run of runs) await run?.learner.dispose();
  });

  it('for a time asks for the configuration of as many iterations as fit, and ends with it', async () => {
    const asked: number[] = [];
    const run = await train(training({ seconds: 4, clock: 'cpu' }, asked), bench());
    expect(asked, 'two timings, and the training').toHaveLength(3);
    expect(asked[0]).toBe(13);
    expect(run?.iterations).toBeGreaterThan(13);
    expect(run?.iterations).toBeLessThanOrEqual(asked[2] as number);
    expect(run?.pace.cpu).toBeGreaterThan(0);
    // The first thirteen steps of a process take up to twice as long as the others, and would end it at half of the time.
    expect(run?.seconds.cpu).toBeGreaterThan(0.7 * 4);
    await run?.learner.dispose();
  });

  it('keeps what there is when a look finds a flow that cannot be followed', async () => {
    const look = (at: ModelAt): Promise<void> =>
      at.iterations < 4
        ? Promise.resolve()
        : Promise.reject(new SolverError('stiff', 'it stopped', { t: 0.5, step: 0.1 }));
    const run = await train(training({ iterations: 8 }), bench(), { count: 4, look });
    expect(run).toMatchObject({ iterations: 4, stopped: 'no samples: stiff' });
    await run?.learner.dispose();
    const other = (): Promise<void> => Promise.reject(new TypeError('a mistake'));
    await expect(train(training({ iterations: 2 }), bench(), { count: 1, look: other })).rejects.toThrow('a mistake');
  });

  it('ends when the user stops it, and says where numbers stopped being finite', async () => {
    const stopped = new AbortController();
    stopped.abort();
    expect(await train(training({ iterations: 3 }), bench(stopped.signal))).toBeNull();
    const nan = {
      ...data,
      batch: async (indices: ArrayLike<number>) => {
        const batch = await data.batch(indices);
        return { ...batch, x: { ...batch.x, data: new Float32Array(batch.x.data.length).fill(Number.NaN) } };
      },
    };
    const run = await runLookedTrial(
      {
        ...training({ iterations: 3 }),
        data: nan,
        looks: 1,
        look: () => Promise.resolve({ seen: 1 }),
        draw: () => Promise.resolve([]),
      },
      bench(),
    );
    expect(run?.note).toBe('not finite in iteration 1');
    expect(run?.measures).toMatchObject({ iterations: 0, step: null });
    expect(run?.measures).not.toHaveProperty('seen');
  });

  it('tells the times of a trial by the clock that limits it', async () => {
    const look = { looks: 1, look: () => Promise.resolve({}), draw: () => Promise.resolve([]) };
    const by = async (clock: Clock): Promise<Measured> =>
      (await runLookedTrial({ ...training({ seconds: 0.3, clock }), ...look }, bench())) as Measured;
    const [cpu, wall] = [await by('cpu'), await by('wall')];
    // The first five iterations compile; their time does not count.
    const seconds = ({ measures }: Measured): number =>
      ((measures['step'] as number) / 1000) * ((measures['iterations'] as number) - 5);
    expect(seconds(cpu)).toBeCloseTo(cpu.measures['processorSeconds'] as number, 4);
    expect(cpu.curves['seconds']?.[0]).toBe(cpu.measures['processorSeconds']);
    expect(seconds(wall)).toBeCloseTo(wall.measures['trainingSeconds'] as number, 4);
    expect(wall.curves['seconds']?.[0]).toBe(wall.measures['trainingSeconds']);
  });
});
