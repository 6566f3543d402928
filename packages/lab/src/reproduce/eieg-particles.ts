import type { Dataset } from 'brownian';
import { openData } from '../data/open.ts';
import type { Markup } from '../report/html.ts';
import type { Cell, CellResult, Experiment, Findings, ReportTable, Scale } from './experiment.ts';
import { galleryFigure, shownFigures } from './generator-figures.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { parseKernel, parseMobilities } from './particle-flow.ts';
import { runImages } from './particles-on-images.ts';
import { MODES, runPoints } from './particles-on-points.ts';
import { numberText } from './text.ts';

function plan(scale: Scale): Cell[] {
  const [mobilities, kernels] = [wordsOf(scale, 'mobilities'), wordsOf(scale, 'kernels')];
  mobilities.forEach(parseMobilities);
  kernels.forEach(parseKernel);
  const points = { particles: numberOf(scale, 'particles'), time: numberOf(scale, 'time') };
  const images = {
    data: textOf(scale, 'data') ?? '',
    images: numberOf(scale, 'images'),
    particles: numberOf(scale, 'image-particles'),
    time: numberOf(scale, 'image-time'),
  };
  const ofPoints = (ratio: string, seed: number): Cell[] =>
    kernels.map((kernel) => ({ settings: { part: 'points', ratio, kernel, seed, ...points } }));
  const ofImages = (ratio: string, seed: number): Cell => ({ settings: { part: 'images', ratio, seed, ...images } });
  return numbersOf(scale, 'seeds').flatMap((seed) =>
    mobilities.flatMap((ratio) => ofPoints(ratio, seed)).concat(mobilities.map((ratio) => ofImages(ratio, seed))),
  );
}

const labelOf = ({ settings: { ratio, kernel, seed } }: CellResult): string =>
  [ratio, ...(kernel === undefined ? [] : [`kernel ${kernel}`]), `seed ${seed}`].join(', ');

/** The spread of every mode of every run. */
function modeTable(results: readonly CellResult[]): ReportTable {
  const row = (result: CellResult): string[] => {
    const spreads = result.curves['spreadsOfData'] ?? [];
    return [labelOf(result), ...spreads.map((spread) => numberText(spread))];
  };
  return {
    title: 'Spread of each mode over that of its data',
    rows: [['attraction : repulsion', ...MODES.centres.map((_, k) => `mode ${k + 1}`)], ...results.map(row)],
    note: 'Standard deviation of a coordinate of the particles within four standard deviations of a mode, over that of the data there.',
  };
}

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
          ['spread of modes over .05: least', 'leastSpread'],
          ['mean', 'meanSpread'],
          ['most', 'mostSpread'],
          ['over their data’s: least', 'leastOfData'],
          ['most', 'mostOfData'],
          ['near a mode', 'near'],
          ['evaluations', 'evaluations'],
        ],
        'Spread of the particles within four standard deviations of a mode. Those that are not near a mode are still under way. A kernel is dimension@cut-off, and @step for Euler’s method; the paper’s is 2@1@0.1.',
      ),
      modeTable(of('points')),
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
    kernels: {
      kind: 'words',
      meaning: 'dimension@cut-off of kernels in the plane, and @step for Euler’s method',
      standard: '1.2@0.05,2@1@0.1',
    },
    particles: {
      kind: 'whole number',
      meaning: 'particles of the plane; there are twice as many data',
      standard: '500',
    },
    time: { kind: 'whole number', meaning: 'time at which the flow in the plane ends', standard: '400' },
    data: { kind: 'text', meaning: 'images that brownian train takes', standard: 'mnist' },
    images: { kind: 'whole number', meaning: 'data images', standard: '2000' },
    'image-particles': { kind: 'whole number', meaning: 'particles among images', standard: '64' },
    'image-time': { kind: 'whole number', meaning: 'time at which the flow among images ends', standard: '100000' },
    seeds: { kind: 'numbers', meaning: 'seeds', standard: '1' },
  },
  examples: [
    'brownian reproduce eieg-particles',
    'brownian reproduce eieg-particles --mobilities 1:1,100:50 --particles 300 --time 50',
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
