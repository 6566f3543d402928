import { readFile } from 'node:fs/promises';
import { MODELS } from 'brownian';
import { runDefaults } from '../config/schema.ts';
import { UserError, fileProblem, systemCode } from '../errors.ts';
import { filmOfPages, lastFrame } from '../images/film.ts';
import { filmScale } from '../images/picture.ts';
import { formatSeconds } from '../progress.ts';
import { writeAtomically } from '../runs/atomic.ts';
import { type MetricsRecord, readEvents, readMetrics } from '../runs/database.ts';
import { type Run, type RunFiles, numberedFiles, openRun, runFiles } from '../runs/run.ts';
import { readScores } from '../runs/scores.ts';
import { readTrajectory } from '../runs/trajectory.ts';
import { quoteArgument } from '../shell-words.ts';
import type { Frame, ReportFacts } from './facts.ts';
import { renderPage } from './page.ts';
import type { TrajectoryFacts } from './trajectory.ts';

const MAX_FRAMES = 60;
/** Those of the animation: its file is to stay small. */
const FILM_FRAMES = 30;

/** At most `count` of the iterations: the early ones all, since they change most, then evenly spread, and always the last. */
function selectFrames(iterations: readonly number[], count: number): number[] {
  if (iterations.length <= count) return [...iterations];
  const early = Math.floor(count / 5);
  const later = count - early;
  const spread = Array.from(
    { length: later },
    (_, i) => early + Math.round(((i + 1) * (iterations.length - early)) / later) - 1,
  );
  return [...iterations.slice(0, early), ...spread.map((at) => iterations[at] ?? 0)];
}

async function base64(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'base64');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw new UserError(`Cannot read ${path}: ${fileProblem(error)}.`, { cause: error });
  }
}

function caption(iteration: number, records: readonly MetricsRecord[]): string {
  if (iteration === 0) return 'before training';
  const record = records.find((candidate) => candidate.iteration === iteration);
  return record === undefined ? '' : `after ${formatSeconds(record.seconds)}`;
}

async function readFrames(files: RunFiles, records: readonly MetricsRecord[]): Promise<Frame[]> {
  const iterations = selectFrames(await numberedFiles(files.samples, 'png'), MAX_FRAMES);
  const frames = await Promise.all(
    iterations.map(async (iteration) => ({
      iteration,
      png: await base64(files.grid(iteration)),
      caption: caption(iteration, records),
    })),
  );
  return frames.flatMap(({ iteration, png, caption: text }) =>
    png === null ? [] : [{ iteration, png, caption: text }],
  );
}

/** An SVG element from its file; null while there is none. */
async function svgOf(path: string): Promise<string | null> {
  const bytes = await base64(path);
  return bytes === null ? null : Buffer.from(bytes, 'base64').toString('utf8');
}

async function readTrajectoryFacts(path: string): Promise<TrajectoryFacts | null> {
  const record = await readTrajectory(path);
  const film = await base64(runFiles(path).trajectoryFilm);
  if (record === null || film === null) return null;
  const still = await lastFrame(Buffer.from(film, 'base64'));
  return { film, still: Buffer.from(still).toString('base64'), record };
}

/** The command line that gives a run again: that which began it, unless resuming it changed options, as `config.json` then says. */
function commandOf({ path, record }: Run): string {
  const { config, database } = runFiles(path);
  const changed = readEvents(database).some(({ message }) => /^brownian resume .*\s--/.test(message));
  return changed ? `brownian train --config ${quoteArgument(config)}` : record.command;
}

/** Reads what a report shows from a run's folder. @throws UserError when the folder is no run or its files are damaged. */
export async function readFacts(path: string): Promise<ReportFacts> {
  const run = await openRun(path);
  const files = runFiles(path);
  const records = readMetrics(files.database);
  const { itemShape } = run.record.data;
  const preset = MODELS[run.config.model];
  return {
    run,
    command: commandOf(run),
    model: { title: preset.title, description: preset.description },
    defaults: { ...runDefaults(run.config.model, itemShape), ...preset.defaults(itemShape) },
    records,
    scores: await readScores(path),
    frames: await readFrames(files, records),
    trajectory: await readTrajectoryFacts(path),
    landscape: await svgOf(files.landscape),
    samples: await base64(files.finalGrid),
    realData: await base64(files.dataGrid),
  };
}

/**
 * Writes `report.html` of a run from what its folder holds, and the animation of its training beside its pictures; returns the path of the page.
 *
 * @throws UserError as {@link readFacts}.
 */
export async function writeReport(path: string): Promise<string> {
  const { report, trainingFilm } = runFiles(path);
  const facts = await readFacts(path);
  if (facts.frames.length > 1) {
    const shown = selectFrames([...facts.frames.keys()], FILM_FRAMES);
    const pages = shown.map((i) => Buffer.from(facts.frames[i]?.png ?? '', 'base64'));
    await writeAtomically(trainingFilm, [await filmOfPages(pages, filmScale(facts.run.record.data.itemShape))]);
  }
  await writeAtomically(report, [renderPage(facts)]);
  return report;
}
