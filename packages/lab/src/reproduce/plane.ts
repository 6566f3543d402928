import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import { type Modes, TOY_DISTRIBUTIONS, type ToyName, modeCoverage, slicedWasserstein } from 'brownian';
import sharp from 'sharp';
import { drawSamples } from '../drawing.ts';
import { UserError } from '../errors.ts';
import { landscapeSvg, surveyPotential } from '../images/landscape.ts';
import { scatterPng, windowOf } from '../images/scatter.ts';
import type { Clock } from './budget.ts';
import type { Bench, CellPicture, Measured } from './experiment.ts';
import { flowEvaluations } from './flow-evaluations.ts';
import { CLOCKS, type HomotopyMoment, homotopyMoments } from './homotopy-moments.ts';
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

/** All rows of some arrays `[·, 2]`. */
function joined(arrays: readonly NDArray[]): NDArray {
  const values = arrays.flatMap((array) => Array.from(float32Data(array)));
  return ndarray(Float32Array.from(values), [values.length / 2, 2]);
}

/** Particles on their way, and what they are drawn over. */
interface Way {
  readonly name: string;
  readonly particles: NDArray;
  readonly ground: NDArray;
}

/** Particles over exact points of the homotopy at the same clock, or, for models that have none, over real points. */
async function wayOf(
  { learner, state, stream }: ModelAt,
  moments: readonly HomotopyMoment[] | null,
  real: NDArray,
): Promise<readonly Way[]> {
  if (moments !== null)
    return moments.map(({ clock, particles, exact }) => ({
      name: clockName(clock),
      particles: first(particles, SHOWN),
      ground: first(exact, SHOWN),
    }));
  const seen = (await learner.trajectory?.(state, SHOWN, stream.split('way'), MOMENTS)) ?? [];
  return seen.map(({ particles }, i) => ({ name: `moment ${i}`, particles, ground: real }));
}

/** Name of the picture of a clock. */
function clockName(clock: number): string {
  return `s = ${clock}`;
}

/** Names of pictures of particles on their way, of variational models and of others. */
export const WAY_PICTURES: readonly string[] = [
  ...CLOCKS.map(clockName),
  ...Array.from({ length: MOMENTS }, (_, i) => `moment ${i}`),
];

async function picturesOf(
  at: ModelAt,
  x: NDArray,
  name: ToyName,
  moments: readonly HomotopyMoment[] | null,
): Promise<CellPicture[]> {
  const { learner, state } = at;
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
  const way = await wayOf(at, moments, real);
  // One window for all of the way, so that noise is not cut off and moments can be laid beside each other.
  const whole = windowOf(joined(way.flatMap(({ particles, ground }) => [particles, ground])));
  for (const { name: moment, particles, ground } of way)
    pictures.push({ name: moment, format: 'png', bytes: await scatterPng(particles, ground, whole) });
  return pictures;
}

/** Names of the measures of a clock: sliced W₂ of particles, and of exact points, to exact points. */
export function wayMeasures(clock: number): readonly [particles: string, exact: string] {
  return [`way ${clock}`, `exactWay ${clock}`];
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
  const x = await drawSamples({ ...at, n: samples }, bench.task);
  const sampling = (performance.now() - before) / 1000;
  const evaluations = await flowEvaluations(bench.runtime, at, [2], Math.min(samples, 1000));
  const moments = await homotopyMoments(bench, name, at, samples);
  const way = (moments ?? []).flatMap(({ clock: s, distance, realDistance }) => {
    const [particles, exact] = wayMeasures(s);
    return [[particles, distance] as const, [exact, realDistance] as const];
  });
  return {
    measures: {
      ...(await planeMeasures(bench, name, x)),
      iterations: at.iterations,
      seconds: at.seconds[clock],
      step: milliseconds(at.pace[clock]),
      sampling,
      evaluations,
      ...Object.fromEntries(way),
    },
    pictures: await picturesOf(at, x, name, moments),
  };
}
