import { basename } from 'node:path';
import type { NDArray } from '@brownian/graph';
import { type Batch, type Dataset, type ModelName, familyOf, takeRows } from 'brownian';
import type { RunConfig } from '../config/run-config.ts';
import { IMAGE_DEFAULTS } from '../config/schema.ts';
import { resolveConfig } from '../config/settings.ts';
import { openData } from '../data/open.ts';
import { gridPng } from '../images/grid.ts';
import { gatherFilters } from '../weights/filter-file.ts';
import { clockOf, timeOf, timeSettings, timedOptions } from './budget.ts';
import { descriptiveConfig } from './descriptive.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, ReportTable, Scale } from './experiment.ts';
import { pictureFigures } from './figures.ts';
import { dataPlace, filtersPlace, imagesOfClass } from './found.ts';
import { runJudgedTrial } from './judged-trial.ts';
import { type Eyes, likeness } from './likeness.ts';
import { stabilityOf } from './measures.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { modelsOf } from './shared-options.ts';
import { spreadText } from './text.ts';

/** Fixed filters learn with the papers' settings, by KL and by JKO with the implicit step. */
const FLOWS: Readonly<Partial<Record<ModelName, string>>> = { pgcn: 'kl', 'w-pgcn': 'implicit' };
const LAMBDA = 0.001;
const STEPS = 20;
/** Models with a discriminator are given the images over and over, to this many [paper, section 5.5]; others keep a chain or a latent per image. */
const REPEATED = 10_000;

function plan(scale: Scale): Cell[] {
  const models = modelsOf(scale);
  const facts = {
    size: numberOf(scale, 'size'),
    ...timeSettings(scale),
    filters: basename(filtersPlace(textOf(scale, 'filters'))),
  };
  const cells: Cell[] = [];
  for (const seed of numbersOf(scale, 'seeds'))
    for (const name of wordsOf(scale, 'classes'))
      for (const images of numbersOf(scale, 'images'))
        for (const model of models) cells.push({ settings: { class: name, images, seed, model, ...facts } });
  return cells;
}

/** The images again and again, until there are at least `size`. */
function repeated({ x }: Batch, size: number): Dataset {
  const n = x.shape[0] as number;
  return {
    name: 'the images, repeated',
    itemShape: x.shape.slice(1),
    size: n * Math.ceil(size / n),
    batch: (indices) =>
      Promise.resolve({
        x: takeRows(
          x,
          Array.from(indices, (i) => i % n),
        ),
        indices: { dtype: 'int32', shape: [indices.length], data: Int32Array.from(indices) },
      }),
  };
}

/** What all cells share. */
interface Place {
  /** Data, and filters, as `brownian train` takes them. */
  readonly data: string;
  readonly net: string;
}

/** The configuration of a cell for so many iterations. */
function configOf(cell: Cell, { data, net }: Place, set: Dataset): (iterations: number) => RunConfig {
  const { model, images, seed } = cell.settings;
  const flow = FLOWS[model as ModelName];
  if (flow === undefined) {
    // A generator that has seen a few latents knows these alone; drawn ones would be others.
    const rows = model === 'ggcn' || model === 'ggcn-star' ? { hidden: { sampling: 'rows' } } : {};
    return (iterations) => resolveConfig({ data, model, iterations, seed, ...rows }, set);
  }
  return (iterations) => {
    const settings = { flow, images: Number(images), lambda: LAMBDA, steps: STEPS, iterations };
    return descriptiveConfig({ settings }, { data, net, itemShape: set.itemShape, theta: 'position' });
  };
}

/** The filters in whose eyes samples are compared, and the options of a potential with them. */
async function eyes(cell: Cell, place: Place, set: Dataset, bench: Bench): Promise<Eyes> {
  const settings = { ...cell.settings, flow: 'kl', lambda: LAMBDA, steps: STEPS, iterations: 1 };
  const facts = { data: place.data, net: place.net, itemShape: set.itemShape, theta: 'position' } as const;
  const config = descriptiveConfig({ settings }, facts);
  const file = await gatherFilters(config, set, (text) => bench.note(text));
  return { options: config.potential, ...(file && { filters: file.layer }) };
}

async function runCell(cell: Cell, place: Place, bench: Bench): Promise<Measured | null> {
  const { settings } = cell;
  const [images, seed, size] = [Number(settings['images']), Number(settings['seed']), Number(settings['size'])];
  const all = await openData(place.data, { limit: null, seed: 1, images: { ...IMAGE_DEFAULTS, size } });
  const batch = await imagesOfClass(all, String(settings['class']), images, seed);
  const fixed = FLOWS[settings['model'] as ModelName] !== undefined;
  const data = repeated(batch, familyOf(settings['model'] as ModelName) === 'adversarial' ? REPEATED : images);
  const seen = await eyes(cell, place, data, bench);
  const columns = Math.ceil(Math.sqrt(images));
  const picture = async (name: string, x: NDArray) =>
    ({ name, format: 'png', bytes: await gridPng(x, { columns }) }) as const;
  const measured = await runJudgedTrial(
    {
      label: `${settings['class']}, ${images} images, ${settings['model']}, seed ${seed}`,
      config: configOf(cell, place, data),
      ...(fixed && seen.filters && { filters: seen.filters }),
      data,
      budget: timeOf(cell),
      clock: clockOf(cell),
      samples: images,
      seed,
      // Fixed filters keep a particle per image, which is what the paper shows; the others draw as many samples.
      judge: async ({ learner, state, stream }) => {
        const x = fixed ? learner.particles(state) : await learner.sample(state, images, stream);
        const { distance, patchFid } = await likeness(bench.runtime, x, batch.x, seen);
        return { measures: { distance, patchFid }, pictures: [await picture('samples', x)] };
      },
    },
    bench,
  );
  if (measured === null) return null;
  // R on the way is in the eyes of these filters only where the model learns with them.
  const { collapsed } = stabilityOf({ curves: measured.curves, stopped: measured.note });
  return {
    ...measured,
    measures: { ...measured.measures, ...(fixed && { collapsed }) },
    pictures: [await picture('data', batch.x), ...measured.pictures],
  };
}

