import { type FeatureNetwork, MASKS, type MaskName, inpaintMethods } from 'brownian';
import { asked } from '../errors.ts';
import type { Score } from '../runs/scores.ts';
import { silently } from '../scoring/collect.ts';
import { TRIVIAL, tryInpainting } from '../tasks/inpaint.ts';
import { openMasks } from '../tasks/mask.ts';
import type { ScoredWay } from '../tasks/scores.ts';
import { timeOf, timeSettings, timedOptions } from './budget.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, ReportTable, Scale } from './experiment.ts';
import { pictureFigures } from './figures.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { HELD_OUT_DATA, IMAGE_SIZE, sizeOf } from './shared-options.ts';
import { type TaskBench, openTaskBench, openTaskNetwork, trainedModel } from './task-trial.ts';
import { numberText, spreadText } from './text.ts';
import { parseVariant } from './variants.ts';

const SCORES = ['MSE', 'PSNR', 'SSIM', 'FID'] as const;

/** Table 3 of generalised GCN: GGCN* on faces of CelebA, 64×64, FID by Inception. */
const PAPER: Readonly<Record<MaskName, Readonly<Record<(typeof SCORES)[number], number>>>> = {
  spots: { MSE: 0.0033, FID: 25.44, SSIM: 0.954, PSNR: 30.41 },
  square: { MSE: 0.0041, FID: 30.69, SSIM: 0.934, PSNR: 30.095 },
  both: { MSE: 0.0046, FID: 25.03, SSIM: 0.94, PSNR: 30.039 },
};
const MASK_NAMES = Object.keys(MASKS) as MaskName[];

function plan(scale: Scale): Cell[] {
  const models = wordsOf(scale, 'models');
  models.forEach(parseVariant);
  const size = sizeOf(scale);
  const facts = {
    data: textOf(scale, 'data') ?? '',
    ...timeSettings(scale),
    images: numberOf(scale, 'images'),
    ...(size !== null && { size }),
    network: textOf(scale, 'network') ?? '',
  };
  return numbersOf(scale, 'seeds').flatMap((seed) => models.map((model) => ({ settings: { ...facts, seed, model } })));
}

/** The name of a measure of a cell: the mask, what filled it in, the score. */
function measureName(mask: string, fill: string, score: string): string {
  return `${mask}, ${fill}, ${score}`;
}

function measuresOf(scored: readonly ScoredWay[]): Record<string, number | null> {
  const named = scored.flatMap(({ way, scores }) =>
    scores.map(({ name, value }: Score) => [measureName(way['mask'] ?? '', way['fill'] ?? '', name), value] as const),
  );
  return Object.fromEntries(named);
}

async function runCell(cell: Cell, on: TaskBench, network: FeatureNetwork, bench: Bench): Promise<Measured | null> {
  const { settings } = cell;
  const trained = await trainedModel(
    { model: String(settings['model']), budget: timeOf(cell), seed: Number(settings['seed']) },
    on,
    bench,
  );
  if (trained === null) return null;
  const { learner, state, curves, iterations, stopped } = trained;
  try {
    if (stopped !== '') return { measures: { iterations }, curves, note: stopped, pictures: [] };
    const seed = Number(settings['seed']);
    const masks = await openMasks(MASK_NAMES.join(','), on.images.x, seed);
    const trial = { learner, state, images: on.images, masks, methods: inpaintMethods(learner) };
    const comparison = { runtime: bench.runtime, network, seed, start: silently };
    const results = await asked(() => tryInpainting(trial, comparison));
    return {
      measures: { iterations, ...measuresOf(results.flatMap(({ scored }) => scored)) },
      curves,
      note: '',
      pictures: results.map(({ mask, picture }) => ({ name: mask, format: 'png' as const, bytes: picture })),
    };
  } finally {
    await learner.dispose();
  }
}

