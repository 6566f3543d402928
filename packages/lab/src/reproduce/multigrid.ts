import type { Dataset } from 'brownian';
import { inFamily } from '../config/run-config.ts';
import { resolveConfig } from '../config/settings.ts';
import { openData } from '../data/open.ts';
import { UserError } from '../errors.ts';
import { gridOf } from '../metric-guide.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, ReportTable, Scale } from './experiment.ts';
import { curveFigures, pictureFigures } from './figures.ts';
import { classOf, dataPlace } from './found.ts';
import { type Judge, comparisonOf, openJudge } from './judge.ts';
import { LAST, medianOfLast } from './measures.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { LABELLED_DATA, SCORED, seedsOption } from './shared-options.ts';
import { numberText, spreadText } from './text.ts';
import { runOnBatches } from './trial.ts';

const NAMES = ['m-gcn', 'wm-gcn'] as const;
type GridModel = (typeof NAMES)[number];

/** What `--classes` says for the whole of the data. */
const WHOLE = 'all';

function isGridModel(name: string): name is GridModel {
  return (NAMES as readonly string[]).includes(name);
}

function plan(scale: Scale): Cell[] {
  const models = wordsOf(scale, 'models');
  const wrong = models.find((name) => !isGridModel(name));
  if (wrong !== undefined)
    throw new UserError(`--models has ${JSON.stringify(wrong)}; it takes ${NAMES.join(' and ')}.`, { exitCode: 2 });
  const [images, iterations, samples] = ['images', 'iterations', 'samples'].map((name) => numberOf(scale, name)) as [
    number,
    number,
    number,
  ];
  const [data, network] = [textOf(scale, 'data') ?? '', textOf(scale, 'network') ?? ''];
  const cells: Cell[] = [];
  for (const seed of numbersOf(scale, 'seeds'))
    for (const name of wordsOf(scale, 'classes'))
      for (const lambda of numbersOf(scale, 'lambda'))
        for (const model of models)
          cells.push({ settings: { data, class: name, seed, images, lambda, model, iterations, samples, network } });
  return cells;
}

/** R on every grid, from the coarsest up: `distance@7` … `distance`. */
function distances(curves: Measured['curves']): Record<string, number | null> {
  const names = Object.keys(curves).filter((name) => gridOf(name)[0] === 'responseDistance');
  return Object.fromEntries(
    names.map((name) => [name.replace('responseDistance', 'distance'), medianOfLast(curves[name])]),
  );
}

async function runCell({ settings }: Cell, data: Dataset, judge: Judge, bench: Bench): Promise<Measured | null> {
  const [seed, images, lambda] = [Number(settings['seed']), Number(settings['images']), Number(settings['lambda'])];
  const [model, iterations] = [settings['model'] as GridModel, Number(settings['iterations'])];
  const config = resolveConfig(
    { data: settings['data'], model, batchSize: images, iterations, optimizer: { learningRate: lambda } },
    data,
  );
  if (!inFamily(config, 'descriptive')) throw new TypeError('m-gcn and wm-gcn are descriptive models.');
  const label = `${model} on ${data.name}, λ ${lambda}, seed ${seed}`;
  const result = await runOnBatches({ label, model, options: config, data, images, iterations, seed, judge }, bench);
  if (result === null) return null;
  const { curves, stopped, pictures, measures } = result;
  return { measures: { ...distances(curves), ...measures }, curves, note: stopped, pictures };
}

/** `grid 7: 0.0043 · grid 28: 0.012`, from the coarsest up; the finest has no height of its own in the measures. */
function distanceText(measures: CellResult['measures']): string {
  const known = Object.keys(measures).filter((name) => gridOf(name)[0] === 'distance');
  const ordered = known.toSorted((a, b) => (gridOf(a)[1] ?? Infinity) - (gridOf(b)[1] ?? Infinity));
  return ordered
    .map(
      (name) =>
        `${gridOf(name)[1] === null ? 'finest' : `${gridOf(name)[1]} px`}: ${numberText(measures[name] ?? null)}`,
    )
    .join(' · ');
}

function nameOf({ settings }: CellResult): string {
  return `${settings['data']}, ${settings['class']}`;
}

