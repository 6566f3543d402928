import type { Dataset } from 'brownian';
import { resolveConfig } from '../config/settings.ts';
import { budgetOf, clockOf, entrySettings, parseEntry, timedOptions } from './budget.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, ReportTable, Scale } from './experiment.ts';
import { curveFigures, pictureFigures } from './figures.ts';
import { type Judge, openImages } from './judge.ts';
import { runJudgedTrial } from './judged-trial.ts';
import { LAST, medianOfLast } from './measures.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { LABELLED_DATA, SCORED, seedsOption } from './shared-options.ts';
import { numberText, spreadText } from './text.ts';

const MODELS = ['gcn', 'wgcn'] as const;

function plan(scale: Scale): Cell[] {
  const entries = wordsOf(scale, 'models').map((text) => [text, parseEntry('models', text, MODELS)] as const);
  const [images, samples] = [numberOf(scale, 'images'), numberOf(scale, 'samples')];
  const [data, network] = [textOf(scale, 'data') ?? '', textOf(scale, 'network') ?? ''];
  // Seed by seed, so that an unfinished table compares equally many runs of each.
  return numbersOf(scale, 'seeds').flatMap((seed) =>
    entries.map(([model, entry]) => ({
      settings: { data, seed, model, images, samples, network, ...entrySettings(entry, scale) },
    })),
  );
}

async function runCell(cell: Cell, data: Dataset, judge: Judge, bench: Bench): Promise<Measured | null> {
  const { settings } = cell;
  const [seed, images] = [Number(settings['seed']), Number(settings['images'])];
  const entry = parseEntry('models', String(settings['model']), MODELS);
  const result = await runJudgedTrial(
    {
      label: `${settings['model']}, seed ${seed}`,
      config: (iterations) =>
        resolveConfig({ data: settings['data'], model: entry.name, batchSize: images, iterations, seed }, data),
      data,
      seed,
      budget: budgetOf(entry, cell),
      clock: clockOf(cell),
      samples: Number(settings['samples']),
      judge,
    },
    bench,
  );
  if (result === null) return null;
  const distance = medianOfLast(result.curves['responseDistance']);
  return { ...result, measures: { distance, ...result.measures } };
}

/** What the table shows of a run: its name there, and in its measures. */
const SHOWN: readonly (readonly [title: string, name: string])[] = [
  ['Inception-type score (higher is better)', 'score'],
  ['FID (lower is better)', 'fid'],
  ['iterations', 'iterations'],
  [`R, median of the last ${LAST} iterations`, 'distance'],
];

function valuesOf(results: readonly CellResult[], model: string, name: string): readonly (number | null)[] {
  return results.filter(({ settings }) => settings['model'] === model).map(({ measures }) => measures[name] ?? null);
}

function spreadTable(results: readonly CellResult[], models: readonly string[]): ReportTable {
  const real = results.find(({ measures }) => measures['realScore'] !== undefined)?.measures['realScore'] ?? null;
  return {
    title: 'Mean ± standard deviation over seeds',
    rows: [
      ['model', 'runs', ...SHOWN.map(([title]) => title), 'broke off'],
      ...models.map((model) => {
        const runs = results.filter(({ settings }) => settings['model'] === model);
        return [
          model,
          String(runs.length),
          ...SHOWN.map(([, name]) => spreadText(valuesOf(results, model, name))),
          String(runs.filter(({ note }) => note !== '').length),
        ];
      }),
    ],
    note: `Standard deviations are of single runs (n − 1). The same score of as many real test images is ${numberText(real)}. Filters are learned and differ from run to run, so R says how close particles come to data in the eyes of their own model.`,
  };
}

function seedTable(results: readonly CellResult[], models: readonly string[]): ReportTable {
  const seeds = [...new Set(results.map(({ settings }) => Number(settings['seed'])))];
  const text = (model: string, seed: number): string => {
    const run = results.find(({ settings }) => settings['model'] === model && settings['seed'] === seed);
    if (run === undefined) return 'not run';
    if (run.note !== '') return run.note;
    return SHOWN.map(([, name]) => numberText(run.measures[name] ?? null)).join(' · ');
  };
  const row = (seed: number): string[] => [String(seed), ...models.map((model) => text(model, seed))];
  return {
    title: 'Seed by seed: score · FID · R',
    rows: [['seed', ...models], ...seeds.map((seed) => row(seed))],
    note: 'A seed draws parameters, batches and noise.',
  };
}

function findings(results: readonly CellResult[], scale: Scale, picture: (path: string) => string): Findings {
  const models = wordsOf(scale, 'models');
  return {
    lead:
      'The same learned filters, sampler and optimizer; GCN learns by maximum likelihood, wGCN is charged for the speed of its particles. An iteration of wGCN ' +
      'costs more, so GCN is given more of them.',
    tables: [spreadTable(results, models), seedTable(results, models)],
    figures: [
      ...pictureFigures(results, ['', 'samples'], 'New samples, each from its own noise; none was picked.', picture),
      ...curveFigures(results),
    ],
  };
}

/** GCN against wGCN at equal compute, over seeds (generalised GCN, Table 1: the switch JKO alone). */
export const gcnMnist: Experiment = {
  name: 'gcn-mnist',
  title: 'GCN against wGCN on MNIST at equal compute',
  summary: 'learned filters, KL against JKO over five seeds: score, FID and R with their spread (generalised GCN)',
  options: {
    data: LABELLED_DATA,
    models: {
      kind: 'words',
      meaning: 'gcn and wgcn, for the time of all, or with iterations of their own',
      standard: 'gcn,wgcn',
    },
    seeds: seedsOption('1,2,3,4,5'),
    images: { kind: 'whole number', meaning: 'images of a batch, and particles', standard: '100' },
    ...timedOptions('180'),
    ...SCORED,
  },
  examples: [
    'brownian reproduce gcn-mnist',
    'brownian reproduce gcn-mnist --models gcn@600,gcn@500,wgcn@500 --minutes 8',
  ],
  plan,
  async open(scale, bench) {
    const { data, judge } = await openImages(textOf(scale, 'data') ?? '', scale, bench);
    return (cell) => runCell(cell, data, judge, bench);
  },
  findings,
};
