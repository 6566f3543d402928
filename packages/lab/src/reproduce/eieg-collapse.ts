import { resolveConfig } from '../config/settings.ts';
import { openData } from '../data/open.ts';
import { spreadIndices } from '../data/spread.ts';
import { UserError } from '../errors.ts';
import { scatterPng } from '../images/scatter.ts';
import { particleSpread } from '../divergence.ts';
import { coverageOf } from './eieg-25-gaussians.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, Scale } from './experiment.ts';
import { galleryFigure, looksFigure, shownFigures } from './generator-figures.ts';
import { crowding, featuresOf, imagePictures, scoresOf } from './generator-images.ts';
import { type ImageBench, openImages } from './judge.ts';
import { SCORED } from './shared-options.ts';
import { runLookedTrial } from './looked-trial.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { numberText } from './text.ts';

const STABILISERS: readonly string[] = ['none', 'elastic', 'truncated', 'gaussian'];
const LOOKS = 15;
const WINDOW = { center: [0, 0], reach: 2.6 } as const;
/** Range within which features count as crowded: the paper's cut-off of the stabiliser. */
const NEAR = 0.8;

/** Settings of a variant of the features' part: `none` has no stabiliser. */
function stabiliserSettings(variant: string): { stabiliserWeight?: number; stabiliser?: string } {
  return variant === 'none' ? { stabiliserWeight: 0 } : { stabiliser: variant };
}

/** @throws UserError when an option has a word that is not among these */
function requireWords(scale: Scale, flag: string, known: readonly string[]): readonly string[] {
  const words = wordsOf(scale, flag);
  const wrong = words.find((word) => !known.includes(word));
  if (wrong === undefined) return words;
  throw new UserError(`--${flag} has ${JSON.stringify(wrong)}; it takes ${known.join(', ')}.`, { exitCode: 2 });
}

function plan(scale: Scale): Cell[] {
  const [points, images] = [numberOf(scale, 'iterations'), numberOf(scale, 'image-iterations')];
  const rest = {
    data: textOf(scale, 'data') ?? '',
    samples: numberOf(scale, 'samples'),
    network: textOf(scale, 'network') ?? '',
  };
  const [repulsion, stabilisers] = [
    requireWords(scale, 'repulsion', ['on', 'off']),
    requireWords(scale, 'stabilisers', STABILISERS),
  ];
  const ofPoints = (variant: string, seed: number): Cell => ({
    settings: { part: 'repulsion', variant, seed, iterations: points },
  });
  const ofImages = (variant: string, seed: number): Cell => ({
    settings: { part: 'stabiliser', variant, seed, iterations: images, ...rest },
  });
  return numbersOf(scale, 'seeds').flatMap((seed) =>
    repulsion.map((variant) => ofPoints(variant, seed)).concat(stabilisers.map((variant) => ofImages(variant, seed))),
  );
}

/** EIEG's generator on points, with and without its self-interaction (Fig. 4). */
async function runRepulsion({ settings }: Cell, bench: Bench): Promise<Measured | null> {
  const [seed, iterations] = [Number(settings['seed']), Number(settings['iterations'])];
  const data = await openData('25-gaussians', { limit: null, seed });
  const { x } = await data.batch(Array.from({ length: 2000 }, (_, i) => i));
  return await runLookedTrial(
    {
      label: `repulsion ${settings['variant']}, seed ${seed}`,
      config: () =>
        resolveConfig(
          {
            data: data.name,
            model: 'eieg',
            iterations,
            seed,
            loss: { selfInteraction: settings['variant'] === 'on' },
          },
          data,
        ),
      data,
      seed,
      budget: { iterations },
      looks: LOOKS,
      look: async ({ learner, state, stream }) => {
        const samples = await learner.sample(state, 10_000, stream);
        return { ...coverageOf(samples), 'spread over that of data': particleSpread(samples, x) ?? null };
      },
      draw: async ({ learner, state, stream }) => {
        const samples = await learner.sample(state, 2000, stream);
        return [{ name: 'samples', format: 'png', bytes: await scatterPng(samples, x, WINDOW) }];
      },
    },
    bench,
  );
}

