import type { ModelName } from 'brownian';
import type { RunConfig } from '../config/run-config.ts';
import { mergeSettings, resolveConfig } from '../config/settings.ts';
import { clockOf, timeOf, timeSettings, timedOptions } from './budget.ts';
import type { Cell, CellResult, Experiment, Findings, ReportTable, Scale } from './experiment.ts';
import { pictureFigures } from './figures.ts';
import { openImages } from './judge.ts';
import { runJudgedTrial } from './judged-trial.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { LABELLED_DATA, SCORED, seedsOption } from './shared-options.ts';
import { numberText, spreadText } from './text.ts';
import { VARIANT_NAMES, parseVariant } from './variants.ts';

/** The ten models of Table 1, and what they are compared with. */
const TABLE: readonly ModelName[] = [
  'pgcn',
  'w-pgcn',
  'gcn',
  'wgcn',
  'm-gcn',
  'wm-gcn',
  'ggcn-minus',
  'ggcn-minus-star',
  'ggcn',
  'ggcn-star',
  'dcgan',
  'coop',
];

function plan(scale: Scale): Cell[] {
  const contenders = wordsOf(scale, 'models');
  contenders.forEach(parseVariant);
  const facts = {
    data: textOf(scale, 'data') ?? '',
    ...timeSettings(scale),
    samples: numberOf(scale, 'samples'),
    network: textOf(scale, 'network') ?? '',
  };
  // Seed by seed, so that an unfinished table compares equally many runs of each.
  return numbersOf(scale, 'seeds').flatMap((seed) =>
    contenders.map((model) => ({ settings: { ...facts, seed, model } })),
  );
}

function configOf({ settings }: Cell, data: Parameters<typeof resolveConfig>[1]): (iterations: number) => RunConfig {
  const { model, changes } = parseVariant(String(settings['model']));
  return (iterations) =>
    resolveConfig(mergeSettings({ data: settings['data'], model, iterations, seed: settings['seed'] }, changes), data);
}

/** What the table shows of a run: its name there, and in its measures. */
const SHOWN: readonly (readonly [title: string, name: string])[] = [
  ['Inception-type score', 'score'],
  ['FID', 'fid'],
  ['iterations', 'iterations'],
  ['s per iteration', 'secondsPerIteration'],
  ['s per 1,000 samples', 'secondsPerThousand'],
];

function runsOf(results: readonly CellResult[], model: string): readonly CellResult[] {
  return results.filter(({ settings }) => settings['model'] === model);
}

function modelTable(results: readonly CellResult[], models: readonly string[]): ReportTable {
  const real = results.find(({ measures }) => measures['realScore'] !== undefined)?.measures['realScore'] ?? null;
  return {
    title: 'Models in equal time: mean ± standard deviation over seeds',
    rows: [
      ['model', 'runs', ...SHOWN.map(([title]) => title), 'broke off'],
      ...models.map((model) => {
        const runs = runsOf(results, model);
        const columns = SHOWN.map(([, name]) => spreadText(runs.map(({ measures }) => measures[name] ?? null)));
        const broken = runs.filter(({ note }) => note !== '').length;
        return [model, runs.length === 0 ? 'not run' : String(runs.length), ...columns, String(broken)];
      }),
    ],
    note: `Score: higher is better; of as many real test images it is ${numberText(real)}. FID: lower is better. Both by the network "${results[0]?.settings['network'] ?? ''}", against test images.`,
  };
}

