import { rm } from 'node:fs/promises';
import type { NDArray } from '@brownian/graph';
import { NonFiniteError, createStream } from '@brownian/runtime';
import { type Dataset, type Learner, SolverError, batchIndices } from 'brownian';
import { drawSamples } from '../drawing.ts';
import type { Session } from '../engine.ts';
import { landscapeSvg, surveyPotential } from '../images/landscape.ts';
import { pictureFor } from '../images/picture.ts';
import { windowOf } from '../images/scatter.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { type Outcome, train } from '../loop.ts';
import { formatSeconds } from '../progress.ts';
import { writeReport } from '../report/report.ts';
import { writeAtomically } from '../runs/atomic.ts';
import type { Checkpoint } from '../runs/checkpoint.ts';
import type { RunDatabase, RunEvent } from '../runs/database.ts';
import { type Run, type RunRecord, runFiles, writeRecord } from '../runs/run.ts';
import { writeScores } from '../runs/scores.ts';
import { folderStore } from '../runs/store.ts';
import { removeTrajectory, writeTrajectory } from '../runs/trajectory.ts';
import { quoteArgument } from '../shell-words.ts';
import { UserError, solverProblem } from '../errors.ts';
import type { Context, ExitCode } from './context.ts';

/** A run that is ready to be trained, from its beginning or from a checkpoint. */
export interface Job {
  readonly run: Run;
  readonly data: Dataset;
  readonly session: Session;
  readonly database: RunDatabase;
  readonly from?: Checkpoint;
}

/** Runs the loop, listening for Ctrl-C. */
async function runLoop(context: Context, { run, data, session, database, from }: Job): Promise<Outcome> {
  const { config, path } = run;
  const picture = pictureFor(data);
  const progress = context.progress();
  const stream = createStream(config.seed);
  const interrupt = listenForInterrupt(() => {
    progress.note('Stopping after this iteration, with a checkpoint; press Ctrl-C again to stop at once.');
  });
  try {
    await writeAtomically(runFiles(path).dataGrid, [await picture.data()]);
    return await train({
      config,
      data,
      learner: session.learner,
      stream,
      order: batchIndices(stream.split('order'), data.size, config.batchSize),
      store: folderStore(path, database, picture, config.checkpointEvery),
      progress,
      stop: interrupt.signal,
      ...(from === undefined ? {} : { from }),
    });
  } finally {
    progress.stop();
    interrupt.release();
  }
}

/** Leaves word in the run's folder that it failed, where it can be written at all, and says how to go on. */
async function leaveWord({ run, database, from }: Job, error: unknown): Promise<Error> {
  const message = error instanceof Error ? error.message : String(error);
  const record: RunRecord = { ...run.record, status: 'failed', message };
  await writeRecord(run.path, record).catch(() => undefined);
  try {
    const event = { time: new Date().toISOString(), kind: 'failed', iteration: from?.iteration ?? 0, message } as const;
    database.addEvent(event);
  } catch {
    // What went wrong first is what the user has to know.
  }
  if (!(error instanceof UserError)) return error instanceof Error ? error : new Error(message);
  const cause = message.replace(/\.$/, '');
  return new UserError(`${cause}; once that is put right, go on with: brownian resume ${quoteArgument(run.path)}`, {
    cause: error,
  });
}

/**
 * Trains a run to its end, then draws samples, scores them and writes the report.
 *
 * @returns 0 when it went through, 130 when the user stopped it.
 * @throws UserError when training diverged; the run's folder then has the report up to that point.
 */
export async function runTraining(context: Context, job: Job): Promise<ExitCode> {
  const { run, database, from } = job;
  const addEvent = (kind: RunEvent['kind'], iteration: number, message = ''): void =>
    database.addEvent({ time: new Date().toISOString(), kind, iteration, message });
  let record: RunRecord;
  let stopped = false;
  try {
    addEvent(from === undefined ? 'started' : 'resumed', from?.iteration ?? 0, context.commandLine);
    const outcome = await runLoop(context, job);
    const { iteration, seconds, message } = outcome;
    const complete = outcome.status === 'finished' || outcome.status === 'out of time';
    const ended = complete ? await unlessStopped(context, conclusion(context, job, outcome)) : undefined;
    stopped = ended === 'stopped';
    const status = stopped ? 'interrupted' : outcome.status;
    const { sampling, problem } =
      ended === undefined || ended === 'stopped' ? { sampling: 0, problem: message } : ended;
    record = { ...run.record, status, message: problem, iterations: iteration, seconds: { ...seconds, sampling } };
    await writeRecord(run.path, record);
    addEvent(status, iteration, problem ?? '');
    await writeReport(run.path);
  } catch (error) {
    throw await leaveWord(job, error);
  }
  if (record.message !== null && record.status === 'diverged') throw new UserError(record.message);
  const code = conclude(context, { ...run, record });
  // What was being drawn or scored cannot be called off, and would keep the process alive.
  if (stopped) process.exit(code);
  return code;
}

