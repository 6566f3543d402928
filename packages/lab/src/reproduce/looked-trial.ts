import type { NDArray } from '@brownian/graph';
import type { Bench, CellPicture, Measured } from './experiment.ts';
import { type ModelAt, type Training, milliseconds, train } from './training.ts';

/** Numbers by name. */
export type Numbers = Readonly<Record<string, number | null>>;

/** A training that is looked at from time to time. */
export interface LookedTrial extends Training {
  /** How often it is looked at, evenly over the training. */
  readonly looks: number;
  /** What is measured at a look; the last one's numbers are those of the cell. */
  readonly look: (at: ModelAt) => Promise<Numbers>;
  /** Pictures of the trained model, and of the particles that were seen at the looks. */
  readonly draw: (at: ModelAt, frames: readonly NDArray[]) => Promise<readonly CellPicture[]>;
}

function finite(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(6));
}

/** Means of metrics since the last look. */
function meansFrom(curves: ModelAt['curves'], from: number): Numbers {
  return Object.fromEntries(
    Object.entries(curves).map(([name, values]) => {
      const kept = values.slice(from).filter((value) => value !== null);
      return [name, kept.reduce((sum, value) => sum + value, 0) / kept.length];
    }),
  );
}

/**
 * Trains a model, looks at it from time to time, and draws it at the end. Its curves have a value per look. Ends early, with word of it, when
 * numbers stop being finite.
 *
 * @returns null when it was stopped by the user
 */
export async function runLookedTrial(trial: LookedTrial, bench: Bench): Promise<Measured | null> {
  // Times are of the clock that the training is limited by: on a machine that others use the wall's tells of them.
  const clock = 'clock' in trial.budget ? trial.budget.clock : 'wall';
  const curves: Record<string, (number | null)[]> = {};
  const frames: NDArray[] = [];
  let [last, seen]: [Numbers, number] = [{}, 0];
  const look = async (at: ModelAt): Promise<void> => {
    last = await trial.look(at);
    frames.push(at.learner.particles(at.state));
    const { iterations, seconds } = at;
    const row = { iteration: iterations, seconds: seconds[clock], ...meansFrom(at.curves, seen), ...last };
    // A number that was not there at earlier looks begins with gaps.
    const before = curves['iteration']?.length ?? 0;
    for (const [name, value] of Object.entries(row))
      (curves[name] ??= Array<number | null>(before).fill(null)).push(finite(value));
    seen = iterations;
  };
  const end = await train(trial, bench, { count: trial.looks, look });
  if (end === null) return null;
  try {
    const { iterations, seconds, pace, stopped } = end;
    const measures = {
      ...last,
      iterations,
      trainingSeconds: finite(seconds.wall),
      processorSeconds: finite(seconds.cpu * bench.threads),
      step: milliseconds(pace[clock]),
    };
    return { measures, curves, note: stopped, pictures: await trial.draw(end, frames) };
  } finally {
    await end.learner.dispose();
  }
}
