import type { Learner } from 'brownian';
import { gridPng } from '../images/grid.ts';
import type { Clock } from './budget.ts';
import type { Bench, Measured } from './experiment.ts';
import type { Judge } from './judge.ts';
import { type Training, stopwatch, train } from './training.ts';

/** A training that is judged at its end. */
export interface JudgedTrial extends Training {
  readonly judge: Judge;
  /** Samples that the judge draws. */
  readonly samples: number;
  /** The clock of the times that are told. */
  readonly clock: Clock;
}

/** A learner that says how long its samples took. */
function timed(learner: Learner, clock: Clock, threads: number): { learner: Learner; seconds: () => number } {
  let seconds = 0;
  const watched: Learner = {
    name: learner.name,
    init: (key, data) => learner.init(key, data),
    step: (state, batch, draw) => learner.step(state, batch, draw),
    sample: async (state, n, draw, labels, watch) => {
      const spent = stopwatch(threads);
      const samples = await learner.sample(state, n, draw, labels, watch);
      seconds += spent()[clock];
      return samples;
    },
    particles: (state) => learner.particles(state),
    dispose: () => learner.dispose(),
  };
  return { learner: watched, seconds: () => seconds };
}

/**
 * Trains a model, judges it, and says how long an iteration and a sample take.
 *
 * @returns null when the user stopped it
 */
export async function runJudgedTrial(trial: JudgedTrial, bench: Bench): Promise<Measured | null> {
  const { judge, samples, clock } = trial;
  const end = await train(trial, bench);
  if (end === null) return null;
  const { learner, state, stream, curves, iterations, pace, stopped } = end;
  try {
    const timing = { iterations, secondsPerIteration: pace[clock] };
    const particles = { name: 'particles', format: 'png' as const, bytes: await gridPng(learner.particles(state)) };
    if (stopped !== '') return { measures: timing, curves, note: stopped, pictures: [particles] };
    const watched = timed(learner, clock, bench.threads);
    const { measures, pictures } = await judge({ learner: watched.learner, state, stream });
    const secondsPerThousand = (1000 * watched.seconds()) / samples;
    return { measures: { ...measures, ...timing, secondsPerThousand }, curves, note: '', pictures };
  } finally {
    await learner.dispose();
  }
}
