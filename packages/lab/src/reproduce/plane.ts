import type { NDArray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { type Modes, TOY_DISTRIBUTIONS, type ToyName, modeCoverage, slicedWasserstein } from 'brownian';
import sharp from 'sharp';
import { UserError } from '../errors.ts';
import { landscapeSvg, surveyPotential } from '../images/landscape.ts';
import { scatterPng, windowOf } from '../images/scatter.ts';
import type { Clock } from './budget.ts';
import type { Bench, CellPicture, Measured } from './experiment.ts';
import { flowEvaluations } from './flow-evaluations.ts';
import { type ModelAt, milliseconds } from './training.ts';

/** Moments of the way from noise to samples that are drawn. */
const MOMENTS = 5;
const SHOWN = 1000;

/** A distribution on the plane by name. @throws UserError for another name */
export function toyName(flag: string, name: string): ToyName {
  if (Object.hasOwn(TOY_DISTRIBUTIONS, name)) return name as ToyName;
  throw new UserError(`--${flag} has ${JSON.stringify(name)}; it takes ${Object.keys(TOY_DISTRIBUTIONS).join(', ')}.`, {
    exitCode: 2,
  });
}

/** How near samples on the plane are to the distribution itself. */
async function planeMeasures({ runtime }: Bench, name: ToyName, x: NDArray): Promise<Record<string, number | null>> {
  const toy = TOY_DISTRIBUTIONS[name];
  const n = x.shape[0] as number;
  const real = toy.sample(createStream('held out'), n);
  const distance = (points: NDArray): Promise<number> =>
    slicedWasserstein(runtime, points, real, createStream('directions'), 128);
  const modes: Modes | undefined = toy.modes;
  const coverage = modes && modeCoverage(x, modes);
  const data = x.data as Float32Array;
  let inside = 0;
  for (let i = 0; i < n; i++)
    if ((toy.logDensity?.(data[2 * i] as number, data[2 * i + 1] as number) ?? -Infinity) > -Infinity) inside++;
  return {
    distance: await distance(x),
    realDistance: await distance(toy.sample(createStream('other'), n)),
    covered: coverage?.covered ?? null,
    share: coverage?.share ?? (name === 'checkerboard' ? inside / n : null),
  };
}

async function png(svg: string): Promise<Uint8Array> {
  return await sharp(Buffer.from(svg)).resize(420).png({ compressionLevel: 9, palette: true }).toBuffer();
}

async function picturesOf({ learner, state, stream }: ModelAt, x: NDArray, name: ToyName): Promise<CellPicture[]> {
  const real = TOY_DISTRIBUTIONS[name].sample(createStream('held out'), SHOWN);
  const window = windowOf(real);
  const pictures: CellPicture[] = [
    { name: 'samples', format: 'png', bytes: await scatterPng(first(x, SHOWN), real, window) },
  ];
  if (learner.potential !== undefined) {
    const potential = (points: NDArray): Promise<NDArray> => learner.potential?.(state, points) as Promise<NDArray>;
    const landscape = await surveyPotential(potential, window);
    pictures.push({ name: 'potential', format: 'png', bytes: await png(landscapeSvg(landscape, x)) });
  }
  const way = (await learner.trajectory?.(state, SHOWN, stream.split('way'), MOMENTS)) ?? [];
  for (const [i, { particles }] of way.entries())
    pictures.push({ name: `moment ${i}`, format: 'png', bytes: await scatterPng(particles, real, window) });
  return pictures;
}

function first({ shape: [n = 0, ...item], data }: NDArray, count: number): NDArray {
  const kept = Math.min(n, count);
  return { dtype: 'float32', shape: [kept, ...item], data: (data as Float32Array).slice(0, (data.length / n) * kept) };
}

/** Measures a model of the plane, and draws it. @param clock of the times that are told */
export async function judgePlane(
  bench: Bench,
  name: ToyName,
  at: ModelAt,
  samples: number,
  clock: Clock = 'wall',
): Promise<Pick<Measured, 'measures' | 'pictures'>> {
  const before = performance.now();
  const x = await at.learner.sample(at.state, samples, at.stream);
  const sampling = (performance.now() - before) / 1000;
  const evaluations = await flowEvaluations(bench.runtime, at, [2], Math.min(samples, 1000));
  return {
    measures: {
      ...(await planeMeasures(bench, name, x)),
      iterations: at.iterations,
      seconds: at.seconds[clock],
      step: milliseconds(at.pace[clock]),
      sampling,
      evaluations,
    },
    pictures: await picturesOf(at, x, name),
  };
}