/** What work comes to, unless the user stops it first: the checkpoint is written by then, so nothing is lost. */
async function unlessStopped<T>(context: Context, work: Promise<T>): Promise<T | 'stopped'> {
  const interrupt = listenForInterrupt(() => {
    context.print('Stopping before all samples are drawn and scored; press Ctrl-C again to stop at once.');
  });
  const stopped = new Promise<'stopped'>((done) => {
    interrupt.signal.addEventListener('abort', () => done('stopped'));
  });
  try {
    return await Promise.race([work, stopped]);
  } finally {
    // The second Ctrl-C is still to be heard while the report is written.
    if (!interrupt.signal.aborted) interrupt.release();
  }
}

/** Particles whose way to samples the report shows, and how often they are looked at on it: an animation of some hundred kilobytes. */
const WATCHED = 25;
const MOMENTS = 50;

/** Draws the potential of a model of points, where it has one. */
async function writeLandscape(
  { path, record }: Run,
  learner: Learner,
  state: Outcome['state'],
  samples: NDArray,
): Promise<void> {
  const file = runFiles(path).landscape;
  const { itemShape } = record.data;
  if (learner.potential === undefined || itemShape.length !== 1 || itemShape[0] !== 2) return;
  const potential = (x: NDArray): Promise<NDArray> => learner.potential?.(state, x) as Promise<NDArray>;
  await writeAtomically(file, [landscapeSvg(await surveyPotential(potential, windowOf(samples)), samples)]);
}

/** What a run has when training ends, with the seconds that its samples took, or why they could not be drawn. */
async function conclusion(
  context: Context,
  job: Job,
  outcome: Outcome,
): Promise<{ readonly sampling: number; readonly problem: string | null }> {
  const { finalGrid, landscape, scores } = runFiles(job.run.path);
  // Of an earlier end: what is not drawn now must not be taken for new.
  for (const file of [finalGrid, landscape, scores]) await rm(file, { force: true });
  await removeTrajectory(job.run.path);
  try {
    return { sampling: await drawConclusion(context, job, outcome), problem: null };
  } catch (error) {
    // The model has learned what it has learned, whether or not a solver can follow it.
    if (error instanceof SolverError) return { sampling: 0, problem: solverProblem(error) };
    if (error instanceof NonFiniteError) return { sampling: 0, problem: error.message };
    throw error;
  }
}

/** Draws the final samples and their way there, and scores the run; returns the seconds that sampling took. */
async function drawConclusion(context: Context, { run, data, session }: Job, { state }: Outcome): Promise<number> {
  const { config, path } = run;
  const stream = createStream(config.seed).split('final samples');
  const before = performance.now();
  const { learner } = session;
  const samples = await drawSamples({ learner, state, n: config.samples, stream }, context.task());
  const seconds = (performance.now() - before) / 1000;
  const picture = pictureFor(data);
  await writeAtomically(runFiles(path).finalGrid, [await picture.particles(samples)]);
  const way = await session.learner.trajectory?.(state, WATCHED, stream.split('trajectory'), MOMENTS);
  // Samples of no steps, such as those of a generator alone, are where they began.
  if (way !== undefined && way.length > 1) await writeTrajectory(path, picture, way);
  await writeLandscape(run, session.learner, state, samples);
  // The one place where scores enter a run: an engine that can score gives a list, the report shows it as a table.
  const scores = await context.engine.score?.({
    config,
    data,
    paths: run.record.data.paths,
    learner: session.learner,
    state,
    stream: stream.split('scores'),
    note: (text) => context.print(text),
  });
  if (scores !== undefined) await writeScores(path, scores);
  return seconds;
}

function conclude(context: Context, { path, record }: Run): ExitCode {
  const done = `${record.iterations} iterations in ${formatSeconds(record.seconds.total)}`;
  if (record.status === 'interrupted') {
    context.print(`Stopped after ${done}. Go on with: brownian resume ${quoteArgument(path)}`);
    context.print(`Report so far: ${runFiles(path).report}`);
    return 130;
  }
  context.print(`Trained ${done}${record.status === 'out of time' ? ' (the time was used up)' : ''}.`);
  context.print(`Report:  ${runFiles(path).report}`);
  if (record.message === null)
    context.print(`Samples: ${runFiles(path).finalGrid}   more with: brownian sample ${quoteArgument(path)}`);
  else
    context.print(
      `Not all samples could be drawn: ${record.message} Draw them by: brownian sample ${quoteArgument(path)}`,
    );
  return 0;
}
