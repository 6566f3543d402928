import type { NDArray, Tree } from '@brownian/graph';
import type { Learner } from 'brownian';
import sharp from 'sharp';
import { dataOptions, mergeSettings, resolveConfig } from '../config/settings.ts';
import { openData } from '../data/open.ts';
import { UserError } from '../errors.ts';
import { detectionCharts } from '../report/detection.ts';
import { silently } from '../scoring/collect.ts';
import { type Detection, type DetectionScore, type DetectionSet, detect } from '../tasks/detect.ts';
import { type LearnedFrom, openDetectionSets } from '../tasks/detection-sets.ts';
import { openHeldOut } from '../tasks/images.ts';
import { budgetOf, entrySettings, parseEntry, timedOptions } from './budget.ts';
import { CHANGED, changedSettings, keptSettings, settingsText } from './changes.ts';
import { thin } from './curves.ts';
import type { Bench, Cell, CellPicture, CellResult, Experiment, Findings, Measured, Scale } from './experiment.ts';
import { pictureFigures } from './figures.ts';
import { numberOf, readScale, textOf, wordsOf } from './options.ts';
import { numberText } from './text.ts';
import { newestIteration, openRunAt } from './trained-run.ts';
import { train } from './training.ts';

const MODELS = ['vapo', 'wgcn', 'gcn'] as const;
const SCORES: readonly DetectionScore[] = ['potential', 'typicality'];

/** Table 3 of the paper: a model of CIFAR-10 against other images. */
const PAPER = 'VAPO of the paper on CIFAR-10: interpolated 0.78, CIFAR-100 0.50, SVHN 0.61.';

/** Options of trainings, which a trained run takes none of. */
const TRAINING = ['data', 'models', 'seconds', 'clock', 'images', 'settings'] as const;

function planRun(path: string, scale: Scale, judged: Cell['settings']): Cell[] {
  const standard = readScale(vapoOod, {});
  const given = TRAINING.find((name) => String(scale[name]) !== String(standard[name]));
  if (given !== undefined)
    throw new UserError(`--${given} is for trainings, and --run judges ${path} as it was trained; leave one out.`, {
      exitCode: 2,
    });
  return [{ settings: { run: path, iteration: newestIteration(path), ...judged } }];
}

function plan(scale: Scale): Cell[] {
  const judged = { against: wordsOf(scale, 'against').join(' '), items: numberOf(scale, 'items') };
  const run = textOf(scale, 'run');
  if (run !== null) return planRun(run, scale, judged);
  const entries = wordsOf(scale, 'models').map((text) => [text, parseEntry('models', text, MODELS)] as const);
  changedSettings(
    textOf(scale, 'settings'),
    entries.map(([, { name }]) => name),
  );
  const [data, images, kept] = [textOf(scale, 'data') ?? '', numberOf(scale, 'images'), keptSettings(scale)];
  return entries.map(([model, entry]) => {
    const { against, items } = judged;
    return { settings: { data, model, against, images, items, ...kept, ...entrySettings(entry, scale) } };
  });
}

/** Sets in the words of tables: files and folders by their last name. */
async function openSets({ settings }: Cell, from: LearnedFrom): Promise<readonly DetectionSet[]> {
  const request = {
    out: String(settings['against']).split(' '),
    count: Number(settings['items']),
    seed: 1,
    asRun: false,
  };
  const advice = 'hold some out in training, with --images.test-share (here --settings images.test-share=0.1)';
  await openHeldOut(from, advice);
  const { sets } = await openDetectionSets(from, request);
  return sets.map(({ role, items }) => ({ role, items: { ...items, name: items.name.split('/').at(-1) ?? '' } }));
}

async function svgPng(svg: string): Promise<Uint8Array> {
  return await sharp(Buffer.from(svg))
    .flatten({ background: '#ffffff' })
    .png({ compressionLevel: 9, palette: true })
    .toBuffer();
}

async function judge(
  learner: Learner,
  state: Tree<NDArray>,
  sets: readonly DetectionSet[],
): Promise<Pick<Measured, 'measures' | 'pictures'>> {
  const measures: Record<string, number> = {};
  let last: Detection | undefined;
  for (const score of SCORES) {
    const found = await detect(learner, state, sets, score, silently);
    for (const { name, auroc } of found.separations) measures[`${name} · ${score}`] = auroc;
    last ??= found;
  }
  const { histogram, roc } = detectionCharts(last as Detection);
  const pictures: CellPicture[] = [
    { name: 'histograms', format: 'png', bytes: await svgPng(histogram) },
    ...(roc === null ? [] : [{ name: 'ROC', format: 'png' as const, bytes: await svgPng(roc) }]),
  ];
  return { measures, pictures };
}

