import { createStream } from '@brownian/runtime';
import type { Dataset } from 'brownian';
import { resolveConfig } from '../config/settings.ts';
import { IMAGE_DEFAULTS } from '../config/schema.ts';
import { openData } from '../data/open.ts';
import { histogramSvg, rocSvg } from '../report/detection.ts';
import { COLORS } from '../report/colors.ts';
import { silently } from '../scoring/collect.ts';
import { datasetItems } from '../scoring/items.ts';
import { openPart } from '../scoring/reference.ts';
import { type Detection, type DetectionScore, type DetectionSet, detect, interpolatedItems } from '../tasks/detect.ts';
import sharp from 'sharp';
import { budgetOf, entrySettings, parseEntry, timedOptions } from './budget.ts';
import { thin } from './curves.ts';
import type { Bench, Cell, CellPicture, CellResult, Experiment, Findings, Measured, Scale } from './experiment.ts';
import { pictureFigures } from './figures.ts';
import { numberOf, textOf, wordsOf } from './options.ts';
import { numberText } from './text.ts';
import { type ModelAt, train } from './training.ts';

const MODELS = ['vapo', 'wgcn', 'gcn'] as const;
const SCORES: readonly DetectionScore[] = ['potential', 'typicality'];

/** Table 3 of the paper: a model of CIFAR-10 against other images. */
const PAPER = 'VAPO of the paper on CIFAR-10: interpolated 0.78, CIFAR-100 0.50, SVHN 0.61.';

function plan(scale: Scale): Cell[] {
  const entries = wordsOf(scale, 'models').map((text) => [text, parseEntry('models', text, MODELS)] as const);
  const [data, against] = [textOf(scale, 'data') ?? '', wordsOf(scale, 'against').join(' ')];
  const [images, items] = [numberOf(scale, 'images'), numberOf(scale, 'items')];
  return entries.map(([model, entry]) => ({
    settings: { data, model, against, images, items, ...entrySettings(entry, scale) },
  }));
}

async function openSets(settings: Cell['settings'], data: Dataset): Promise<DetectionSet[]> {
  const choose = createStream(1).split('ood');
  const items = (of: Dataset, name: string): DetectionSet['items'] => ({
    ...datasetItems(of, Math.min(Number(settings['items']), of.size), choose.split(name)),
    name,
  });
  const [channels, height] = data.itemShape as readonly [number, number];
  const images = { ...IMAGE_DEFAULTS, size: height, color: channels === 1 ? ('grey' as const) : ('rgb' as const) };
  const own = String(settings['data']);
  const [held] = await openPart(own, { limit: null, seed: 1 }, undefined);
  const like = items(held, own);
  const sets: DetectionSet[] = [
    { role: 'train', items: items(data, own) },
    { role: 'in', items: { ...like, name: `${own} (new)` } },
  ];
  for (const name of String(settings['against']).split(' ')) {
    const others =
      name === 'interpolated'
        ? await interpolatedItems(like, choose.split('pairs'))
        : items((await openPart(name, { limit: null, seed: 1, images }, undefined))[0], name.split('/').at(-1) ?? name);
    sets.push({ role: 'out', items: others });
  }
  return sets;
}

async function svgPng(svg: string): Promise<Uint8Array> {
  return await sharp(Buffer.from(svg))
    .flatten({ background: '#ffffff' })
    .png({ compressionLevel: 9, palette: true })
    .toBuffer();
}

async function judge(run: ModelAt, sets: readonly DetectionSet[]): Promise<Pick<Measured, 'measures' | 'pictures'>> {
  const measures: Record<string, number> = {};
  let last: Detection | undefined;
  for (const score of SCORES) {
    const found = await detect(run.learner, run.state, sets, score, silently);
    for (const { name, auroc } of found.separations) measures[`${name} · ${score}`] = auroc;
    last ??= found;
  }
  const { sets: scored, separations } = last as Detection;
  const pictures: CellPicture[] = [
    { name: 'histograms', format: 'png', bytes: await svgPng(histogramSvg(scored)) },
    { name: 'ROC', format: 'png', bytes: await svgPng(rocSvg(separations, COLORS)) },
  ];
  return { measures, pictures };
}

async function runCell(cell: Cell, bench: Bench): Promise<Measured | null> {
  const { settings } = cell;
  const entry = parseEntry('models', String(settings['model']), MODELS);
  const name = String(settings['data']);
  const data = await openData(name, { limit: Number(settings['images']), seed: 1 });
  const end = await train(
    {
      label: String(settings['model']),
      config: (iterations) => resolveConfig({ data: name, model: entry.name, iterations }, data),
      data,
      seed: 1,
      budget: budgetOf(entry, cell),
    },
    bench,
  );
  if (end === null) return null;
  try {
    const curves = thin(end.curves);
    if (end.stopped !== '') return { measures: {}, pictures: [], curves, note: end.stopped };
    return { ...(await judge(end, await openSets(settings, data))), curves, note: '' };
  } finally {
    await end.learner.dispose();
  }
}

function findings(results: readonly CellResult[], scale: Scale, picture: (path: string) => string): Findings {
  const names = [...new Set(results.flatMap(({ measures }) => Object.keys(measures)))];
  return {
    lead: `Models of ${textOf(scale, 'data')} as judges of other data: AUROC, the probability that a new image of the data is found more normal.`,
    tables: [
      {
        title: 'AUROC',
        rows: [
          ['set · score', ...results.map(({ settings }) => String(settings['model']))],
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
  ],
  plan,
  open: (_, bench) => Promise.resolve((cell) => runCell(cell, bench)),
  findings,
};
