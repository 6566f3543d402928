import type { ModelName } from 'brownian';
import { type Settings, dataOptions, mergeSettings, resolveConfig } from '../config/settings.ts';
import { budgetOf, entrySettings, parseEntry, timedOptions } from './budget.ts';
import { CHANGED, changedSettings, keptSettings, settingsText } from './changes.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, Scale } from './experiment.ts';
import { galleryFigure, looksFigure, shownFigures } from './generator-figures.ts';
import { imagePictures, scoresOf } from './generator-images.ts';
import { type ImageBench, openImages } from './judge.ts';
import { runLookedTrial } from './looked-trial.ts';
import { SCORED } from './shared-options.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { numberText, spreadText } from './text.ts';

/** A model, and what sets it apart from the preset. */
interface Member {
  readonly model: ModelName<'adversarial'>;
  readonly settings: Settings;
}

const gan = (features: number, loss: Settings = {}): Member => ({
  model: 'eieg-gan',
  settings: { discriminator: { features }, loss },
});

/** The members of the paper's Table 1, with DCGAN's networks. */
const MEMBERS: Readonly<Record<string, Member>> = {
  // In the plane repulsion of the default weight drives features apart; the kernel's dimension is that of the features.
  'eieg-gan-2': gan(2, { dimension: 2, stabiliserWeight: 1 }),
  'eieg-gan-16': gan(16),
  'eieg-gan-32': gan(32),
  dcgan: { model: 'dcgan', settings: {} },
  wgan: { model: 'wgan', settings: {} },
  'wgan-gp': { model: 'wgan-gp', settings: {} },
  'mmd-gan': { model: 'mmd-gan', settings: {} },
};
const NAMES = Object.keys(MEMBERS);
/** What sets the member with two features apart, for the report. */
const PLANE = 'Beside its features eieg-gan-2 has a kernel of dimension 2 and a stabiliser of weight 1.';

/** What sets one experiment on images apart from another. */
export interface MemberExperiment {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly lead: string;
  readonly members: string;
  readonly data: string;
  readonly looks: string;
  readonly examples: readonly string[];
}

function modelsIn(scale: Scale): ModelName[] {
  return wordsOf(scale, 'members').map((text) => (MEMBERS[parseEntry('members', text, NAMES).name] as Member).model);
}

function plan(scale: Scale): Cell[] {
  const entries = wordsOf(scale, 'members').map((text) => [text, parseEntry('members', text, NAMES)] as const);
  const rest = {
    looks: numberOf(scale, 'looks'),
    samples: numberOf(scale, 'samples'),
    network: textOf(scale, 'network') ?? '',
    ...keptSettings(scale),
  };
  changedSettings(textOf(scale, 'settings'), modelsIn(scale));
  return wordsOf(scale, 'data').flatMap((data) =>
    numbersOf(scale, 'seeds').flatMap((seed) =>
      entries.map(([member, entry]) => ({ settings: { data, member, seed, ...rest, ...entrySettings(entry, scale) } })),
    ),
  );
}

/**
 * How rough a curve is: the sum of its changes over the distance between its extremes. 1 for one that only rises or only falls.
 *
 * @returns null for fewer than three values, or values that are all the same
 */
export function roughnessOf(curve: readonly (number | null)[]): number | null {
  const values = curve.filter((value) => value !== null);
  const range = Math.max(...values) - Math.min(...values);
  if (values.length < 3 || !(range > 0)) return null;
  return values.slice(1).reduce((sum, value, i) => sum + Math.abs(value - (values[i] as number)), 0) / range;
}

async function runCell(cell: Cell, images: ImageBench, bench: Bench): Promise<Measured | null> {
  const { settings } = cell;
  const [seed, { data }] = [Number(settings['seed']), images];
  const entry = parseEntry('members', String(settings['member']), NAMES);
  const { model, settings: own } = MEMBERS[entry.name] as Member;
  const changed = mergeSettings(own, changedSettings(settings['settings'], [model]));
  const result = await runLookedTrial(
    {
      label: `${entry.name} on ${settings['data']}, seed ${seed}`,
      config: (iterations) => resolveConfig(mergeSettings({ data: data.name, model, iterations, seed }, changed), data),
      data,
      seed,
      budget: budgetOf(entry, cell),
      looks: Number(settings['looks']),
      look: (at) => scoresOf(images, at),
      draw: (at) => imagePictures(bench.runtime, images, at),
    },
    bench,
  );
  if (result === null) return null;
  const measures = { ...result.measures, roughness: roughnessOf(result.curves['score'] ?? []) };
  return { ...result, measures };
}

