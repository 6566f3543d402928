import { MODELS, type ModelName } from 'brownian';
import { dataOptions, mergeSettings, resolveConfig } from '../config/settings.ts';
import { openData } from '../data/open.ts';
import { budgetOf, entrySettings, parseEntry, timedOptions } from './budget.ts';
import { CHANGED, changedSettings, keptSettings, settingsText } from './changes.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, Scale } from './experiment.ts';
import { pictureFigures } from './figures.ts';
import { flowEvaluations } from './flow-evaluations.ts';
import { type Judge, type Judgement, openJudge } from './judge.ts';
import { type Numbers, runLookedTrial } from './looked-trial.ts';
import { peakMemory } from './measures.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { numberText } from './text.ts';

const NAMES = Object.keys(MODELS) as ModelName[];

function modelsIn(scale: Scale): ModelName[] {
  return wordsOf(scale, 'models').map((text) => parseEntry('models', text, NAMES).name);
}

function plan(scale: Scale): Cell[] {
  const entries = wordsOf(scale, 'models').map((text) => [text, parseEntry('models', text, NAMES)] as const);
  const [looks, samples, images] = [numberOf(scale, 'looks'), numberOf(scale, 'samples'), numberOf(scale, 'images')];
  const [data, network] = [textOf(scale, 'data') ?? '', textOf(scale, 'network') ?? ''];
  changedSettings(textOf(scale, 'settings'), modelsIn(scale));
  const kept = keptSettings(scale);
  return numbersOf(scale, 'seeds').flatMap((seed) =>
    entries.map(([model, entry]) => ({
      settings: { data, seed, model, images, samples, looks, network, ...kept, ...entrySettings(entry, scale) },
    })),
  );
}

async function runCell(cell: Cell, judge: Judge, bench: Bench): Promise<Measured | null> {
  const { settings } = cell;
  const seed = Number(settings['seed']);
  const entry = parseEntry('models', String(settings['model']), NAMES);
  const name = String(settings['data']);
  const changed = changedSettings(settings['settings'], [entry.name]);
  const { images } = dataOptions(changed);
  const data = await openData(name, { limit: Number(settings['images']), seed: 1, images });
  let seen: Judgement = { measures: {}, pictures: [] };
  let memory: number | undefined;
  return await runLookedTrial(
    {
      label: `${settings['model']} on ${data.name}, seed ${seed}`,
      config: (iterations) =>
        resolveConfig(mergeSettings({ data: name, model: entry.name, iterations, seed }, changed), data),
      data,
      seed,
      budget: budgetOf(entry, cell),
      looks: Number(settings['looks']),
      look: async (at): Promise<Numbers> => {
        // Scoring takes memory of its own, so that of training is what was held before the first one.
        memory ??= peakMemory();
        seen = await judge(at);
        const evaluations = await flowEvaluations(bench.runtime, at, data.itemShape, 100);
        return { ...seen.measures, evaluations, memory };
      },
      draw: () => Promise.resolve(seen.pictures),
    },
    bench,
  );
}

const SHOWN: readonly (readonly [title: string, name: string])[] = [
  ['score (higher is better)', 'score'],
  ['FID (lower is better)', 'fid'],
  ['KID', 'kid'],
  ['iterations', 'iterations'],
  ['training, s', 'trainingSeconds'],
  ['a step, ms', 'step'],
  ['evaluations', 'evaluations'],
  ['memory of the process, MB', 'memory'],
];

/** FID at the looks of a training. */
function fidRow({ settings, curves }: CellResult): string[] {
  const fids = curves['fid'] ?? [];
  return [
    `${settings['model']}, seed ${settings['seed']}`,
    fids.map((fid, i) => `${curves['iteration']?.[i]}: ${numberText(fid)}`).join(' · '),
  ];
}

function findings(results: readonly CellResult[], scale: Scale, picture: (path: string) => string): Findings {
  const network = textOf(scale, 'network');
  return {
    lead: `Images of ${textOf(scale, 'data')} (at most ${numberOf(scale, 'images').toLocaleString('en-US')}), each model with ${settingsText(scale)}, for the same time or for the iterations in its name; scored by ${network}.`,
    tables: [
      {
        title: 'Samples and what they cost',
        rows: [
          ['model, seed', ...SHOWN.map(([title]) => title)],
          ...results.map(({ settings, measures }) => [
            `${settings['model']}, seed ${settings['seed']}`,
            ...SHOWN.map(([, name]) => numberText(measures[name] ?? null)),
          ]),
        ],
        note: `${numberOf(scale, 'samples')} samples; the same score of as many real test images is ${numberText(results[0]?.measures['realScore'] ?? null)}. Memory is the most that the process held while it trained, with the data in it: run one model at a time to compare it. Other programs on the machine change the times.`,
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
    'score and FID beside wGCN and GGCN*, evaluations per sample, time of a step, memory; FID as training goes on (VAPO, Tables 1 and 2)',
  options: {
    data: { kind: 'text', meaning: 'images that brownian train takes', standard: 'mnist' },
    models: {
      kind: 'words',
      meaning: 'models; with @ and iterations of its own, or for the time of all',
      standard: 'vapo,wgcn,ggcn-star',
    },
    seeds: { kind: 'numbers', meaning: 'seeds of parameters, batches and noise', standard: '1' },
    images: { kind: 'whole number', meaning: 'images to learn from, at most', standard: '60000' },
    samples: { kind: 'whole number', meaning: 'new samples that are scored, and test images', standard: '1000' },
    ...timedOptions('1200'),
    settings: CHANGED,
    looks: { kind: 'whole number', meaning: 'times that FID is measured, evenly over the training', standard: '4' },
    network: {
      kind: 'text',
      meaning: 'what scores: classifier (trained once on the data), or an .onnx network',
      standard: 'classifier',
    },
  },
  examples: [
    'brownian reproduce vapo-images',
    'brownian reproduce vapo-images --data cifar-10 --images 10000 --models vapo --seconds 3600 --looks 6 --network ./inception.onnx',
    'brownian reproduce vapo-images --models vapo --settings "potential.net=wide-resnet optimizer.rule=lamb"',
  ],
  plan,
  async open(scale, bench) {
    const [data, network] = [textOf(scale, 'data') ?? '', textOf(scale, 'network') ?? ''];
    const { images: trained } = dataOptions(changedSettings(textOf(scale, 'settings'), modelsIn(scale)));
    // What is compared with new samples is not changed by chance.
    const images = { ...trained, flip: false, dequantise: false };
    const judge = await openJudge(bench, { data, samples: numberOf(scale, 'samples'), network, images });
    return (cell) => runCell(cell, judge(), bench);
  },
  findings,
};