function runsTable(results: readonly CellResult[]): ReportTable {
  const rows = results.map((result) => {
    const { settings, measures, note, seconds } = result;
    return [
      `${nameOf(result)}, seed ${settings['seed']}, λ ${settings['lambda']}, ${settings['iterations']} iterations`,
      String(settings['model']),
      distanceText(measures),
      numberText(measures['fid'] ?? null),
      numberText(measures['kid'] ?? null),
      measures['score'] === undefined
        ? '–'
        : `${numberText(measures['score'])} of ${numberText(measures['realScore'] ?? null)}`,
      `${seconds.toFixed(0)} s`,
      note,
    ];
  });
  return {
    title: 'R on every grid, FID, KID, score',
    rows: [
      ['data', 'model', `R, median of the last ${LAST}`, 'FID', 'KID', 'score, of real images', 'time', ''],
      ...rows,
    ],
    note:
      'FID, KID and score are of new samples against held-out images of the same class, by the features of a classifier trained here on all classes: they compare with each ' +
      'other, not with published numbers. Filters are learned and differ from run to run, so R says how close particles come to data in the eyes of their own model.',
  };
}

/** KL against JKO over seeds, by data and class. */
function summaryTable(results: readonly CellResult[], models: readonly string[]): ReportTable {
  const names = [...new Set(results.map(nameOf))];
  const text = (name: string, model: string): string => {
    const runs = results.filter((result) => nameOf(result) === name && result.settings['model'] === model);
    return runs.length === 0 ? 'not run' : spreadText(runs.map(({ measures }) => measures['fid'] ?? null));
  };
  const row = (name: string): string[] => [name, ...models.map((model) => text(name, model))];
  return {
    title: 'FID, mean ± standard deviation over seeds',
    rows: [['data', ...models], ...names.map(row)],
    note: 'Lower is better. m-gcn learns by maximum likelihood (KL), wm-gcn by the JKO flow, at equally many iterations.',
  };
}

function findings(results: readonly CellResult[], scale: Scale, picture: (path: string) => string): Findings {
  return {
    lead: 'A potential per grid, from the coarsest up; the particles of a grid start at the up-scaled ones of the grid before, those of the coarsest at mean colours with noise.',
    tables: [summaryTable(results, wordsOf(scale, 'models')), runsTable(results)],
    figures: [
      ...pictureFigures(
        results,
        ['data', 'samples', 'film'],
        'New samples, none picked; films show the particles from the first iteration to the last.',
        picture,
      ),
      ...curveFigures(results),
    ],
  };
}

/** Multi-grid models with learned filters, KL against JKO (generalised GCN, section 4.2). */
export const multigrid: Experiment = {
  name: 'multigrid',
  title: 'Multi-grid models: KL against JKO',
  summary:
    'M-GCN and wM-GCN on MNIST, or on classes of CIFAR-10: R of every grid and FID (generalised GCN, section 4.2)',
  options: {
    data: LABELLED_DATA,
    classes: {
      kind: 'words',
      meaning: 'classes to learn, each by itself; all is the whole of the data',
      standard: WHOLE,
    },
    models: { kind: 'words', meaning: 'm-gcn, wm-gcn', standard: 'm-gcn,wm-gcn' },
    seeds: seedsOption('1'),
    images: { kind: 'whole number', meaning: 'images of a batch, and particles', standard: '100' },
    lambda: { kind: 'numbers', meaning: 'learning rates λ (Adam)', standard: '0.003' },
    iterations: { kind: 'whole number', meaning: 'outer iterations', standard: '500' },
    ...SCORED,
  },
  examples: [
    'brownian reproduce multigrid',
    'brownian reproduce multigrid --data cifar-10 --classes horse,ship,automobile --iterations 400',
  ],
  plan,
  async open(scale, bench) {
    const name = textOf(scale, 'data') ?? '';
    const place = name === 'cifar-10' ? dataPlace(null, name, 'cifar10') : name;
    const whole = await openData(place, { limit: null, seed: 1 });
    const judge = await openJudge(bench, comparisonOf(place, scale));
    return async (cell) => {
      const chosen = String(cell.settings['class']);
      if (chosen === WHOLE) return await runCell(cell, whole, judge(), bench);
      const choose = (data: Dataset): Promise<Dataset> => classOf(data, chosen);
      return await runCell(cell, await choose(whole), judge(choose), bench);
    };
  },
  findings,
};
