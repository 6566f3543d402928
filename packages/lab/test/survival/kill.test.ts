import { existsSync, readFileSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { type Stream, createStream } from '@brownian/runtime';
import { expect, it } from 'vitest';
import { readMetrics } from '../../src/runs/database.ts';
import { runFiles } from '../../src/runs/run.ts';
import { openToWrite } from '../../src/runs/sqlite.ts';
import { latestCheckpoint } from '../../src/runs/store.ts';
import { temporaryFolder } from '../support/files.ts';
import { finished, start } from '../support/process.ts';

const KILLS = 50;
/** After so many kills a run is let finish, and its result is compared; then the next one begins. */
const KILLS_PER_RUN = 10;

// A step takes about 2 ms and a checkpoint of 480 kB every ten of them 10 ms, so a random moment is often inside a write.
const FLAGS =
  '--iterations 1500 --checkpoint-every 10 --grid-every 100 --batch-size 16 --steps 2 --samples 16 --threads 1 ' +
  '--potential.channels 8 --chains.kind buffer --chains.buffer-size 60000 --optimizer.ema 0.99';

/** When to kill: while it starts up, at any moment of training, or when a checkpoint begins to be written. */
type Moment = 'starting' | 'training' | 'writing';
const MOMENTS: readonly Moment[] = ['training', 'writing', 'starting', 'writing', 'training'];

const train = (out: string): string[] => ['train', '8-gaussians', ...FLAGS.split(' '), '--out', out];

async function after(milliseconds: number): Promise<void> {
  await new Promise((done) => setTimeout(done, milliseconds));
}

/** Waits until the command says that it trains. */
async function training(child: ChildProcess): Promise<void> {
  await new Promise<void>((done) => {
    child.stdout?.on('data', (chunk: Buffer) => /Training|Resuming/.test(chunk.toString()) && done());
    child.on('close', () => done());
  });
}

/** The iteration of a checkpoint's file, temporary or not. */
function iterationOf(name: string): number {
  return Number(/iteration-(\d+)/.exec(name)?.[1] ?? 0);
}

/** Waits until the `n`-th checkpoint from now begins to be written: until something of its name appears in the folder. */
async function writing(child: ChildProcess, out: string, n: number): Promise<void> {
  const { checkpoints } = runFiles(out);
  const newest = Math.max(0, ...readdirSync(checkpoints).map(iterationOf));
  const seen = new Set<number>();
  await new Promise<void>((done) => {
    const watcher = watch(checkpoints, (_event, name) => {
      const iteration = iterationOf(name ?? '');
      if (iteration > newest) seen.add(iteration);
      if (seen.size >= n) done();
    });
    child.on('close', () => {
      watcher.close();
      done();
    });
  });
}

/** Starts or resumes a run and kills it. Returns whether it was still running then. */
async function killOnce(out: string, moment: Moment, draw: Stream): Promise<boolean> {
  const child = start(existsSync(out) ? ['resume', out] : train(out));
  const ended = finished(child);
  if (moment === 'starting') await after(draw.next() * 1200);
  else await training(child);
  if (moment === 'training') await after(draw.next() * 500);
  if (moment === 'writing') {
    await writing(child, out, 1 + Math.floor(draw.next() * 6));
    await after(draw.next() * 4);
  }
  child.kill('SIGKILL');
  const { signal, err } = await ended;
  expect(err).toBe('');
  return signal === 'SIGKILL';
}

const metricsOf = (out: string): unknown[] =>
  readMetrics(runFiles(out).database).map(({ iteration, metrics }) => ({ iteration, metrics }));

/** What a kill must leave behind: whole checkpoints, a sound database, and every row up to the checkpoint as it should be. */
async function checkRemains(out: string, whole: readonly unknown[]): Promise<void> {
  if (!existsSync(out)) return;
  const latest = await latestCheckpoint(out);
  expect(latest?.damaged ?? []).toEqual([]);
  const { database } = runFiles(out);
  if (!existsSync(database)) return;
  expect(openToWrite(database).pragma('integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  const iteration = latest?.checkpoint.iteration ?? 0;
  expect(metricsOf(out).slice(0, iteration)).toEqual(whole.slice(0, iteration));
}

it(`a run that is killed ${KILLS} times gives the parameters of one that is not`, { timeout: 280_000 }, async () => {
  const folder = temporaryFolder();
  const draw = createStream(20_261_122);
  const whole = join(folder, 'whole');
  expect(await finished(start(train(whole)))).toMatchObject({ code: 0, err: '' });
  const [state, metrics] = [(await latestCheckpoint(whole))?.checkpoint.state, metricsOf(whole)];
  expect(metrics).toHaveLength(1500);
  let [kills, halfWritten, runs] = [0, 0, 0];
  while (kills < KILLS) {
    const out = join(folder, `killed-${runs}`);
    let going = true;
    for (let i = 0; going && i < KILLS_PER_RUN && kills < KILLS; i++) {
      going = await killOnce(out, MOMENTS[kills % MOMENTS.length] as Moment, draw);
      kills += going ? 1 : 0;
      const { checkpoints } = runFiles(out);
      const names = existsSync(checkpoints) ? readdirSync(checkpoints) : [];
      halfWritten += names.some((name) => name.includes('.tmp-')) ? 1 : 0;
      await checkRemains(out, metrics);
    }
    const last = going ? await finished(start(['resume', out])) : { code: 0, err: '' };
    expect(last).toMatchObject({ code: 0, err: '' });
    expect((await latestCheckpoint(out))?.checkpoint.state).toEqual(state);
    expect(metricsOf(out)).toEqual(metrics);
    expect(readdirSync(runFiles(out).samples)).toEqual(readdirSync(runFiles(whole).samples));
    expect(readFileSync(runFiles(out).finalGrid)).toEqual(readFileSync(runFiles(whole).finalGrid));
    expect(readdirSync(runFiles(out).checkpoints).filter((name) => name.includes('.tmp-'))).toEqual([]);
    runs += 1;
  }
  console.log(`${kills} kills over ${runs} runs; ${halfWritten} left a checkpoint half written.`);
  expect(halfWritten).toBeGreaterThanOrEqual(5);
});
