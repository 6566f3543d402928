import { type NDArray, ndarray } from '@brownian/graph';
import { type Runtime, createStream } from '@brownian/runtime';
import { type Dataset, type Modes, TOY_DISTRIBUTIONS, elasticForces, elasticParticles, modeSpreads } from 'brownian';
import { openData } from '../data/open.ts';
import { UserError } from '../errors.ts';
import { filmOfPages } from '../images/film.ts';
import { gridPng } from '../images/grid.ts';
import { fieldPng } from '../images/plane.ts';
import { scatterPng } from '../images/scatter.ts';
import type { Markup } from '../report/html.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, ReportTable, Scale } from './experiment.ts';
import { galleryFigure, shownFigures } from './generator-figures.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { numberText } from './text.ts';

const TOY = TOY_DISTRIBUTIONS['8-gaussians'];
const MODES = TOY.modes as Modes;
const WINDOW = { center: [0, 0], reach: 1.6 } as const;
const POINT_KERNEL = { dimension: 2, cutoff: 0.1 };
/** The paper's cut-off; its dimension, that of the images, leaves no force at their distances. */
const IMAGE_KERNEL = { dimension: 2, cutoff: 1 };
const FRAMES = 24;

/** `2:1`: mobilities of attraction and repulsion. @throws UserError for anything else */
function parseMobilities(text: string): readonly [attraction: number, repulsion: number] {
  const [, attraction, repulsion] = /^(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (attraction === undefined || repulsion === undefined || Number(attraction) === 0)
    throw new UserError(
      `--mobilities has ${JSON.stringify(text)}; it takes those of attraction and repulsion, such as 1:1,2:1.`,
      { exitCode: 2 },
    );
  return [Number(attraction), Number(repulsion)];
}

function plan(scale: Scale): Cell[] {
  const mobilities = wordsOf(scale, 'mobilities');
  mobilities.forEach(parseMobilities);
  const points = { particles: numberOf(scale, 'particles'), time: numberOf(scale, 'time') };
  const images = {
    data: textOf(scale, 'data') ?? '',
    images: numberOf(scale, 'images'),
    particles: numberOf(scale, 'image-particles'),
    time: numberOf(scale, 'image-time'),
  };
  const ofPoints = (ratio: string, seed: number): Cell => ({ settings: { part: 'points', ratio, seed, ...points } });
  const ofImages = (ratio: string, seed: number): Cell => ({ settings: { part: 'images', ratio, seed, ...images } });
  return numbersOf(scale, 'seeds').flatMap((seed) =>
    mobilities.map((ratio) => ofPoints(ratio, seed)).concat(mobilities.map((ratio) => ofImages(ratio, seed))),
  );
}

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
  mobilities: readonly [attraction: number, repulsion: number],
  data: NDArray,
  start: NDArray,
): Promise<Uint8Array> {
  const [attraction, repulsion] = mobilities;
  const places = gridOfPoints(24);
  const forces = elasticForces(runtime, { kernel: POINT_KERNEL, attraction, repulsion });
  try {
    return await fieldPng(places, await forces.at(places, data, start), data, WINDOW);
  } finally {
    await forces.dispose();
  }
}

