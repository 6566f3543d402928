import { type NDArray, type Tensor, full } from '@brownian/graph';
import { type Stream, createStream } from '@brownian/runtime';
import {
  type ToyName,
  type VariationalState,
  TOY_DISTRIBUTIONS,
  createVariationalLearner,
  homotopyPoint,
  homotopyTime,
  slicedWasserstein,
} from 'brownian';
import { inFamily } from '../config/run-config.ts';
import type { Bench } from './experiment.ts';
import type { ModelAt } from './training.ts';

/** Clocks s at which particles on their way are compared with the homotopy: noise at 0, data at 1. */
export const CLOCKS: readonly number[] = [0, 0.25, 0.5, 0.75, 1];
const DIRECTIONS = 128;
/** Other draws whose mean distance says what chance makes: that of one depends on how many points fell to each mode. */
const OTHERS = 2;

/** Particles of a flow beside the density that they should have. */
export interface HomotopyMoment {
  readonly clock: number;
  /** `[n, 2]` */
  readonly particles: NDArray;
  /** Draws of ρ(x, t(s)) = E[ρ(x | x̄, t)], `[n, 2]`. */
  readonly exact: NDArray;
  /** Sliced W₂ of the particles to the draws, in units of x. */
  readonly distance: number;
  /** The mean of the same of other draws. */
  readonly realDistance: number;
}

/**
 * Runs a variational model's flow from the prior to s = 1 and compares its particles at {@link CLOCKS} with exact points a x̄ + √Σ ξ of the
 * homotopy it learned (VAPO, Eq. 19; METHODS section 4).
 *
 * @param n particles, and exact points
 * @returns null for models of other families, which have no homotopy
 */
export async function homotopyMoments(
  { runtime }: Bench,
  name: ToyName,
  { config, state, stream }: ModelAt,
  n: number,
): Promise<readonly HomotopyMoment[] | null> {
  if (!inFamily(config, 'variational')) return null;
  const { path } = config;
  const points = runtime.compile(
    (data: Tensor, clock: Tensor, noise: Tensor) => homotopyPoint(data, homotopyTime(clock, path).t, noise, path).x,
    { name: 'homotopy' },
  );
  const learner = createVariationalLearner(runtime, config.model, config, [2]);
  const drawn = (clock: number, draw: Stream): Promise<NDArray> =>
    points(TOY_DISTRIBUTIONS[name].sample(draw.split('data'), n), full([n], clock), draw.split('noise').normal([n, 2]));
  try {
    const prior = learner.latent.draw(n, stream.split('way'));
    const seen = [prior];
    const saveAt = CLOCKS.slice(1);
    await learner.flow(state as VariationalState, prior, { tEnd: 1, saveAt, onSaved: (x) => void seen.push(x) });
    const moments: HomotopyMoment[] = [];
    for (const [i, clock] of CLOCKS.entries()) {
      const particles = seen[i] as NDArray;
      const exact = await drawn(clock, createStream('exact'));
      const distance = (x: NDArray): Promise<number> =>
        slicedWasserstein(runtime, x, exact, createStream('directions'), DIRECTIONS);
      let realDistance = 0;
      for (let other = 0; other < OTHERS; other++)
        realDistance += (await distance(await drawn(clock, createStream(`other ${other}`)))) / OTHERS;
      moments.push({ clock, particles, exact, distance: await distance(particles), realDistance });
    }
    return moments;
  } finally {
    await Promise.all([points.dispose(), learner.dispose()]);
  }
}
