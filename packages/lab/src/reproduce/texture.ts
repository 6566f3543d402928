import { basename, join } from 'node:path';
import { type Dataset, type Layer, gaborBank, pyramid } from 'brownian';
import type { RunConfigOf } from '../config/run-config.ts';
import { UserError } from '../errors.ts';
import { gatherFilters } from '../weights/filter-file.ts';
import { FLOWS_MEANING, descriptiveConfig, parseFlow } from './descriptive.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, Scale } from './experiment.ts';
import { curveFigures, pictureFigures } from './figures.ts';
import { filtersPlace, folderPlace } from './found.ts';
import { stabilityOf } from './measures.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { imagePatches } from './patches.ts';
import { numberText } from './text.ts';
import { runTrial } from './trial.ts';

function plan(scale: Scale): Cell[] {
  const filters = basename(filtersPlace(textOf(scale, 'filters')));
  const flows = wordsOf(scale, 'flows');
  flows.forEach(parseFlow);
  const size = {
    images: numberOf(scale, 'images'),
    picture: numberOf(scale, 'picture'),
    size: numberOf(scale, 'size'),
    synthesis: numberOf(scale, 'synthesis'),
    iterations: numberOf(scale, 'iterations'),
    steps: numberOf(scale, 'steps'),
  };
  return wordsOf(scale, 'textures').flatMap((image) =>
    numbersOf(scale, 'seeds').flatMap((seed) =>
      numbersOf(scale, 'lambda').flatMap((lambda) =>
        numbersOf(scale, 'scales').flatMap((scales) =>
          flows.map((flow) => ({ settings: { image, seed, lambda, scales, flow, ...size, filters } })),
        ),
      ),
    ),
  );
}

/** Values among which particles begin, in units of x. */
const START = [-0.6, 0.6] as const;

/** The bank at as many scales as the cell says. */
async function scaledBank(
  config: RunConfigOf<'descriptive'>,
  data: Dataset,
  scales: number,
  bench: Bench,
): Promise<Layer> {
  const file = await gatherFilters(config, data, (text) => bench.note(text));
  const { net } = config.potential;
  if (file === undefined && net !== 'gabor')
    throw new UserError(
      `--filters is ${net}; a texture is learned with fixed filters: gabor, vgg, or a file of filters.`,
    );
  return pyramid(file?.layer ?? gaborBank(), scales);
}

async function runCell(cell: Cell, folder: string, net: string, bench: Bench): Promise<Measured | null> {
  const { settings } = cell;
  const [image, seed, size] = [String(settings['image']), Number(settings['seed']), Number(settings['size'])];
  const count = Number(settings['images']);
  const x = await imagePatches(join(folder, image), Number(settings['picture']), { count, size, seed });
  const config = descriptiveConfig(cell, { data: image, net, itemShape: [3, size, size], theta: 'channel' });
  const data = { name: image, itemShape: [3, size, size], size: count, batch: () => Promise.resolve({ x }) };
  const filters = await scaledBank(config, data, Number(settings['scales']), bench);
  const side = Number(settings['synthesis']);
  const result = await runTrial(
    {
      label: `${image}, λ ${settings['lambda']}, ${settings['scales']} scales, ${settings['flow']}, seed ${seed}`,
      model: config.model,
      // From zero every place sees the same gradient, and nothing tells where a stationary texture should put its grains.
      options: { ...config, chains: { ...config.chains, start: 'uniform', range: START } },
      filters,
      batch: { x },
      iterations: config.iterations,
      seed,
      columns: count,
      synthesis: [3, side, side],
    },
    bench,
  );
  if (result === null) return null;
  return {
    measures: { ...stabilityOf(result) },
    curves: result.curves,
    note: result.stopped,
    pictures: result.pictures,
  };
}

function findings(results: readonly CellResult[], _: Scale, picture: (path: string) => string): Findings {
  const rows = results.map(({ settings, measures, note }) => [
    `${settings['image']}, seed ${settings['seed']}`,
    String(settings['lambda']),
    String(settings['scales']),
    String(settings['flow']),
    numberText(measures['finalDistance'] ?? null),
    numberText(measures['meanPotential'] ?? null),
    measures['collapsed'] === 1 ? `collapsed ${note}` : '',
  ]);
  return {
    lead:
      'A stationary texture: one weight per filter instead of one per filter and position. It is learned from patches of one picture, and a ' +
      'picture of another size is drawn along by the same weights: in every iteration its chain takes as many steps as those of the patches.',
    tables: [
      {
        title: 'Response distance',
        rows: [['texture', 'λ', 'scales', 'flow', 'final R', 'mean Φ', ''], ...rows],
        note: 'Lower R is better; with more scales it is a mean over more filters. The paper shows pictures for this experiment, no numbers.',
      },
    ],
    figures: [
      ...pictureFigures(
        results,
        ['data', 'synthesis'],
        'Patches it learned from, and a picture drawn at another size',
        picture,
      ),
      ...curveFigures(results),
    ],
  };
}

/** Textures with one weight per filter (generalised GCN, section 5.1; FRAME). */
export const texture: Experiment = {
  name: 'texture',
  title: 'Textures: one weight per filter, pictures of any size',
  summary: 'learns a texture from patches of one picture and draws a larger one',
  options: {
    data: {
      kind: 'text',
      meaning: 'folder of pictures (default: data/textures in this folder or one above)',
      standard: null,
    },
    filters: {
      kind: 'text',
      meaning:
        'VGG-16 weights, or any filters of brownian train (default: data/vgg16 in this folder or one above, else fetched)',
      standard: null,
    },
    textures: {
      kind: 'words',
      meaning: 'files of that folder',
      standard: 'skimage_brick.png,skimage_grass.png,skimage_gravel.png',
    },
    seeds: { kind: 'numbers', meaning: 'seeds; each draws its own patches and noise', standard: '1' },
    lambda: { kind: 'numbers', meaning: 'learning rates λ', standard: '0.000004' },
    scales: {
      kind: 'counts',
      meaning: 'scales at which the filters look at the picture: itself, at half its size, at a quarter …',
      standard: '3',
    },
    flows: {
      kind: 'words',
      meaning: FLOWS_MEANING,
      standard: 'implicit',
    },
    images: { kind: 'whole number', meaning: 'patches, and particles', standard: '2' },
    picture: {
      kind: 'whole number',
      meaning: 'shorter side to which a picture is scaled down, in pixels; filters of VGG-16 see 14 pixels',
      standard: '256',
    },
    size: { kind: 'whole number', meaning: 'side of a patch in pixels', standard: '64' },
    synthesis: { kind: 'whole number', meaning: 'side of the picture that is drawn, in pixels', standard: '128' },
    iterations: { kind: 'whole number', meaning: 'outer iterations', standard: '40' },
    steps: { kind: 'whole number', meaning: 'Langevin steps per iteration (L)', standard: '15' },
  },
  examples: [
    'brownian reproduce texture',
    'brownian reproduce texture --data ./pictures --textures stones.jpg --iterations 100 --synthesis 256',
  ],
  plan,
  open: (scale, bench) => {
    const folder = folderPlace(textOf(scale, 'data'), 'textures', 'data');
    const net = filtersPlace(textOf(scale, 'filters'));
    bench.note(`Data: ${folder}. Filters: ${net}.`);
    return Promise.resolve((cell) => runCell(cell, folder, net, bench));
  },
  findings,
};