async function runPoints({ settings }: Cell, { runtime, task }: Bench): Promise<Measured> {
  const [n, end, seed] = [Number(settings['particles']), Number(settings['time']), Number(settings['seed'])];
  const [attraction, repulsion] = parseMobilities(String(settings['ratio']));
  const key = createStream(seed);
  const [data, start] = [TOY.sample(key.split('data'), 2 * n), key.split('start').normal([n, 2])];
  task.start(`${settings['ratio']} on points`, 1000, '‰ of time');
  const { x, saved, evaluations } = await elasticParticles(runtime, start, data, {
    kernel: POINT_KERNEL,
    attraction,
    repulsion,
    end,
    solver: 'bosh3',
    rtol: 1e-2,
    atol: 1e-2,
    saveAt: momentsOf(end),
    onStep: (t) => task.update(Math.round((1000 * t) / end)),
  }).finally(() => task.stop());
  const { counts, spreads } = modeSpreads(x, MODES);
  const relative = spreads.map((spread) => spread / MODES.std);
  const shown = async (points: NDArray): Promise<Uint8Array> => await scatterPng(singles(points), data, WINDOW);
  return {
    measures: {
      fewest: Math.min(...counts) / (n / MODES.centres.length),
      leastSpread: Math.min(...relative),
      meanSpread: relative.reduce((a, b) => a + b, 0) / relative.length,
      mostSpread: Math.max(...relative),
      near: counts.reduce((a, b) => a + b, 0) / n,
      evaluations,
    },
    curves: { spreads: relative, counts },
    note: '',
    pictures: [
      { name: 'particles', format: 'png', bytes: await shown(x) },
      { name: 'force', format: 'png', bytes: await forcePicture(runtime, [attraction, repulsion], data, start) },
      { name: 'film', format: 'webp', bytes: await filmOfPages(await Promise.all([start, ...saved, x].map(shown))) },
    ],
  };
}

function singles(x: NDArray): NDArray {
  return ndarray(Float32Array.from(x.data as Float64Array), x.shape);
}

/** Share of values that are neither dark nor bright: what blurring makes of ink on paper. */
function greyShare({ data }: NDArray): number {
  const values = data as Float32Array;
  return values.reduce((count, value) => count + (Math.abs(value) < 0.5 ? 1 : 0), 0) / values.length;
}

/** Root mean square pixel distance of each row of x to the nearest of y, on average. */
function nearestDistance(x: NDArray, y: NDArray): number {
  const [n = 0, d = 0] = x.shape;
  const m = y.shape[0] ?? 0;
  const [a, b] = [x.data as Float32Array, y.data as Float32Array];
  let total = 0;
  for (let i = 0; i < n; i++) {
    let least = Infinity;
    for (let j = 0; j < m; j++) {
      let sum = 0;
      for (let k = 0; k < d && sum < least; k++) sum += ((a[i * d + k] as number) - (b[j * d + k] as number)) ** 2;
      least = Math.min(least, sum);
    }
    total += Math.sqrt(least / d);
  }
  return total / n;
}

async function runImages({ settings }: Cell, images: Dataset, { runtime, task }: Bench): Promise<Measured> {
  const [n, end, seed] = [Number(settings['particles']), Number(settings['time']), Number(settings['seed'])];
  const [attraction, repulsion] = parseMobilities(String(settings['ratio']));
  const count = Math.min(Number(settings['images']), images.size);
  const { x: batch } = await images.batch(Array.from({ length: count }, (_, i) => i));
  const size = batch.data.length / count;
  const data = ndarray(batch.data, [count, size]);
  const start = createStream(seed).split('start').normal([n, size]);
  task.start(`${settings['ratio']} on images`, 1000, '‰ of time');
  const { x, evaluations } = await elasticParticles(runtime, start, data, {
    kernel: IMAGE_KERNEL,
    attraction,
    repulsion,
    end,
    solver: 'bosh3',
    rtol: 1e-2,
    atol: 1e-2,
    onStep: (t) => task.update(Math.round((1000 * t) / end)),
  }).finally(() => task.stop());
  const particles = singles(x);
  return {
    measures: {
      grey: greyShare(particles),
      greyOfData: greyShare(data),
      nearest: nearestDistance(particles, data),
      evaluations,
    },
    curves: {},
    note: '',
    pictures: [
      {
        name: 'images',
        format: 'png',
        bytes: await gridPng(ndarray(particles.data, [n, ...images.itemShape]), { columns: 8, scale: 2 }),
      },
    ],
  };
}

const labelOf = ({ settings }: CellResult): string => `${settings['ratio']}, seed ${settings['seed']}`;

