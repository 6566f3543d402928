import { resolveConfig } from '../config/settings.ts';
import { openData } from '../data/open.ts';
import { parseTimed } from './contenders.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, Scale } from './experiment.ts';
import { pictureFigures } from './figures.ts';
import { type Judge, openJudge } from './judge.ts';
import { flowEvaluations, runModel } from './model-run.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { numberText } from './text.ts';

const MODELS = ['vapo', 'wgcn', 'gcn'] as const;

function plan(scale: Scale): Cell[] {
  const models = wordsOf(scale, 'models');
  models.forEach((text) => parseTimed('models', text, MODELS));
  const [looks, samples, images] = [numberOf(scale, 'looks'), numberOf(scale, 'samples'), numberOf(scale, 'images')];
  const [data, network] = [textOf(scale, 'data') ?? '', textOf(scale, 'network') ?? ''];
  return numbersOf(scale, 'seeds').flatMap((seed) =>
    models.map((model) => ({ settings: { data, seed, model, images, samples, looks, network } })),
  );
}

async function runCell({ settings }: Cell, judge: Judge, bench: Bench): Promise<Measured | null> {
  const { model, iterations } = parseTimed('models', String(settings['model']), MODELS);
  const name = String(settings['data']);
  const data = await openData(name, { limit: Number(settings['images']), seed: 1 });
  const config = resolveConfig({ data: name, model, iterations, seed: settings['seed'] }, data);
  const count = Number(settings['looks']);
  const looks = Array.from({ length: count }, (_, i) => Math.round(((i + 1) * iterations) / count));
  const seen: { iteration: number; measures: Measured['measures']; pictures: Measured['pictures'] }[] = [];
  const label = `${settings['model']} on ${data.name}`;
  const run = await runModel(bench, { label, config, data }, looks, async (at, iteration) => {
    seen.push({ iteration, ...(await judge({ learner: at.learner, state: at.state, stream: at.stream })) });
  });
  if (run === null) return null;
  const evaluations = await flowEvaluations(bench.runtime, config, data.itemShape, run, 100);
  await run.learner.dispose();
  const last = seen.at(-1);
  return {
    measures: {
      ...last?.measures,
      ...Object.fromEntries(seen.map(({ iteration, measures }) => [`fid@${iteration}`, measures['fid'] ?? null])),
      seconds: run.seconds,
      step: (1000 * run.seconds) / iterations,
      evaluations,
      memory: process.memoryUsage().rss / 2 ** 20,
    },
    curves: run.curves,
    note: '',
    pictures: last?.pictures ?? [],
  };
}

const SHOWN: readonly (readonly [title: string, name: string])[] = [
  ['score (higher is better)', 'score'],
  ['FID (lower is better)', 'fid'],
  ['KID', 'kid'],
  ['training, s', 'seconds'],
  ['a step, ms', 'step'],
  ['evaluations', 'evaluations'],
  ['memory of the process, MB', 'memory'],
];

/** FID after a share of the training, from the measures of a cell. */
function fidRow({ settings, measures }: CellResult): string[] {
  const looks = Object.keys(measures).filter((name) => name.startsWith('fid@'));
  return [
    `${settings['model']}, seed ${settings['seed']}`,
    looks.map((name) => `${name.slice(4)}: ${numberText(measures[name] ?? null)}`).join(' · '),
  ];
}

function findings(results: readonly CellResult[], scale: Scale, picture: (path: string) => string): Findings {
  const network = textOf(scale, 'network');
  return {
    lead: `Images of ${textOf(scale, 'data')} (at most ${numberOf(scale, 'images').toLocaleString('en-US')}), each model with its default settings and the iterations in its name; scored by ${network}.`,
    tables: [
      {
        title: 'Samples and what they cost',
        rows: [
          ['model@iterations, seed', ...SHOWN.map(([title]) => title)],
          ...results.map(({ settings, measures }) => [
            `${settings['model']}, seed ${settings['seed']}`,
            ...SHOWN.map(([, name]) => numberText(measures[name] ?? null)),
          ]),
        ],
        note: `${numberOf(scale, 'samples')} samples; the same score of as many real test images is ${numberText(results[0]?.measures['realScore'] ?? null)}. Memory is of the whole process, which the first cell of a sitting fills least. Other programs on the machine change the times.`,
      },
      { title: 'FID while it learns', rows: [['model', 'iterations: FID'], ...results.map(fidRow)], note: '' },
    ],
    figures: pictureFigures(results, ['', 'samples'], 'New samples; none was picked.', picture),
  };
}

/** VAPO on images beside models that learn from Langevin chains: score, FID, time, memory. */
export const vapoImages: Experiment = {
  name: 'vapo-images',
  title: 'VAPO on images',
  summary:
    'score and FID beside wGCN, evaluations per sample, time of a step, memory; FID as training goes on (VAPO, Tables 1 and 2)',
  options: {
    data: { kind: 'text', meaning: 'images that brownian train takes', standard: 'mnist' },
    models: { kind: 'words', meaning: 'vapo, wgcn and gcn with their iterations', standard: 'vapo@6000,wgcn@500' },
    seeds: { kind: 'numbers', meaning: 'seeds of parameters, batches and noise', standard: '1' },
    images: { kind: 'whole number', meaning: 'images to learn from, at most', standard: '60000' },
    samples: { kind: 'whole number', meaning: 'new samples that are scored, and test images', standard: '1000' },
    looks: { kind: 'whole number', meaning: 'times that FID is measured, evenly over the training', standard: '3' },
    network: {
      kind: 'text',
      meaning: 'what scores: classifier (trained once on the data), or an .onnx network',
      standard: 'classifier',
    },
  },
  examples: [
    'brownian reproduce vapo-images',
    'brownian reproduce vapo-images --data cifar-10 --images 10000 --models vapo@10000 --looks 6 --network ./inception.onnx',
  ],
  plan,
  async open(scale, bench) {
    const [data, network] = [textOf(scale, 'data') ?? '', textOf(scale, 'network') ?? ''];
    const judge = await openJudge(bench, { data, samples: numberOf(scale, 'samples'), network });
    return (cell) => runCell(cell, judge(), bench);
  },
  findings,
};
