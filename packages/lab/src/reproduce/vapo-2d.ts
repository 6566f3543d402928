import { toyDataset } from 'brownian';
import { createStream } from '@brownian/runtime';
import { resolveConfig } from '../config/settings.ts';
import { budgetOf, clockOf, entrySettings, parseEntry, timedOptions } from './budget.ts';
import { thin } from './curves.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, ReportTable, Scale } from './experiment.ts';
import { pictureFigures } from './figures.ts';
import { CLOCKS } from './homotopy-moments.ts';
import { numberOf, numbersOf, wordsOf } from './options.ts';
import { WAY_PICTURES, judgePlane, toyName, wayMeasures } from './plane.ts';
import { numberText, spreadText } from './text.ts';
import { noSamples, train } from './training.ts';

const MODELS = ['vapo', 'gcn', 'wgcn', 'eieg'] as const;
const POINTS = 20_000;

function plan(scale: Scale): Cell[] {
  const data = wordsOf(scale, 'data');
  const entries = wordsOf(scale, 'models').map((text) => [text, parseEntry('models', text, MODELS)] as const);
  data.forEach((name) => toyName('data', name));
  const samples = numberOf(scale, 'samples');
  return numbersOf(scale, 'seeds').flatMap((seed) =>
    data.flatMap((name) =>
      entries.map(([model, entry]) => ({
        settings: { data: name, seed, model, samples, ...entrySettings(entry, scale) },
      })),
    ),
  );
}

async function runCell(cell: Cell, bench: Bench): Promise<Measured | null> {
  const { settings } = cell;
  const [seed, name] = [Number(settings['seed']), toyName('data', String(settings['data']))];
  const entry = parseEntry('models', String(settings['model']), MODELS);
  const data = toyDataset(name, createStream(1).split('data'), POINTS);
  const end = await train(
    {
      label: `${settings['model']} on ${name}, seed ${seed}`,
      config: (iterations) => resolveConfig({ data: name, model: entry.name, iterations, seed }, data),
      data,
      seed,
      budget: budgetOf(entry, cell),
    },
    bench,
  );
  if (end === null) return null;
  try {
    if (end.stopped !== '') return { measures: {}, pictures: [], curves: thin(end.curves), note: end.stopped };
    const judged = await judgePlane(bench, name, end, Number(settings['samples']), clockOf(cell));
    return { ...judged, curves: thin(end.curves), note: '' };
  } catch (error) {
    return { measures: {}, pictures: [], curves: thin(end.curves), note: noSamples(error) };
  } finally {
    await end.learner.dispose();
  }
}

const COLUMNS: readonly (readonly [title: string, name: string])[] = [
  ['sliced W₂ (lower is better)', 'distance'],
  ['the same of real points', 'realDistance'],
  ['modes', 'covered'],
  ['share in place', 'share'],
  ['iterations', 'iterations'],
  ['training, s', 'seconds'],
  ['a step, ms', 'step'],
  ['sampling, s', 'sampling'],
  ['evaluations', 'evaluations'],
];

function table(results: readonly CellResult[], scale: Scale): ReportTable {
  const row = (data: string, model: string): string[] => {
    const cells = results.filter(({ settings }) => settings['data'] === data && settings['model'] === model);
    return [
      `${data}, ${model}`,
      ...COLUMNS.map(([, name]) => spreadText(cells.map(({ measures }) => measures[name] ?? null))),
    ];
  };
  return {
    title: 'Models on the plane',
    rows: [
      ['data, model', ...COLUMNS.map(([title]) => title)],
      ...wordsOf(scale, 'data').flatMap((data) => wordsOf(scale, 'models').map((model) => row(data, model))),
    ],
    note:
      `Mean ± standard deviation over seeds; ${numberText(numberOf(scale, 'samples'))} samples of each model against as many points of the distribution itself. ` +
      'In place: within three standard deviations of a mode (98.9 % of the distribution’s own points are), on the checkerboard within a dark square. Evaluations of ∇Φ for one sample.',
  };
}

/** How near particles are to the homotopy on their way; null where no model has one. */
function wayTable(results: readonly CellResult[], scale: Scale): ReportTable | null {
  const [firstName] = wayMeasures(0);
  const told = results.filter(({ measures }) => typeof measures[firstName] === 'number');
  if (told.length === 0) return null;
  const row = ({ settings, measures }: CellResult): string[] => [
    `${settings['data']}, ${settings['model']}, seed ${settings['seed']}`,
    ...CLOCKS.map((clock) => {
      const [particles, exact] = wayMeasures(clock).map((name) => numberText(measures[name] ?? null));
      return `${particles} (${exact})`;
    }),
  ];
  return {
    title: 'Density along the homotopy',
    rows: [['data, model, seed', ...CLOCKS.map((clock) => `s = ${clock}`)], ...told.map(row)],
    note:
      `Sliced W₂ of ${numberText(numberOf(scale, 'samples'))} particles that the flow has carried from noise (s = 0) to data (s = 1) to as many exact points of the homotopy at that clock, ` +
      'a x̄ + √Σ ξ (VAPO, Eq. 19); in brackets the mean of that of two other draws of exact points, which is what chance alone makes.',
  };
}

function findings(results: readonly CellResult[], scale: Scale, picture: (path: string) => string): Findings {
  const hint =
    'Samples over real points (grey); the potential with its slopes, where a model has one; particles on their way, for VAPO over exact points of the homotopy at ' +
    'the same clock s (grey), for others over real points.';
  const way = wayTable(results, scale);
  return {
    lead:
      'Points learned by models that never sample while they learn (VAPO), by a potential trained on its own Langevin chains (GCN) and by a generator under the ' +
      'elastic energy (EIEG), each with its default settings, for the same time or for the iterations in its name.',
    tables: [table(results, scale), ...(way === null ? [] : [way])],
    figures:
      results.length === 0 ? [] : pictureFigures(results, ['', 'samples', 'potential', ...WAY_PICTURES], hint, picture),
  };
}

/** Distributions on the plane: VAPO beside a Langevin-trained potential and the elastic generator in equal time. */
export const vapo2d: Experiment = {
  name: 'vapo-2d',
  title: 'Distributions on the plane',
  summary: '8 Gaussians, two moons and a checkerboard: VAPO beside GCN and the elastic generator in equal time',
  options: {
    data: { kind: 'words', meaning: 'distributions on the plane', standard: '8-gaussians,two-moons,checkerboard' },
    models: {
      kind: 'words',
      meaning: 'vapo, gcn, wgcn and eieg; with @ and iterations of its own, or for the time of all',
      standard: 'vapo,gcn,eieg',
    },
    seeds: { kind: 'numbers', meaning: 'seeds of parameters, batches and noise', standard: '1' },
    ...timedOptions('60'),
    samples: { kind: 'whole number', meaning: 'samples that are measured', standard: '4000' },
  },
  examples: [
    'brownian reproduce vapo-2d',
    'brownian reproduce vapo-2d --data two-moons --models vapo@8000,eieg --seeds 1,2,3',
  ],
  plan,
  open: (_, bench) => Promise.resolve((cell) => runCell(cell, bench)),
  findings,
};
