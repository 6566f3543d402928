import { float32Data } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import type { Dataset } from '../../interfaces.ts';
import { pointDataset } from '../dataset.ts';
import { DataError } from '../errors.ts';
import { CHECKERBOARD } from './checkerboard.ts';
import { RINGS, SWISS_ROLL, TWO_MOONS } from './curves.ts';
import type { ToyDistribution } from './distribution.ts';
import { EIGHT_GAUSSIANS, TWENTY_FIVE_GAUSSIANS } from './mixtures.ts';
import { PINWHEEL } from './pinwheel.ts';

/** Names of the distributions on the plane. */
export type ToyName =
  | '8-gaussians'
  | '25-gaussians'
  | 'two-moons'
  | 'rings'
  | 'swiss-roll'
  | 'pinwheel'
  | 'checkerboard';

/** The distributions on the plane, by name. */
export const TOY_DISTRIBUTIONS: Readonly<Record<ToyName, ToyDistribution>> = {
  '8-gaussians': EIGHT_GAUSSIANS,
  '25-gaussians': TWENTY_FIVE_GAUSSIANS,
  'two-moons': TWO_MOONS,
  rings: RINGS,
  'swiss-roll': SWISS_ROLL,
  pinwheel: PINWHEEL,
  checkerboard: CHECKERBOARD,
};

/**
 * `n` points of a named distribution as a data set.
 *
 * @param name a key of {@link TOY_DISTRIBUTIONS}
 * @param stream where the points come from; it is advanced
 * @param n number of points, at least 1
 * @throws DataError when the name is not in the table or `n` is not an integer of at least 1
 */
export function toyDataset(name: ToyName, stream: Stream, n: number): Dataset {
  const distribution = Object.hasOwn(TOY_DISTRIBUTIONS, name) ? TOY_DISTRIBUTIONS[name] : undefined;
  if (distribution === undefined) {
    throw new DataError(
      `There is no toy distribution "${name}"; choose from ${Object.keys(TOY_DISTRIBUTIONS).join(', ')}.`,
    );
  }
  if (!Number.isSafeInteger(n) || n < 1) {
    throw new DataError(`${name}: ${n} points were asked for, expected an integer of at least 1.`);
  }
  return pointDataset(name, float32Data(distribution.sample(stream, n)), 2);
}
