import { type NDArray, ndarray } from '@brownian/graph';
import { type Runtime, createStream } from '@brownian/runtime';
import {
  type ElasticForceOptions,
  type Modes,
  TOY_DISTRIBUTIONS,
  elasticForces,
  elasticParticles,
  modeSpreads,
} from 'brownian';
import { filmOfPages } from '../images/film.ts';
import { fieldPng } from '../images/plane.ts';
import { scatterPng } from '../images/scatter.ts';
import type { Bench, Cell, Measured } from './experiment.ts';
import { parseKernel, parseMobilities, singles } from './particle-flow.ts';

const TOY = TOY_DISTRIBUTIONS['8-gaussians'];
/** The modes that particles of the plane are to come to. */
export const MODES = TOY.modes as Modes;
const WINDOW = { center: [0, 0], reach: 1.6 } as const;
const FRAMES = 24;

/** Times at which the flow is drawn: often at first, when most moves. */
function momentsOf(end: number): number[] {
  return Array.from({ length: FRAMES }, (_, i) => end * ((i + 1) / (FRAMES + 1)) ** 3);
}

/** A regular grid of points on the window. */
function gridOfPoints(side: number): NDArray {
  const at = (i: number): number => WINDOW.reach * ((2 * (i + 0.5)) / side - 1);
  const points = Array.from({ length: side * side }, (_, i) => [at(i % side), at(Math.floor(i / side))]);
  return ndarray(Float32Array.from(points.flat()), [side * side, 2]);
}

/** The force at the start, on a grid of arrows. */
async function forcePicture(
  runtime: Runtime,
  options: ElasticForceOptions,
  data: NDArray,
  start: NDArray,
): Promise<Uint8Array> {
  const places = gridOfPoints(24);
  const forces = elasticForces(runtime, options);
  try {
    return await fieldPng(places, await forces.at(places, data, start), data, WINDOW);
  } finally {
    await forces.dispose();
  }
}

/** Particles on 8 Gaussians: what came to each mode, how widely it lies there, pictures. */
export async function runPoints({ settings }: Cell, { runtime, task }: Bench): Promise<Measured> {
  const [n, end, seed] = [Number(settings['particles']), Number(settings['time']), Number(settings['seed'])];
  const [attraction, repulsion] = parseMobilities(String(settings['ratio']));
  const { kernel, solver } = parseKernel(String(settings['kernel']));
  const key = createStream(seed);
  const [data, start] = [TOY.sample(key.split('data'), 2 * n), key.split('start').normal([n, 2])];
  task.start(`${settings['ratio']} on points, ${settings['kernel']}`, 1000, '‰ of time');
  const { x, saved, evaluations } = await elasticParticles(runtime, start, data, {
    kernel,
    attraction,
    repulsion,
    end,
    ...solver,
    saveAt: momentsOf(end),
    onStep: (t) => task.update(Math.round((1000 * t) / end)),
  }).finally(() => task.stop());
  const { counts, spreads } = modeSpreads(x, MODES);
  const nominal = spreads.map((spread) => spread / MODES.std);
  const ofData = modeSpreads(data, MODES).spreads;
  const relative = spreads.map((spread, k) => spread / (ofData[k] as number));
  const forces = { kernel, attraction, repulsion };
  const shown = async (points: NDArray): Promise<Uint8Array> => await scatterPng(singles(points), data, WINDOW);
  return {
    measures: {
      fewest: Math.min(...counts) / (n / MODES.centres.length),
      leastSpread: Math.min(...nominal),
      meanSpread: nominal.reduce((a, b) => a + b, 0) / nominal.length,
      mostSpread: Math.max(...nominal),
      leastOfData: Math.min(...relative),
      mostOfData: Math.max(...relative),
      near: counts.reduce((a, b) => a + b, 0) / n,
      evaluations,
    },
    curves: { spreads: nominal, spreadsOfData: relative, counts },
    note: '',
    pictures: [
      { name: 'particles', format: 'png', bytes: await shown(x) },
      { name: 'force', format: 'png', bytes: await forcePicture(runtime, forces, data, start) },
      { name: 'film', format: 'webp', bytes: await filmOfPages(await Promise.all([start, ...saved, x].map(shown))) },
    ],
  };
}
