import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NDArray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { batchIndices } from 'brownian';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { RunConfig } from '../src/config/run-config.ts';
import { resolveConfig } from '../src/config/settings.ts';
import { openData } from '../src/data/open.ts';
import { type Outcome, type RunStore, isGridIteration, train } from '../src/loop.ts';
import type { Progress } from '../src/progress.ts';
import type { Checkpoint } from '../src/runs/checkpoint.ts';
import { readCheckpoint } from '../src/runs/checkpoint.ts';
import { type MetricsRecord, readEvents, readMetrics } from '../src/runs/database.ts';
import { openRun, runFiles } from '../src/runs/run.ts';
import { readScores } from '../src/runs/scores.ts';
import { latestCheckpoint } from '../src/runs/store.ts';
import { brownian } from './support/command.ts';
import { type FakeBehaviour, fakeEngine, fakeLearner } from './support/fake-engine.ts';
import { temporaryFolder } from './support/files.ts';
import { PROVENANCE } from './support/scores.ts';

const SILENT: Progress = {
  start: () => undefined,
  update: () => undefined,
  note: () => undefined,
  stop: () => undefined,
};

interface Memory extends RunStore {
  readonly records: MetricsRecord[];
  readonly checkpoints: Checkpoint[];
  readonly grids: number[];
  readonly events: string[];
}

function memoryStore(every = 7): Memory {
  const [records, checkpoints, grids]: [MetricsRecord[], Checkpoint[], number[]] = [[], [], []];
  const events: string[] = [];
  return {
    records,
    checkpoints,
    grids,
    events,
    appendMetrics: (added) => void records.push(...added),
    addEvent: (kind, iteration, message) => void events.push(`${kind} ${iteration}: ${message}`),
    writeCheckpoint: (checkpoint) => Promise.resolve(void checkpoints.push(checkpoint)),
    writeGrid: (iteration) => Promise.resolve(void grids.push(iteration)),
    rollBack(isGood) {
      const target = checkpoints.findLast((checkpoint) => checkpoint.iteration % every === 0 && isGood(checkpoint));
      const iteration = target?.iteration ?? 0;
      records.splice(records.findLastIndex((record) => record.iteration <= iteration) + 1);
      checkpoints.splice(checkpoints.findLastIndex((checkpoint) => checkpoint.iteration <= iteration) + 1);
      return Promise.resolve(target);
    },
  };
}

interface Options extends FakeBehaviour {
  readonly settings?: Partial<RunConfig>;
  readonly store?: Memory;
  readonly stop?: AbortSignal;
  readonly from?: Checkpoint;
  readonly now?: () => number;
}

/** Trains the fake on points, in memory. */
async function run({
  settings,
  store = memoryStore(),
  stop,
  from,
  now,
  ...behaviour
}: Options): Promise<Outcome & Memory> {
  const data = await openData('8-gaussians', { limit: 100, seed: 1 });
  const config = resolveConfig(
    { data: '8-gaussians', batchSize: 8, iterations: 30, checkpointEvery: 7, ...settings },
    data,
  );
  const stream = createStream(config.seed);
  const outcome = await train({
    config,
    data,
    learner: fakeLearner(config, data.itemShape, behaviour),
    stream,
    order: batchIndices(stream.split('order'), data.size, config.batchSize),
    store,
    progress: SILENT,
    stop: stop ?? new AbortController().signal,
    ...(from && { from }),
    ...(now && { now }),
  });
  return { ...store, ...outcome };
}