/** Rows of a mask: the models by each of their methods, the trivial fillings, the paper. */
function maskTable(results: readonly CellResult[], mask: MaskName): ReportTable {
  const values = (cells: readonly CellResult[], fill: string): string[] =>
    SCORES.map((score) => spreadText(cells.map(({ measures }) => measures[measureName(mask, fill, score)] ?? null)));
  const models = [...new Set(results.map(({ settings }) => String(settings['model'])))];
  const rows = models.flatMap((model) => {
    const cells = results.filter(({ settings }) => settings['model'] === model);
    const fills = ['encode', 'dynamics', 'both'].map((method) => [method, `model (${method})`] as const);
    const has = fills.filter(([, fill]) =>
      cells.some(({ measures }) => measures[measureName(mask, fill, 'MSE')] !== undefined),
    );
    const row = (method: string, fill: string): string[] => [`${model}, ${method}`, ...values(cells, fill)];
    return has.map(([method, fill]) => row(method, fill));
  });
  const trivial = TRIVIAL.map((fill) => [fill, ...values(results.slice(0, 1), fill)]);
  const paper = ['GGCN* in the paper (other data)', ...SCORES.map((score) => numberText(PAPER[mask][score]))];
  return { title: `Mask: ${mask}`, rows: [['filled in by', ...SCORES], ...rows, ...trivial, paper], note: '' };
}

function findings(results: readonly CellResult[], scale: Scale, picture: (path: string) => string): Findings {
  return {
    lead:
      `${numberOf(scale, 'images')} images that were held out from training, completed by every method that a model has, beside fillings that know nothing of the data. ` +
      'MSE is of values in [-1, 1] over all pixels; PSNR and SSIM are means over images; FID is of the completed images against the same images whole, by the network that is named. ' +
      '“masked” is GGCN* as the paper inpaints with it: its generator is an auto-encoder of masked images. Other models search a latent (encode) or move missing pixels (dynamics). ' +
      'Several seeds: mean ± standard deviation. The paper’s row is of faces of CelebA at 64×64 pixels; it does not state the size of its masks or the range of its pixels, and its FID is by an Inception network.',
    tables: MASK_NAMES.map((mask) => maskTable(results, mask)),
    figures: pictureFigures(
      results,
      ['square', 'spots', 'both'],
      `Rows: originals, masked, the model’s methods, ${TRIVIAL.join(', ')}. The first images; none was picked.`,
      picture,
    ),
  };
}

/** Inpainting by models of generalised GCN beside trivial fillings (Table 3, Fig. 12). */
export const ggcnInpainting: Experiment = {
  name: 'ggcn-inpainting',
  title: 'Inpainting',
  summary:
    'completes held-out digits or faces under three masks, beside trivial fillings (generalised GCN, Table 3 and Fig. 12)',
  options: {
    data: HELD_OUT_DATA,
    models: { kind: 'words', meaning: 'models; behind a slash, masked', standard: 'ggcn-star/masked' },
    seeds: { kind: 'numbers', meaning: 'seeds of parameters, batches, masks and noise', standard: '1' },
    ...timedOptions('480'),
    images: { kind: 'whole number', meaning: 'held-out images', standard: '500' },
    size: IMAGE_SIZE,
    network: {
      kind: 'text',
      meaning: 'features of FID: classifier (trained once on labelled data), values, or an .onnx file',
      standard: 'classifier',
    },
  },
  examples: [
    'brownian reproduce ggcn-inpainting',
    'brownian reproduce ggcn-inpainting --models ggcn-star/masked,ggcn-star,wgcn --seconds 600 --seeds 1,2',
    'brownian reproduce ggcn-inpainting --data ./faces --size 64 --network ./inception.onnx',
  ],
  plan,
  async open(scale, bench) {
    const data = { name: textOf(scale, 'data') ?? '', size: sizeOf(scale), count: numberOf(scale, 'images') };
    const on = await openTaskBench(data, bench);
    const network = await openTaskNetwork(on, textOf(scale, 'network') ?? '', bench);
    return (cell) => runCell(cell, on, network, bench);
  },
  findings,
};