/** A table of cells: their labels, and some of their numbers under other names. */
function tableOf(
  title: string,
  results: readonly CellResult[],
  columns: readonly (readonly [head: string, name: string])[],
  note: string,
): ReportTable {
  const row = (result: CellResult): string[] =>
    [labelOf(result)].concat(columns.map(([, name]) => numberText(result.measures[name] ?? null)));
  return { title, rows: [['attraction : repulsion', ...columns.map(([head]) => head)], ...results.map(row)], note };
}

function findings(results: readonly CellResult[], _: Scale, picture: (path: string) => string): Findings {
  const of = (part: string): readonly CellResult[] => results.filter(({ settings }) => settings['part'] === part);
  const gallery = (title: string, hint: string, part: string, kind: string): Markup | null =>
    galleryFigure(title, hint, of(part), kind, labelOf, picture);
  return {
    lead:
      'Particles move towards data and away from each other (Eq. 24); no network is trained. With equal mobilities they descend the elastic energy. The paper prints ' +
      'mobilities of 100 and 50.',
    tables: [
      tableOf(
        'Eight Gaussians',
        of('points'),
        [
          ['fewest in a mode, of its share', 'fewest'],
          ['spread of modes: least', 'leastSpread'],
          ['mean', 'meanSpread'],
          ['most', 'mostSpread'],
          ['near a mode', 'near'],
          ['evaluations', 'evaluations'],
        ],
        'Spread of the particles within four standard deviations of a mode, over the data’s. Those that are not near a mode are still under way.',
      ),
      tableOf(
        'Images in pixel space (Fig. 11)',
        of('images'),
        [
          ['grey pixels', 'grey'],
          ['of data', 'greyOfData'],
          ['distance to the nearest datum', 'nearest'],
          ['evaluations', 'evaluations'],
        ],
        'Grey pixels are those between −.5 and .5: blurred images have many. Distances are root mean squares per pixel.',
      ),
    ],
    figures: shownFigures([
      gallery('Particles', 'Grey: data. Orange: particles at the end.', 'points', 'particles'),
      gallery('The flow', 'From N(0, I) to the end, slower and slower.', 'points', 'film'),
      gallery(
        'The force at the start',
        'Arrows of length √|v|, between data and particles of N(0, I).',
        'points',
        'force',
      ),
      gallery('Images', 'Particles in pixel space at the end.', 'images', 'images'),
    ]),
  };
}

/** The particle flow on points and on images (EIEG GAN, appendix B). */
export const eiegParticles: Experiment = {
  name: 'eieg-particles',
  title: 'Particles that move by elastic forces',
  summary: 'the elastic flow on 8 Gaussians and on images, by its mobilities (EIEG GAN, Eq. 24 and Fig. 11)',
  options: {
    mobilities: { kind: 'words', meaning: 'attraction:repulsion', standard: '1:1,2:1' },
    particles: {
      kind: 'whole number',
      meaning: 'particles of the plane; there are twice as many data',
      standard: '1000',
    },
    time: { kind: 'whole number', meaning: 'time at which the flow in the plane ends', standard: '120' },
    data: { kind: 'text', meaning: 'images that brownian train takes', standard: 'mnist' },
    images: { kind: 'whole number', meaning: 'data images', standard: '2000' },
    'image-particles': { kind: 'whole number', meaning: 'particles among images', standard: '64' },
    'image-time': { kind: 'whole number', meaning: 'time at which the flow among images ends', standard: '100000' },
    seeds: { kind: 'numbers', meaning: 'seeds', standard: '1' },
  },
  examples: [
    'brownian reproduce eieg-particles',
    'brownian reproduce eieg-particles --mobilities 1:1,100:50 --particles 500',
  ],
  plan,
  open: (scale, bench) => {
    let images: Promise<Dataset> | undefined;
    const opened = (): Promise<Dataset> => openData(textOf(scale, 'data') ?? '', { limit: null, seed: 1 });
    return Promise.resolve(async (cell) =>
      cell.settings['part'] === 'points'
        ? await runPoints(cell, bench)
        : await runImages(cell, await (images ??= opened()), bench),
    );
  },
  findings,
};