describe('the training loop', () => {
  it('logs every iteration, and writes grids and checkpoints when they are due', async () => {
    const { status, iteration, records, checkpoints, grids } = await run({ settings: { gridEvery: 10 } });
    expect([status, iteration]).toEqual(['finished', 30]);
    expect(records.map((record) => record.iteration)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(checkpoints.map((checkpoint) => checkpoint.iteration)).toEqual([7, 14, 21, 28, 30]);
    expect(grids).toEqual([0, 1, 2, 5, 10, 20, 30]);
  });

  it('gives the same numbers twice, and others with another seed', async () => {
    const [first, second, other] = [await run({}), await run({}), await run({ settings: { seed: 2 } })];
    expect(second.state).toEqual(first.state);
    expect(other.state).not.toEqual(first.state);
  });

  it.each([1, 6, 7, 8, 29])('stopped after iteration %i and resumed equals the run that was not', async (k) => {
    const whole = await run({});
    const controller = new AbortController();
    const store = memoryStore();
    const stopped = await run({
      store,
      stop: controller.signal,
      onStep: (step) => step === k - 1 && controller.abort(),
    });
    expect([stopped.status, stopped.iteration]).toEqual(['interrupted', k]);
    const from = store.checkpoints.at(-1) as Checkpoint;
    expect(from.iteration).toBe(k);
    const resumed = await run({ store, from });
    expect(resumed.state).toEqual(whole.state);
    expect(store.records.map(({ metrics }) => metrics)).toEqual(whole.records.map(({ metrics }) => metrics));
    expect(store.checkpoints.at(-1)?.stream).toEqual(whole.checkpoints.at(-1)?.stream);
  });

  it('ends when the minutes are used up, counting those before a resume', async () => {
    let clock = 0;
    const now = (): number => clock;
    const second = (): void => void (clock += 1000);
    const first = await run({ settings: { minutes: 0.1 }, now, onStep: second });
    expect([first.status, first.iteration, first.seconds]).toEqual(['out of time', 6, { training: 6, total: 6 }]);
    const from = first.checkpoints.at(-1) as Checkpoint;
    const more = await run({ settings: { minutes: 0.2 }, now, onStep: second, from });
    expect([more.status, more.iteration, more.seconds]).toEqual(['out of time', 12, { training: 12, total: 12 }]);
    expect(more.records.map((record) => record.seconds)).toEqual([7, 8, 9, 10, 11, 12]);
  });

  it('notices divergence, keeps the last good checkpoint, and says what to try', async () => {
    const { status, iteration, checkpoints, records, message } = await run({ diverges: (i) => i === 17 });
    expect([status, iteration]).toEqual(['diverged', 16]);
    expect(checkpoints.at(-1)?.iteration).toBe(14);
    expect(records).toHaveLength(16);
    expect(message).toBe(
      'Training diverged in iteration 17 (fake update: output "params.bias" has NaN at position 0 of 1; the computation ' +
        'diverged); train anew with --langevin.delta 0.05 (a smaller step), --flow.beta 120 or --flow.energy-l2 0.3, or ' +
        'resume it with --on-divergence rollback, which goes back to the good checkpoint of iteration 14 and draws other noise.',
    );
  });

  it('goes back to the last good checkpoint with other noise, when it is told to', async () => {
    // Only the first stream diverges, so one rollback is enough.
    const first = createStream(1).split('draw').state().key;
    const diverges: FakeBehaviour['diverges'] = (i, { key }) => i === 17 && key.join() === first.join();
    const settings = { onDivergence: 'rollback' } as const;
    const [whole, one, two] = [await run({}), await run({ settings, diverges }), await run({ settings, diverges })];
    expect([one.status, one.iteration]).toEqual(['finished', 30]);
    expect(one.events).toEqual([expect.stringMatching(/^rolled back 14: .*iteration 17 .*rollback 1 of at most 3\.$/)]);
    expect(one.records.map((record) => record.iteration)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    const metrics = (outcome: Memory): unknown[] => outcome.records.map((record) => record.metrics);
    expect(metrics(one).slice(0, 14)).toEqual(metrics(whole).slice(0, 14));
    expect(metrics(one)[14]).not.toEqual(metrics(whole)[14]);
    expect(two.state).toEqual(one.state);
  });

  it.each([3, 9, 15, 18, 25])('rolled back and stopped after %i steps equals the run that was not', async (k) => {
    const first = createStream(1).split('draw').state().key;
    const diverges: FakeBehaviour['diverges'] = (i, { key }) => i === 17 && key.join() === first.join();
    const settings = { onDivergence: 'rollback' } as const;
    const whole = await run({ settings, diverges });
    const controller = new AbortController();
    const store = memoryStore();
    await run({ settings, diverges, store, stop: controller.signal, onStep: (i) => i === k - 1 && controller.abort() });
    const resumed = await run({ settings, diverges, store, from: store.checkpoints.at(-1) as Checkpoint });
    expect(resumed.state).toEqual(whole.state);
    expect(store.checkpoints.at(-1)?.rollbacks).toBe(1);
  });

  it('rolls back at most as often as it is told, to the beginning when there is no checkpoint', async () => {
    const settings = { onDivergence: 'rollback', rollbacks: 2 } as const;
    const { status, message, events } = await run({ settings, diverges: (i) => i === 5 });
    expect(status).toBe('diverged');
    expect(events.map((event) => event.split(':')[0])).toEqual(['rolled back 0', 'rolled back 0']);
    expect(message).toMatch(/^Training diverged in iteration 5 after 2 rollbacks \(.*\); train anew with /);
    expect(message).not.toContain('--on-divergence');
  });

  it('draws the first iterations more often than the later ones', () => {
    const drawn = Array.from({ length: 201 }, (_, i) => i).filter((i) => isGridIteration(i, 40));
    expect(drawn).toEqual([0, 1, 2, 5, 10, 20, 40, 80, 120, 160, 200]);
  });
});

describe('a run on disk', () => {
  const argv = (out: string): string[] =>
    `train 8-gaussians --iterations 20 --batch-size 5 --limit 60 --checkpoint-every 4 --grid-every 6 --samples 9 --out ${out}`.split(
      ' ',
    );

  const stateOf = async (out: string): Promise<unknown> => (await latestCheckpoint(out))?.checkpoint.state;
  const metricsOf = (out: string): unknown =>
    readMetrics(runFiles(out).database).map(({ iteration, metrics }) => ({ iteration, metrics }));

  it('has everything in its folder, and only the last three checkpoints', async () => {
    const out = join(temporaryFolder(), 'run');
    const ended = await brownian(argv(out));
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(readdirSync(out).toSorted()).toEqual([
      'checkpoints',
      'config.json',
      'report.html',
      'run.db',
      'run.db-shm',
      'run.db-wal',
      'run.json',
      'run.lock',
      'samples',
    ]);
    expect(readdirSync(join(out, 'checkpoints')).toSorted()).toEqual(
      [12, 16, 20].map((i) => `iteration-0000${i}.safetensors`),
    );
    const grids = ['00', '01', '02', '05', '06', '12', '18'].map((i) => `iteration-0000${i}.png`);
    expect(readdirSync(join(out, 'samples')).toSorted()).toEqual([
      'data.png',
      'final.png',
      ...grids,
      'training.webp',
      'trajectory.json',
      'trajectory.webp',
    ]);
    expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))).toMatchObject({
      batchSize: 5,
      chains: { particles: 5 },
    });
    expect(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'))).toMatchObject({
      status: 'finished',
      iterations: 20,
    });
    expect(ended.out).toContain(`Report:  ${join(out, 'report.html')}`);
  });

  it('interrupted by Ctrl-C ends with a checkpoint, says how to go on, and then equals the run that was not', async () => {
    const folder = temporaryFolder();
    const [whole, stopped] = [join(folder, 'whole'), join(folder, 'stopped')];
    await brownian(argv(whole));
    const engine = fakeEngine({ onStep: (step) => step === 9 && process.emit('SIGINT') });
    const ended = await brownian(argv(stopped), engine);
    expect(ended).toMatchObject({ code: 130, err: '' });
    expect(ended.out).toContain('press Ctrl-C again to stop at once');
    expect(ended.out).toContain(`Go on with: brownian resume ${stopped}`);
    expect(readdirSync(join(stopped, 'checkpoints')).at(-1)).toBe('iteration-000010.safetensors');
    expect(await brownian(['resume', stopped])).toMatchObject({ code: 0, err: '' });
    expect(await stateOf(stopped)).toEqual(await stateOf(whole));
    expect(metricsOf(stopped)).toEqual(metricsOf(whole));
    for (const name of readdirSync(join(whole, 'samples'))) {
      expect(readFileSync(join(stopped, 'samples', name))).toEqual(readFileSync(join(whole, 'samples', name)));
    }
  });

  it('killed between checkpoints is resumed from the last one, and what came after it is done again', async () => {
    const folder = temporaryFolder();
    const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
    await brownian(argv(whole));
    const broken = fakeEngine({
      onStep: (step) => {
        if (step === 14) throw new Error('killed');
      },
    });
    expect(await brownian(argv(killed), broken)).toMatchObject({ code: 1 });
    expect((await readCheckpoint(runFiles(killed).checkpoint(12))).iteration).toBe(12);
    expect(await brownian(['resume', killed])).toMatchObject({ code: 0, err: '' });
    expect(await stateOf(killed)).toEqual(await stateOf(whole));
    expect(metricsOf(killed)).toEqual(metricsOf(whole));
  });

  it('that is finished goes on when it is given more', async () => {
    const folder = temporaryFolder();
    const [whole, longer] = [join(folder, 'whole'), join(folder, 'longer')];
    // The cosine is as long as the run unless it is given: without this, a longer run would be another run.
    const fixed = ['--optimizer.decay-iterations', '26'];
    await brownian([...argv(whole), ...fixed, '--iterations', '26']);
    await brownian([...argv(longer), ...fixed]);
    const refused = await brownian(['resume', longer]);
    expect(refused).toMatchObject({
      code: 1,
      err: `brownian: ${longer} has done its 20 iterations; to go on, give it more with --iterations.\n`,
    });
    expect(await brownian(['resume', longer, '--iterations', '26'])).toMatchObject({ code: 0, err: '' });
    expect(await stateOf(longer)).toEqual(await stateOf(whole));
  });

  it('is not resumed to fewer iterations than it has done, and nothing of it changes', async () => {
    const out = join(temporaryFolder(), 'run');
    await brownian(argv(out), fakeEngine({ onStep: (step) => step === 9 && process.emit('SIGINT') }));
    const files = [runFiles(out).config, runFiles(out).record];
    const before = files.map((file) => readFileSync(file, 'utf8'));
    expect(await brownian(['resume', out, '--iterations', '3'])).toMatchObject({
      code: 1,
      err: `brownian: ${out} has already done 10 iterations; --iterations must be more than that.\n`,
    });
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
    // Of a run that was stopped, its last iteration may be the one it stopped after.
    expect(await brownian(['resume', out, '--iterations', '10'])).toMatchObject({ code: 0, err: '' });
    expect((await brownian(['resume', out, '--iterations', '10'])).err).toBe(
      `brownian: ${out} has already done 10 iterations; --iterations must be more than that.\n`,
    );
  });

  it('of one iteration is told of in the singular', async () => {
    const out = join(temporaryFolder(), 'run');
    await brownian([...argv(out), '--iterations', '1']);
    expect((await brownian(['resume', out])).err).toContain('has done its 1 iteration; to go on');
    expect((await brownian(['resume', out, '--iterations', '1'])).err).toContain('has already done 1 iteration;');
  });

  it('that diverged keeps its report and its last good checkpoint', async () => {
    const out = join(temporaryFolder(), 'run');
    const ended = await brownian(argv(out), fakeEngine({ diverges: (i) => i === 11 }));
    expect(ended.code).toBe(1);
    expect(ended.err).toMatch(
      /^brownian: Training diverged in iteration 11 \(.*train anew with --langevin.delta.*good checkpoint of iteration 8 .*\n$/,
    );
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('This run diverged.');
    const { state } = await readCheckpoint(runFiles(out).checkpoint(8));
    expect((state as { steps: NDArray }).steps.data[0]).toBe(8);
  });

  it('that diverged goes on when it is resumed with rollbacks, and leaves no row twice', async () => {
    const out = join(temporaryFolder(), 'run');
    const first = createStream(1).split('draw').state().key;
    const engine = fakeEngine({ diverges: (i, { key }) => i === 11 && key.join() === first.join() });
    expect((await brownian(argv(out), engine)).code).toBe(1);
    expect((await brownian(['resume', out], engine)).code).toBe(1);
    const resumed = await brownian(['resume', out, '--on-divergence', 'rollback'], engine);
    expect(resumed).toMatchObject({ code: 0, err: '' });
    expect(readMetrics(runFiles(out).database).map(({ iteration }) => iteration)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    const kinds = readEvents(runFiles(out).database).map(({ kind }) => kind);
    expect(kinds).toEqual(['started', 'diverged', 'resumed', 'diverged', 'resumed', 'rolled back', 'finished']);
  });

  it('stopped before its first checkpoint is resumed from its beginning', async () => {
    const folder = temporaryFolder();
    const [whole, killed] = [join(folder, 'whole'), join(folder, 'killed')];
    await brownian(argv(whole));
    const broken = fakeEngine({
      onStep: (step) => {
        if (step === 2) throw new Error('killed');
      },
    });
    expect(await brownian(argv(killed), broken)).toMatchObject({ code: 1 });
    const resumed = await brownian(['resume', killed]);
    expect(resumed).toMatchObject({ code: 0, err: '' });
    expect(resumed.out).toContain('from its beginning');
    expect(await stateOf(killed)).toEqual(await stateOf(whole));
    expect(metricsOf(killed)).toEqual(metricsOf(whole));
  });

  it('interrupted by Ctrl-C while it is scored says how to go on, and is scored when it is resumed', async () => {
    const out = join(temporaryFolder(), 'run');
    const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as never);
    const listeners = (['SIGINT', 'SIGTERM'] as const).map((signal) => [signal, process.listeners(signal)] as const);
    onTestFinished(() => {
      exit.mockRestore();
      // A process that goes on listens for the second Ctrl-C until it exits, which this one does not.
      for (const [signal, before] of listeners)
        for (const listener of process.listeners(signal)) if (!before.includes(listener)) process.off(signal, listener);
    });
    const score = async (): Promise<never> => {
      process.emit('SIGINT');
      return await new Promise<never>(() => undefined);
    };
    const ended = await brownian(argv(out), { ...fakeEngine(), score });
    expect(ended).toMatchObject({ code: 130, err: '' });
    expect(exit.mock.calls).toEqual([[130]]);
    expect(ended.out).toContain('Stopping before all samples are drawn and scored; press Ctrl-C again');
    expect(ended.out).toMatch(new RegExp(`Stopped after 20 iterations in .*\\. Go on with: brownian resume ${out}\n`));
    expect((await openRun(out)).record).toMatchObject({ status: 'interrupted', iterations: 20 });
    const scores = [{ name: 'Roundness', value: 0.5, error: null, note: '', provenance: PROVENANCE }];
    const resumed = await brownian(['resume', out], { ...fakeEngine(), score: () => Promise.resolve(scores) });
    expect(resumed).toMatchObject({ code: 0, err: '' });
    expect((await openRun(out)).record.status).toBe('finished');
    expect(await readScores(out)).toEqual(scores);
  });

  it('stopped after its last iteration still gets its samples and report', async () => {
    const out = join(temporaryFolder(), 'run');
    const broken = { ...fakeEngine(), score: () => Promise.reject(new Error('killed')) };
    expect(await brownian(argv(out), broken)).toMatchObject({ code: 1 });
    expect(await brownian(['resume', out])).toMatchObject({ code: 0, err: '' });
    expect(readdirSync(join(out, 'samples'))).toContain('final.png');
    expect(readFileSync(join(out, 'report.html'), 'utf8')).not.toContain('had not ended');
  });
});