async function runTrained(cell: Cell, bench: Bench): Promise<Measured> {
  const { learner, state, from } = await openRunAt(
    String(cell.settings['run']),
    Number(cell.settings['iteration']),
    bench,
  );
  try {
    if (learner.potential === undefined)
      throw new UserError(
        `${learner.name} of ${from.path} has no potential Φ that scores a single item; give another run.`,
      );
    return { ...(await judge(learner, state, await openSets(cell, from))), curves: {}, note: '' };
  } finally {
    await learner.dispose();
  }
}

async function runTraining(cell: Cell, bench: Bench): Promise<Measured | null> {
  const { settings } = cell;
  const label = String(settings['model']);
  const entry = parseEntry('models', label, MODELS);
  const name = String(settings['data']);
  const changed = changedSettings(settings['settings'], [entry.name]);
  const limit = Number(settings['images']);
  const data = await openData(name, { limit, seed: 1, images: dataOptions(changed).images });
  const config = (iterations: number): ReturnType<typeof resolveConfig> =>
    resolveConfig(mergeSettings({ data: name, model: entry.name, limit, iterations }, changed), data);
  // What is missing is said before an hour of training, not after.
  const sets = await openSets(cell, { path: `${label} on ${name}`, config: config(1), itemShape: data.itemShape });
  const end = await train({ label, config, data, seed: 1, budget: budgetOf(entry, cell) }, bench);
  if (end === null) return null;
  try {
    const curves = thin(end.curves);
    if (end.stopped !== '') return { measures: {}, pictures: [], curves, note: end.stopped };
    return { ...(await judge(end.learner, end.state, sets)), curves, note: '' };
  } finally {
    await end.learner.dispose();
  }
}

function findings(results: readonly CellResult[], scale: Scale, picture: (path: string) => string): Findings {
  const run = textOf(scale, 'run');
  const names = [...new Set(results.flatMap(({ measures }) => Object.keys(measures)))];
  return {
    lead: `${run === null ? `Models of ${textOf(scale, 'data')}, with ${settingsText(scale)},` : `The model of ${run}`} as judges of other data: AUROC, the probability that a new image of the data is found more normal.`,
    tables: [
      {
        title: 'AUROC',
        rows: [
          [
            'set · score',
            ...results.map(({ settings }) =>
              String(settings['model'] ?? `${settings['run']}, iteration ${settings['iteration']}`),
            ),
          ],
          ...names.map((name) => [name].concat(results.map(({ measures }) => numberText(measures[name] ?? null)))),
        ],
        note: `Potential: Φ itself; typicality: nearness to the median Φ of data learned from. Data learned from should have 0.5. ${PAPER}`,
      },
    ],
    figures: pictureFigures(results, ['', 'histograms', 'ROC'], 'Histograms of Φ and ROC curves.', picture),
  };
}

/** How well a model's potential tells its data from others (VAPO, Table 3 and Figure 4). */
export const vapoOod: Experiment = {
  name: 'vapo-ood',
  title: 'Telling data from others by Φ',
  summary:
    'AUROC of a model’s potential against other data and mixtures of pairs; training against test data (VAPO, Table 3, Fig. 4)',
  options: {
    data: { kind: 'text', meaning: 'images to learn', standard: 'mnist' },
    models: {
      kind: 'words',
      meaning: 'vapo, wgcn and gcn; with @ and iterations of its own, or for the time of all',
      standard: 'vapo,wgcn',
    },
    ...timedOptions('600'),
    settings: CHANGED,
    run: { kind: 'text', meaning: 'folder of a trained run, which is judged in place of trainings', standard: null },
    against: {
      kind: 'words',
      meaning: 'data to tell apart: names, files or folders, or interpolated',
      standard: 'fashion-mnist,interpolated',
    },
    images: { kind: 'whole number', meaning: 'images to learn from, at most', standard: '60000' },
    items: { kind: 'whole number', meaning: 'items of each set that are scored, at most', standard: '2000' },
  },
  examples: [
    'brownian reproduce vapo-ood',
    'brownian reproduce vapo-ood --data cifar-10 --images 10000 --models vapo --seconds 3600 --against cifar-100,interpolated,./textures',
    'brownian reproduce vapo-ood --run runs/cifar-10-vapo-1 --against cifar-100,interpolated',
  ],
  plan,
  open: (_, bench) =>
    Promise.resolve((cell) => ('run' in cell.settings ? runTrained(cell, bench) : runTraining(cell, bench))),
  findings,
};