/** EIEG GAN with two features, by the shape of its stabiliser (Fig. 7). */
async function runStabiliser({ settings }: Cell, images: ImageBench, bench: Bench): Promise<Measured | null> {
  const [seed, iterations] = [Number(settings['seed']), Number(settings['iterations'])];
  const { data } = images;
  const { x } = await data.batch(spreadIndices(data.size, 500));
  return await runLookedTrial(
    {
      label: `stabiliser ${settings['variant']}, seed ${seed}`,
      config: () =>
        resolveConfig(
          {
            data: data.name,
            model: 'eieg-gan',
            iterations,
            seed,
            discriminator: { features: 2 },
            loss: stabiliserSettings(String(settings['variant'])),
          },
          data,
        ),
      data,
      seed,
      budget: { iterations },
      looks: LOOKS,
      look: async (at) => {
        const { spread, crowded } = crowding(await featuresOf(bench.runtime, at, x), NEAR);
        return { 'spread of features': spread, 'share of near pairs': crowded, ...(await scoresOf(images, at)) };
      },
      draw: (at) => imagePictures(bench.runtime, images, at),
    },
    bench,
  );
}

const labelOf = ({ settings }: CellResult): string => `${settings['variant']}, seed ${settings['seed']}`;

function tableOf(results: readonly CellResult[], first: string, names: readonly string[]): string[][] {
  return [
    [first, ...names, ''],
    ...results.map((result) =>
      [labelOf(result)].concat(
        names.map((name) => numberText(result.measures[name] ?? null)),
        result.note,
      ),
    ),
  ];
}

function findings(results: readonly CellResult[], _: Scale, picture: (path: string) => string): Findings {
  const of = (part: string): readonly CellResult[] => results.filter(({ settings }) => settings['part'] === part);
  const [repulsion, stabiliser] = [of('repulsion'), of('stabiliser')];
  return {
    lead: 'Two terms of EIEG GAN are there against collapse: the self-interaction of generated items, and the stabiliser of features. Each is left out.',
    tables: [
      {
        title: 'With and without self-interaction, 25 Gaussians (Fig. 4)',
        rows: tableOf(repulsion, 'repulsion', [
          'spread over that of data',
          'modes covered',
          'share within 3 std',
          'spread of modes',
        ]),
        note: 'The spread of samples is 1 when they vary as the data do, and 0 when all are the same.',
      },
      {
        title: 'By the shape of the stabiliser, two features (Fig. 7)',
        rows: tableOf(stabiliser, 'stabiliser', ['spread of features', 'share of near pairs', 'score', 'fid']),
        note: `Features of 500 data. Near pairs are closer than ${NEAR}. Scores by the network of the options; lower FID is better.`,
      },
    ],
    figures: shownFigures([
      galleryFigure('Self-interaction', 'Grey: data. Orange: samples.', repulsion, 'samples', labelOf, picture),
      galleryFigure('Features', 'Features of 1,000 data, by class.', stabiliser, 'features', labelOf, picture),
      galleryFigure('Samples', 'None was picked.', stabiliser, 'samples', labelOf, picture),
      looksFigure('Self-interaction: curves', repulsion, ['spread over that of data', 'modes covered'], labelOf),
      looksFigure('Stabiliser: curves', stabiliser, ['spread of features', 'share of near pairs', 'fid'], labelOf),
    ]),
  };
}

/** What keeps generated items and features apart (EIEG GAN, sections 2.3 and 3.1). */
export const eiegCollapse: Experiment = {
  name: 'eieg-collapse',
  title: 'Collapse without self-interaction and without the stabiliser',
  summary: 'EIEG on points without repulsion, EIEG GAN with two features by the shape of its stabiliser (Fig. 4 and 7)',
  options: {
    repulsion: { kind: 'words', meaning: 'self-interaction: on, off', standard: 'on,off' },
    stabilisers: {
      kind: 'words',
      meaning: 'none, elastic, truncated, gaussian',
      standard: 'none,elastic,truncated,gaussian',
    },
    data: { kind: 'text', meaning: 'labelled images for the stabiliser', standard: 'fashion-mnist' },
    seeds: { kind: 'numbers', meaning: 'seeds', standard: '1' },
    iterations: { kind: 'whole number', meaning: 'iterations on points', standard: '6000' },
    'image-iterations': { kind: 'whole number', meaning: 'iterations on images', standard: '1500' },
    ...SCORED,
  },
  examples: [
    'brownian reproduce eieg-collapse',
    'brownian reproduce eieg-collapse --stabilisers none,elastic --image-iterations 500',
  ],
  plan,
  open: (scale, bench) => {
    // Opened by the first cell that wants it: the part on points needs no images.
    let images: Promise<ImageBench> | undefined;
    const opened = (): Promise<ImageBench> => openImages(textOf(scale, 'data') ?? '', scale, bench);
    return Promise.resolve(async (cell) =>
      cell.settings['part'] === 'repulsion'
        ? await runRepulsion(cell, bench)
        : await runStabiliser(cell, await (images ??= opened()), bench),
    );
  },
  findings,
};
