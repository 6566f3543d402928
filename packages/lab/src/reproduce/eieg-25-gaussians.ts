import type { NDArray } from '@brownian/graph';
import { type ModelName, type Modes, TOY_DISTRIBUTIONS, modeCoverage, modeSpreads } from 'brownian';
import { openData } from '../data/open.ts';
import { filmOfPages } from '../images/film.ts';
import { densityPng } from '../images/plane.ts';
import { scatterPng } from '../images/scatter.ts';
import { type Settings, mergeSettings, resolveConfig } from '../config/settings.ts';
import { budgetOf, entrySettings, parseEntry, timedOptions } from './budget.ts';
import type { Markup } from '../report/html.ts';
import type {
  Bench,
  Cell,
  CellPicture,
  CellResult,
  Experiment,
  Findings,
  Measured,
  ReportTable,
  Scale,
} from './experiment.ts';
import { galleryFigure, looksFigure, shownFigures } from './generator-figures.ts';
import { type Numbers, runLookedTrial } from './looked-trial.ts';
import { numbersOf, wordsOf } from './options.ts';
import { numberText, spreadText } from './text.ts';
import type { ModelAt } from './training.ts';

/** A model, and what sets it apart from the preset. */
interface Contender {
  readonly model: ModelName<'adversarial'>;
  readonly settings: Settings;
}

/** The models of the paper's Fig. 8 with the paper's net (appendix D), and the plain elastic generator with the net that it has by default. */
const CONTENDERS: Readonly<Record<string, Contender>> = {
  eieg: {
    model: 'eieg',
    settings: { generator: { widths: [100, 50], activation: 'leakyRelu' }, optimizer: { learningRate: 1e-2 } },
  },
  'eieg-deep': { model: 'eieg', settings: {} },
  'eieg-gan': { model: 'eieg-gan', settings: {} },
  gan: { model: 'gan', settings: {} },
  'wgan-gp': { model: 'wgan-gp', settings: {} },
  'mmd-gan': { model: 'mmd-gan', settings: {} },
};
const NAMES = Object.keys(CONTENDERS);

const TOY = TOY_DISTRIBUTIONS['25-gaussians'];
const MODES = TOY.modes as Modes;
const WINDOW = { center: [0, 0], reach: 2.6 } as const;
const SAMPLES = 10_000;
/** Samples near a mode that make it covered. */
const ENOUGH = 20;
const LOOKS = 20;

function plan(scale: Scale): Cell[] {
  const entries = wordsOf(scale, 'models').map((text) => [text, parseEntry('models', text, NAMES)] as const);
  return numbersOf(scale, 'seeds').flatMap((seed) =>
    entries.map(([model, entry]) => ({ settings: { model, seed, ...entrySettings(entry, scale) } })),
  );
}

/** Modes and quality of samples, by the names that the charts have. */
export function coverageOf(samples: NDArray): Numbers {
  const { counts, share } = modeCoverage(samples, MODES);
  const { spreads } = modeSpreads(samples, MODES);
  return {
    'modes covered': counts.filter((count) => count >= ENOUGH).length,
    'share within 3 std': share,
    'spread of modes': spreads.reduce((sum, spread) => sum + spread, 0) / spreads.length / MODES.std,
  };
}

async function look({ learner, state, stream }: ModelAt): Promise<Numbers> {
  return coverageOf(await learner.sample(state, SAMPLES, stream));
}

async function draw({ learner, state, stream }: ModelAt, frames: readonly NDArray[]): Promise<CellPicture[]> {
  const samples = await learner.sample(state, SAMPLES, stream.split('pictures'));
  const few: NDArray = { dtype: 'float32', shape: [2000, 2], data: (samples.data as Float32Array).slice(0, 4000) };
  const data = TOY.sample(stream.split('data'), 500);
  return [
    { name: 'samples', format: 'png', bytes: await scatterPng(few, data, WINDOW) },
    { name: 'density', format: 'png', bytes: await densityPng(samples, WINDOW, 0.05) },
    {
      name: 'film',
      format: 'webp',
      bytes: await filmOfPages(await Promise.all(frames.map((frame) => scatterPng(frame, data, WINDOW)))),
    },
  ];
}

async function runCell(cell: Cell, bench: Bench): Promise<Measured | null> {
  const seed = Number(cell.settings['seed']);
  const entry = parseEntry('models', String(cell.settings['model']), NAMES);
  const { model, settings } = CONTENDERS[entry.name] as Contender;
  const data = await openData('25-gaussians', { limit: null, seed });
  const trial = {
    label: `${entry.name}, seed ${seed}`,
    config: (iterations: number) =>
      resolveConfig(mergeSettings({ data: data.name, model, iterations, seed }, settings), data),
    data,
    seed,
    budget: budgetOf(entry, cell),
    looks: LOOKS,
    look,
    draw,
  };
  return await runLookedTrial(trial, bench);
}

