import { readFile, rm } from 'node:fs/promises';
import type { Moment } from 'brownian';
import { z } from 'zod';
import { parseJson } from '../config/settings.ts';
import { UserError, fileProblem, systemCode } from '../errors.ts';
import { filmOfPages } from '../images/film.ts';
import { type Picture, filmScale } from '../images/picture.ts';
import { writeAtomically } from './atomic.ts';
import { runFiles } from './run.ts';

/** What was measured of particles on their way to samples, moment by moment. */
export type TrajectoryRecord = readonly Pick<Moment, 'steps' | 'metrics'>[];

const TRAJECTORY: z.ZodType<TrajectoryRecord> = z.array(
  z.strictObject({ steps: z.int().min(0), metrics: z.record(z.string(), z.number()) }),
);

/** Removes the trajectory of the run at `path`. */
export async function removeTrajectory(path: string): Promise<void> {
  const { trajectory, trajectoryFilm } = runFiles(path);
  await Promise.all([trajectory, trajectoryFilm].map((file) => rm(file, { force: true })));
}

/** Keeps the way of particles to samples: an animation, and what was measured on the way. */
export async function writeTrajectory(path: string, picture: Picture, moments: readonly Moment[]): Promise<void> {
  const { trajectory, trajectoryFilm } = runFiles(path);
  const pages = await Promise.all(moments.map(({ particles }) => picture.particles(particles)));
  const record: TrajectoryRecord = moments.map(({ steps, metrics }) => ({ steps, metrics }));
  const itemShape = moments[0]?.particles.shape.slice(1) ?? [];
  await writeAtomically(trajectoryFilm, [await filmOfPages(pages, filmScale(itemShape))]);
  await writeAtomically(trajectory, [`${JSON.stringify(record)}\n`]);
}

/** The record of the run at `path`; null when none was made. @throws UserError when the file is damaged */
export async function readTrajectory(path: string): Promise<TrajectoryRecord | null> {
  const file = runFiles(path).trajectory;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw new UserError(`Cannot read ${file}: ${fileProblem(error)}.`, { cause: error });
  }
  const parsed = TRAJECTORY.safeParse(parseJson(text, file));
  if (parsed.success) return parsed.data;
  throw new UserError(
    `${file} is damaged: it must be a list of { steps, metrics }; delete it to leave it out of the report.`,
  );
}