/** Pairs of models that one switch of Table 1 tells apart, off and on. */
const SWITCHES: readonly (readonly [name: string, off: string, on: string])[] = [
  ['LCN (learned filters)', 'pgcn', 'gcn'],
  ['LCN', 'w-pgcn', 'wgcn'],
  ['JKO', 'pgcn', 'w-pgcn'],
  ['JKO', 'gcn', 'wgcn'],
  ['JKO', 'm-gcn', 'wm-gcn'],
  ['JKO', 'ggcn-star/kl', 'ggcn-star'],
  ['MS (grids)', 'gcn', 'm-gcn'],
  ['MS', 'wgcn', 'wm-gcn'],
  ['NLU and HS (generator)', 'wgcn', 'ggcn-minus'],
  ['NLU (nonlinear generator)', 'ggcn-minus/linear', 'ggcn-minus'],
  ['HS (Gaussian hidden space)', 'ggcn-minus/thumbnails', 'ggcn-minus'],
  ['AMS (amortised)', 'ggcn-minus', 'ggcn-minus-star'],
  ['AMS', 'ggcn', 'ggcn-star'],
  ['LHS (learned hidden space)', 'ggcn-minus', 'ggcn'],
  ['LHS', 'ggcn-minus-star', 'ggcn-star'],
];

const MEASURED = ['score', 'fid', 'secondsPerIteration'] as const;

function switchTable(results: readonly CellResult[]): ReportTable {
  const valueOf = (model: string, seed: unknown, name: string): number | null =>
    runsOf(results, model).find(({ settings }) => settings['seed'] === seed)?.measures[name] ?? null;
  const seeds = [...new Set(results.map(({ settings }) => settings['seed']))];
  // Seed by seed: the difference of two runs of one seed.
  const effect = (off: string, on: string, name: string): string =>
    spreadText(
      seeds.flatMap((seed) => {
        const [before, after] = [valueOf(off, seed, name), valueOf(on, seed, name)];
        return before === null || after === null ? [] : [after - before];
      }),
    );
  return {
    title: 'What each switch of Table 1 changes: on less off',
    rows: [
      ['switch', 'off', 'on', 'change of score', 'change of FID', 'change of s per iteration'],
      ...SWITCHES.map(([name, off, on]) => [name, off, on].concat(MEASURED.map((measure) => effect(off, on, measure)))),
    ],
    note: 'Mean ± standard deviation of the differences between runs of the same seed. A score that rises and an FID that falls are for the better.',
  };
}

function findings(results: readonly CellResult[], scale: Scale, picture: (path: string) => string): Findings {
  return {
    lead:
      'Every model of Table 1 at its defaults, each trained for the same time on the same machine, and scored on new samples by the same network. ' +
      'The first iterations, which compile, are not counted.',
    tables: [modelTable(results, wordsOf(scale, 'models')), switchTable(results)],
    figures: pictureFigures(results, ['samples', 'particles'], 'New samples; none was picked.', picture),
  };
}

/** All models of generalised GCN in equal time, and what each of its switches does (Tables 1 and 2). */
export const ggcnTable2: Experiment = {
  name: 'ggcn-table2',
  title: 'The models of generalised GCN in equal time',
  summary:
    'every model on MNIST for the same time: score, FID, speed, and the effect of each switch (generalised GCN, Tables 1 and 2)',
  options: {
    data: LABELLED_DATA,
    models: {
      kind: 'words',
      meaning: `models; behind a slash a change: ${VARIANT_NAMES.join(', ')}`,
      standard: [...TABLE, 'ggcn-minus/thumbnails', 'ggcn-minus/linear', 'ggcn-star/kl'].join(','),
    },
    seeds: seedsOption('1,2'),
    ...timedOptions('180'),
    ...SCORED,
  },
  examples: [
    'brownian reproduce ggcn-table2',
    'brownian reproduce ggcn-table2 --models wgcn,ggcn,ggcn-star --seconds 60 --seeds 1',
  ],
  plan,
  async open(scale, bench) {
    const samples = numberOf(scale, 'samples');
    const { data, judge } = await openImages(textOf(scale, 'data') ?? '', scale, bench);
    // What does not go together is said before the first of many minutes.
    for (const cell of plan(scale)) configOf(cell, data)(1);
    return (cell) => {
      const { settings } = cell;
      const trial = {
        label: `${settings['model']}, seed ${settings['seed']}`,
        config: configOf(cell, data),
        data,
        budget: timeOf(cell),
        clock: clockOf(cell),
        seed: Number(settings['seed']),
        judge,
        samples,
      };
      return runJudgedTrial(trial, bench);
    };
  },
  findings,
};