const SHOWN: readonly (readonly [title: string, name: string])[] = [
  [`modes covered (at least ${ENOUGH} of 10,000 samples near)`, 'modes covered'],
  ['share of samples within 3 std', 'share within 3 std'],
  ['spread of modes over the data’s', 'spread of modes'],
  ['iterations', 'iterations'],
  ['training, s', 'trainingSeconds'],
  ['of a processor, s', 'processorSeconds'],
];

const labelOf = ({ settings }: CellResult): string => String(settings['model']);

function ofModel(results: readonly CellResult[], model: string): readonly CellResult[] {
  return results.filter((result) => labelOf(result) === model);
}

function spreadTable(results: readonly CellResult[], models: readonly string[]): ReportTable {
  const row = (model: string): string[] => {
    const runs = ofModel(results, model);
    const values = (name: string): (number | null)[] => runs.map(({ measures }) => measures[name] ?? null);
    return [model, String(runs.length)].concat(SHOWN.map(([, name]) => spreadText(values(name))));
  };
  return {
    title: 'Mean ± standard deviation over seeds',
    rows: [['model', 'runs', ...SHOWN.map(([title]) => title)], ...models.map(row)],
    note: 'Of the mixture’s own points 98.9 % are within three standard deviations. A spread below 1 is a collapse within modes.',
  };
}

function seedTable(results: readonly CellResult[], models: readonly string[]): ReportTable {
  const seeds = [...new Set(results.map(({ settings }) => Number(settings['seed'])))];
  const text = (model: string, seed: number): string => {
    const run = ofModel(results, model).find(({ settings }) => settings['seed'] === seed);
    if (run === undefined) return 'not run';
    if (run.note !== '') return run.note;
    return ['modes covered', 'share within 3 std'].map((name) => numberText(run.measures[name] ?? null)).join(' · ');
  };
  return {
    title: 'Seed by seed: modes · share',
    rows: [
      ['model', ...seeds.map((seed) => `seed ${seed}`)],
      ...models.map((model) => [model].concat(seeds.map((seed) => text(model, seed)))),
    ],
    note: 'A seed draws parameters, points, batches and latents.',
  };
}

function findings(results: readonly CellResult[], scale: Scale, picture: (path: string) => string): Findings {
  const models = wordsOf(scale, 'models');
  const [seed] = numbersOf(scale, 'seeds');
  const first = results.filter(({ settings }) => settings['seed'] === seed);
  const gallery = (title: string, hint: string, kind: string): Markup | null =>
    galleryFigure(title, hint, first, kind, labelOf, picture);
  return {
    lead:
      'Twenty-five Gaussians of standard deviation .05 on a grid of spacing 1. EIEG is the plain elastic generator (Eq. 7) with the paper’s net 2-100-50-2, ' +
      'eieg-deep the same with six layers of 64 and tanh; the others have the paper’s net, and a second network of the same size.',
    tables: [spreadTable(results, models), seedTable(results, models)],
    figures: shownFigures([
      gallery('Densities', 'Kernel density of 10,000 samples (Fig. 12), of the first seed.', 'density'),
      gallery('Samples', 'Grey: data. Orange: 2,000 samples.', 'samples'),
      gallery('As they train', 'Generated points from the first iteration to the last.', 'film'),
      looksFigure('Curves', first, ['modes covered', 'share within 3 std', 'spread of modes'], labelOf),
    ]),
  };
}

/** Elastic generators and others on a grid of Gaussians (EIEG GAN, section 5.1). */
export const eiegGaussians: Experiment = {
  name: 'eieg-25-gaussians',
  title: 'Generators on 25 Gaussians',
  summary: 'EIEG, EIEG GAN, GAN, WGAN-GP and MMD-GAN on a grid of Gaussians (EIEG GAN, Fig. 8 and 12)',
  options: {
    models: {
      kind: 'words',
      meaning: `${NAMES.join(', ')}; with @ and iterations of its own, or for the time of all`,
      standard: NAMES.join(','),
    },
    seeds: { kind: 'numbers', meaning: 'seeds', standard: '1,2,3,4,5' },
    ...timedOptions('60'),
  },
  examples: [
    'brownian reproduce eieg-25-gaussians',
    'brownian reproduce eieg-25-gaussians --models eieg@60000 --seeds 1 --minutes 2',
  ],
  plan,
  open: (_, bench) => Promise.resolve((cell) => runCell(cell, bench)),
  findings,
};