const SHOWN: readonly (readonly [title: string, name: string])[] = [
  ['R', 'distance'],
  ['FID of patches', 'patchFid'],
  ['iterations', 'iterations'],
];

/** How many runs collapsed; a dash for models that are not told to. */
function collapsedText(runs: readonly CellResult[]): string {
  const told = runs.filter(({ measures }) => measures['collapsed'] !== undefined);
  return told.length === 0
    ? '–'
    : `${told.filter(({ measures }) => measures['collapsed'] === 1).length} of ${told.length}`;
}

function modelTable(results: readonly CellResult[], scale: Scale): ReportTable {
  const rows = numbersOf(scale, 'images').flatMap((images) =>
    wordsOf(scale, 'models').map((model) => {
      const runs = results.filter(({ settings }) => settings['images'] === images && settings['model'] === model);
      const columns = SHOWN.map(([, name]) => spreadText(runs.map(({ measures }) => measures[name] ?? null)));
      return [String(images), model, runs.length === 0 ? 'not run' : String(runs.length)].concat(
        columns,
        collapsedText(runs),
      );
    }),
  );
  return {
    title: 'Samples against the images that were learned',
    rows: [['images', 'model', 'runs', ...SHOWN.map(([title]) => title), 'collapsed'], ...rows],
    note:
      `Lower is better. As many samples as images. R and the features of patches (16×16 pixels or half an image, corners 2 apart, mean responses) are those of ${results[0]?.settings['filters'] ?? 'the filters'}, ` +
      'with which w-pgcn and pgcn learn: R is their own measure, the patches’ distribution less so. They collapsed when mean Φ of the particles ended below 0 or R above twice its least value. Several runs: mean ± standard deviation.',
  };
}

function findings(results: readonly CellResult[], scale: Scale, picture: (path: string) => string): Findings {
  return {
    lead:
      `Each model learns the same few images for ${numberOf(scale, 'seconds')} seconds. Fixed filters (pgcn, w-pgcn) have a particle per image, learned latents a row per image, which samples begin at; DCGAN is given the images repeated to ${REPEATED.toLocaleString('en')}, as in the paper. ` +
      'Pictures are of the data and must not be passed on unless they may be.',
    tables: [modelTable(results, scale)],
    figures: pictureFigures(results, ['data', 'samples'], 'Data first; none was picked.', picture),
  };
}

/** Few samples: energy-based models against DCGAN in equal time (generalised GCN, section 5.5 and Fig. 13). */
export const fewSample: Experiment = {
  name: 'few-sample',
  title: 'Few samples: w-pGCN and GGCN against DCGAN',
  summary: 'learns 1, 9 and 20 images in equal time: R, FID of patches, pictures (generalised GCN, Fig. 13)',
  options: {
    data: {
      kind: 'text',
      meaning: 'images (default: CIFAR-10 as it was fetched, or data/cifar10 in this folder or one above)',
      standard: null,
    },
    filters: {
      kind: 'text',
      meaning: 'VGG-16 weights, or any fixed filters (default: data/vgg16 in this folder or one above, else fetched)',
      standard: null,
    },
    models: { kind: 'words', meaning: 'models of brownian train', standard: 'w-pgcn,ggcn,dcgan' },
    classes: { kind: 'words', meaning: 'classes to learn, each by itself; all takes images of any', standard: 'horse' },
    images: { kind: 'counts', meaning: 'images that are learned', standard: '1,9,20' },
    seeds: { kind: 'numbers', meaning: 'seeds; each draws its own images and its own noise', standard: '1' },
    size: { kind: 'whole number', meaning: 'side to which images are scaled, in pixels', standard: '32' },
    ...timedOptions('90'),
  },
  examples: ['brownian reproduce few-sample', 'brownian reproduce few-sample --images 1,100 --classes ship,frog'],
  plan,
  open(scale, bench) {
    const data = dataPlace(textOf(scale, 'data'), 'cifar-10', 'cifar10');
    const net = filtersPlace(textOf(scale, 'filters'));
    bench.note(`Data: ${data}. Filters: ${net}.`);
    return Promise.resolve((cell) => runCell(cell, { data, net }, bench));
  },
  findings,
};
