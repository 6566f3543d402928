import { type Dataset, TOY_DISTRIBUTIONS } from 'brownian';
import type { ImageOptions } from '../config/run-config.ts';
import { UserError } from '../errors.ts';
import type { RecordedData } from '../runs/run.ts';
import { fingerprint } from './fingerprint.ts';
import { dataPaths } from './open.ts';

/** Items that are compared when a run is resumed: few enough to be decoded within a moment. */
const LOOKED_AT = 100;

/** What a run records of the data that `name` stands for. */
export async function recordData(name: string, data: Dataset, images: ImageOptions): Promise<RecordedData> {
  return {
    name: data.name,
    itemShape: data.itemShape,
    size: data.size,
    paths: dataPaths(name, images),
    // What is drawn from the seed cannot change behind a run's back.
    fingerprint: Object.hasOwn(TOY_DISTRIBUTIONS, name)
      ? undefined
      : await fingerprint(data, { most: LOOKED_AT, atOnce: 1 }),
  };
}

/** @throws UserError when data are not those that a run learned from, saying what changed and what to do */
export function requireSameData(run: string, then: RecordedData, now: RecordedData): void {
  const [before, after] = [then, now].map(({ itemShape }) => itemShape.join('×'));
  const remedy = 'put back what it learned from, or train a new run';
  const refuse = (change: string, or = ''): never => {
    throw new UserError(`The data of ${run} have changed: ${change}; ${remedy}${or}.`);
  };
  if (after !== before) refuse(`the items of ${now.name} are ${after} now, and the run learned from ${before}`);
  if (now.size !== then.size)
    refuse(`${now.name} has ${now.size} items to learn from, and the run learned from ${then.size}`);
  // Older runs have no fingerprint.
  if (then.fingerprint !== undefined && now.fingerprint !== then.fingerprint) {
    const or = `; to go on all the same, delete "fingerprint" from its run.json`;
    refuse(`${now.name} has as many items as then, but others, or other labels`, or);
  }
}