const SHOWN: readonly (readonly [title: string, name: string])[] = [
  ['Inception-type score (higher is better)', 'score'],
  ['FID (lower is better)', 'fid'],
  ['roughness of the score’s curve', 'roughness'],
  ['iterations', 'iterations'],
  ['a step, ms', 'step'],
  ['training, s', 'trainingSeconds'],
];

const labelOf = ({ settings }: CellResult): string => String(settings['member']);

function findingsOf(
  lead: string,
  results: readonly CellResult[],
  scale: Scale,
  picture: (path: string) => string,
): Findings {
  const members = wordsOf(scale, 'members');
  const [seed] = numbersOf(scale, 'seeds');
  const on = (data: string): readonly CellResult[] => results.filter(({ settings }) => settings['data'] === data);
  const tables = wordsOf(scale, 'data').map((data) => {
    const real =
      on(data).find(({ measures }) => (measures['realScore'] ?? null) !== null)?.measures['realScore'] ?? null;
    return {
      title: `On ${data}: mean ± standard deviation over seeds`,
      rows: [
        ['member', 'runs', ...SHOWN.map(([title]) => title), 'broke off'],
        ...members.map((member) => {
          const runs = on(data).filter((result) => labelOf(result) === member);
          const values = (name: string): (number | null)[] => runs.map(({ measures }) => measures[name] ?? null);
          const broken = runs.filter(({ note }) => note !== '').length;
          const shown = SHOWN.map(([, name]) => spreadText(values(name)));
          return [member, String(runs.length)].concat(shown, String(broken));
        }),
      ],
      note:
        `The same score of as many real test images is ${numberText(real)}. Roughness is the sum of the changes of the score’s curve over its range: 1 for a ` +
        'curve that only rises. Training time leaves the scoring out.',
    };
  });
  const figures = wordsOf(scale, 'data').flatMap((data) => {
    const first = on(data).filter(({ settings }) => settings['seed'] === seed);
    return [
      looksFigure(`Scores on ${data} while training`, first, ['score', 'fid', 'featureSpreadData'], labelOf),
      galleryFigure(
        `Samples: ${data}`,
        'New samples of the first seed; none was picked.',
        first,
        'samples',
        labelOf,
        picture,
      ),
      galleryFigure(
        `Features: ${data}`,
        'Features of 1,000 data by class; laid out by UMAP where there are more than two.',
        first,
        'features',
        labelOf,
        picture,
      ),
    ];
  });
  const plane = members.some((text) => parseEntry('members', text, NAMES).name === 'eieg-gan-2') ? ` ${PLANE}` : '';
  return { lead: `${lead} Every member has ${settingsText(scale)}.${plane}`, tables, figures: shownFigures(figures) };
}

/** An experiment that trains members on images and scores them as they train. */
export function memberExperiment({
  name,
  title,
  summary,
  lead,
  members,
  data,
  looks,
  examples,
}: MemberExperiment): Experiment {
  return {
    name,
    title,
    summary,
    examples,
    options: {
      members: {
        kind: 'words',
        meaning: `${NAMES.join(', ')}; with @ and iterations of its own, or for the time of all`,
        standard: members,
      },
      data: { kind: 'words', meaning: 'labelled images that brownian train takes', standard: data },
      seeds: { kind: 'numbers', meaning: 'seeds', standard: '1' },
      ...timedOptions('480'),
      settings: CHANGED,
      looks: { kind: 'whole number', meaning: 'how often samples are scored', standard: looks },
      ...SCORED,
    },
    plan,
    open: (scale, bench) => {
      const { images } = dataOptions(changedSettings(textOf(scale, 'settings'), modelsIn(scale)));
      const opened = new Map<string, Promise<ImageBench>>();
      const imagesOf = (place: string): Promise<ImageBench> => {
        const found = opened.get(place) ?? openImages(place, scale, bench, images);
        opened.set(place, found);
        return found;
      };
      return Promise.resolve(async (cell) => await runCell(cell, await imagesOf(String(cell.settings['data'])), bench));
    },
    findings: (results, scale, picture) => findingsOf(lead, results, scale, picture),
  };
}
