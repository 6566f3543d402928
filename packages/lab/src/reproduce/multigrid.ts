import { createStream } from '@brownian/runtime';
import { type Dataset, batchIndices } from 'brownian';
import { inFamily } from '../config/run-config.ts';
import { resolveConfig } from '../config/settings.ts';
import { openData } from '../data/open.ts';
import { UserError } from '../errors.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, Scale } from './experiment.ts';
import { curveFigures, pictureFigures } from './figures.ts';
import { LAST, stabilityOf } from './measures.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { numberText } from './text.ts';
import { runTrial } from './trial.ts';

const NAMES = ['m-gcn', 'wm-gcn'] as const;
type GridModel = (typeof NAMES)[number];

function isGridModel(name: string): name is GridModel {
  return (NAMES as readonly string[]).includes(name);
}

function plan(scale: Scale): Cell[] {
  const models = wordsOf(scale, 'models');
  const wrong = models.find((name) => !isGridModel(name));
  if (wrong !== undefined)
    throw new UserError(`--models has ${JSON.stringify(wrong)}; it takes ${NAMES.join(' and ')}.`, { exitCode: 2 });
  const [images, iterations] = [numberOf(scale, 'images'), numberOf(scale, 'iterations')];
  const data = textOf(scale, 'data') ?? '';
  const cells: Cell[] = [];
  for (const seed of numbersOf(scale, 'seeds'))
    for (const lambda of numbersOf(scale, 'lambda'))
      for (const model of models) cells.push({ settings: { data, seed, images, lambda, model, iterations } });
  return cells;
}

async function runCell({ settings }: Cell, data: Dataset, bench: Bench): Promise<Measured | null> {
  const [seed, images, lambda] = [Number(settings['seed']), Number(settings['images']), Number(settings['lambda'])];
  const [model, iterations] = [settings['model'] as GridModel, Number(settings['iterations'])];
  const config = resolveConfig(
    { data: settings['data'], model, batchSize: images, iterations, optimizer: { learningRate: lambda } },
    data,
  );
  if (!inFamily(config, 'descriptive')) throw new TypeError('m-gcn and wm-gcn are descriptive models.');
  const order = batchIndices(createStream(seed).split('order'), data.size, images);
  const result = await runTrial(
    {
      label: `${model}, λ ${lambda}, seed ${seed}`,
      model,
      options: config,
      batch: await data.batch(order.indicesAt(0)),
      batchAt: (iteration) => data.batch(order.indicesAt(iteration)),
      iterations,
      seed,
      columns: Math.ceil(Math.sqrt(images)),
    },
    bench,
  );
  if (result === null) return null;
  const { curves, stopped, pictures } = result;
  return { measures: { ...stabilityOf(result) }, curves, note: stopped, pictures };
}

function findings(results: readonly CellResult[], _: Scale, picture: (path: string) => string): Findings {
  const rows = results.map(({ settings, measures, note, seconds }) => [
    `${settings['model']}, λ ${settings['lambda']}, seed ${settings['seed']}`,
    numberText(measures['finalDistance'] ?? null),
    numberText(measures['worstDistance'] ?? null),
    `${seconds.toFixed(0)} s`,
    note,
  ]);
  return {
    lead: 'A potential per grid, from the coarsest up; the particles of a grid start at the up-scaled ones of the grid before.',
    tables: [
      {
        title: 'Response distance on the finest grid',
        rows: [['model', 'final R', `worst R of the last ${LAST}`, 'time', ''], ...rows],
        note: 'The filters are learned and differ from run to run, so R says how close particles come to data in the eyes of their own model; it does not compare models.',
      },
    ],
    figures: [
      ...pictureFigures(results, ['data', 'film'], 'Particles from the first iteration to the last.', picture),
      ...curveFigures(results),
    ],
  };
}

/** Multi-grid models with learned filters, KL against JKO (generalised GCN, section 4.2). */
export const multigrid: Experiment = {
  name: 'multigrid',
  title: 'Multi-grid models: KL against JKO',
  summary: 'M-GCN and wM-GCN on MNIST for a few iterations (generalised GCN, section 4.2)',
  options: {
    data: { kind: 'text', meaning: 'what brownian train takes', standard: 'mnist' },
    models: { kind: 'words', meaning: 'm-gcn, wm-gcn', standard: 'm-gcn,wm-gcn' },
    seeds: { kind: 'numbers', meaning: 'seeds of parameters, batches and noise', standard: '1' },
    images: { kind: 'whole number', meaning: 'images of a batch, and particles', standard: '100' },
    lambda: { kind: 'numbers', meaning: 'learning rates λ (Adam)', standard: '0.003' },
    iterations: { kind: 'whole number', meaning: 'outer iterations', standard: '120' },
  },
  examples: [
    'brownian reproduce multigrid',
    'brownian reproduce multigrid --data cifar-10 --iterations 500 --seeds 1,2,3',
  ],
  plan,
  async open(scale, bench) {
    const data = await openData(textOf(scale, 'data') ?? '', { limit: null, seed: 1 });
    return (cell) => runCell(cell, data, bench);
  },
  findings,
};
