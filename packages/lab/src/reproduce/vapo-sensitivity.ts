import { createStream } from '@brownian/runtime';
import { type Dataset, createLearner, toyDataset } from 'brownian';
import type { RunConfig } from '../config/run-config.ts';
import { mergeSettings, resolveConfig, settingsFromFlags } from '../config/settings.ts';
import { openData } from '../data/open.ts';
import { parseChanges, trainingOf } from './changes.ts';
import { thin } from './curves.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, Scale } from './experiment.ts';
import { type Judge, openJudge } from './judge.ts';
import { flowEvaluations } from './flow-evaluations.ts';
import { numberOf, numbersOf, textOf, wordsOf } from './options.ts';
import { judgePlane } from './plane.ts';
import { seedsOption } from './shared-options.ts';
import { spreadText } from './text.ts';
import { type ModelAt, type Trained, milliseconds, noSamples, train } from './training.ts';

const POINTS = '8-gaussians';

/**
 * What is changed unless it is said: one thing at a time, with what has to go with it (ε is a tenth of s² or less, rtol and atol are one tolerance).
 *
 * @param clock the choice that is not the default
 * @param poincare η above the default, which images have smaller
 * @param tight a tolerance below the default, which points have smaller
 */
function standardChanges(clock: boolean, poincare: string, tight: string): readonly string[] {
  return [
    'none',
    `potential.clock=${clock}`,
    'flow.estimator=covariance',
    'path.data-std=0.01+path.epsilon=0.00001',
    'path.data-std=0.1',
    'path.epsilon=0.00001',
    'path.epsilon=0.01',
    'flow.poincare=0',
    `flow.poincare=${poincare}`,
    'optimizer.rule=lamb',
    'optimizer.ema=0',
    'sampling.t-end=1',
    'sampling.t-end=1.5',
    'sampling.rtol=0.1+sampling.atol=0.1',
    `sampling.rtol=${tight}+sampling.atol=${tight}`,
    'sampling.solver=heun',
    'sampling.step-size=0.05',
  ];
}

const CHANGES = {
  points: standardChanges(false, '0.01', '0.00001'),
  images: standardChanges(true, '0.0001', '0.0001'),
} as const;

function changesOf(scale: Scale): readonly string[] {
  if (scale['changes'] !== null) return wordsOf(scale, 'changes');
  return CHANGES[textOf(scale, 'data') === POINTS ? 'points' : 'images'];
}

/** The cells of one training stand together, so that it is done once. */
function plan(scale: Scale): Cell[] {
  const changes = changesOf(scale).map((text) => [text, parseChanges('changes', text, ['vapo'])] as const);
  changes.forEach(([, change]) => settingsFromFlags(change));
  const trainings = changes.map(([, change]) => trainingOf(change));
  const place = ([, change]: (typeof changes)[number]): number => trainings.indexOf(trainingOf(change));
  const together = changes.toSorted((a, b) => place(a) - place(b));
  const [data, iterations, samples] = [
    textOf(scale, 'data') ?? '',
    numberOf(scale, 'iterations'),
    numberOf(scale, 'samples'),
  ];
  return numbersOf(scale, 'seeds').flatMap((seed) =>
    together.map(([change]) => ({ settings: { data, seed, change, iterations, samples } })),
  );
}

async function openItems(name: string): Promise<Dataset> {
  return name === POINTS
    ? toyDataset(POINTS, createStream(1).split('data'), 20_000)
    : await openData(name, { limit: null, seed: 1 });
}

/** The last training, for the cells after it that change nothing but how samples are drawn. */
class Trainings {
  readonly #data: Dataset;
  readonly #bench: Bench;
  #key = '';
  #end: Trained | undefined;

  constructor(data: Dataset, bench: Bench) {
    this.#data = data;
    this.#bench = bench;
  }

  /** The training of a cell, without its learner; null when the user stopped it. */
  async of(config: RunConfig, training: string): Promise<Omit<Trained, 'learner'> | null> {
    const { iterations, seed } = config;
    const key = JSON.stringify([training, iterations, seed]);
    if (this.#end !== undefined && this.#key === key) return this.#end;
    const label = `${training}, seed ${seed}`;
    const course = { label, config: () => config, data: this.#data, seed, budget: { iterations } };
    const end = await train(course, this.#bench);
    if (end === null) return null;
    await end.learner.dispose();
    [this.#key, this.#end] = [key, end];
    return end;
  }
}

/** Measures a model with a learner of its own, since a training may serve cells that sample otherwise. */
async function measured(
  at: ModelAt,
  samples: number,
  judge: Judge | undefined,
  bench: Bench,
): Promise<Pick<Measured, 'measures' | 'pictures'>> {
  if (judge === undefined) return await judgePlane(bench, POINTS, at, samples);
  const { measures, pictures } = await judge(at);
  const evaluations = await flowEvaluations(bench.runtime, at, at.learner.particles(at.state).shape.slice(1), 100);
  return { measures: { ...measures, evaluations, step: milliseconds(at.pace.wall) }, pictures };
}

async function runCell(
  { settings }: Cell,
  data: Dataset,
  trainings: Trainings,
  judge: Judge | undefined,
  bench: Bench,
): Promise<Measured | null> {
  const change = parseChanges('changes', String(settings['change']), ['vapo']);
  const [iterations, seed] = [Number(settings['iterations']), Number(settings['seed'])];
  const common = { data: String(settings['data']), model: 'vapo', iterations, seed };
  const config = resolveConfig(mergeSettings(common, settingsFromFlags(change)), data);
  const end = await trainings.of(config, trainingOf(change));
  if (end === null) return null;
  const [curves, nothing] = [thin(end.curves), { measures: {}, pictures: [] }];
  if (end.stopped !== '') return { ...nothing, curves, note: end.stopped };
  const learner = createLearner(bench.runtime, config.model, config, data.itemShape);
  try {
    const at: ModelAt = { ...end, learner, config };
    return { ...(await measured(at, Number(settings['samples']), judge, bench)), curves, note: '' };
  } catch (error) {
    // That a flow cannot be followed is what this row has to tell.
    return { ...nothing, curves, note: noSamples(error) };
  } finally {
    await learner.dispose();
  }
}

const SHOWN: readonly (readonly [title: string, name: string])[] = [
  ['sliced W₂', 'distance'],
  ['modes', 'covered'],
  ['share in place', 'share'],
  ['score', 'score'],
  ['FID', 'fid'],
  ['evaluations', 'evaluations'],
  ['a step, ms', 'step'],
];

/** A row of the table: means over seeds, or what went wrong. */
function row(change: string, cells: readonly CellResult[], names: readonly string[]): string[] {
  const note = cells.find((cell) => cell.note !== '')?.note;
  return [change, ...names.map((name) => note ?? spreadText(cells.map(({ measures }) => measures[name] ?? null)))];
}

function findings(results: readonly CellResult[], scale: Scale): Findings {
  const columns = SHOWN.filter(([, name]) => results.some(({ measures }) => typeof measures[name] === 'number'));
  const names = columns.map(([, name]) => name);
  const seeds = numbersOf(scale, 'seeds').length;
  return {
    lead: `Each row is a training of ${numberOf(scale, 'iterations').toLocaleString('en-US')} iterations on ${textOf(scale, 'data')} in which one thing differs from the defaults; rows that differ in sampling alone are of one training.`,
    tables: [
      {
        title: 'What one option does',
        rows: [
          ['change', ...columns.map(([title]) => title)],
          ...changesOf(scale).map((change) =>
            row(
              change,
              results.filter(({ settings }) => settings['change'] === change),
              names,
            ),
          ),
        ],
        note: `${seeds === 1 ? 'One seed: differences of a few per cent are chance.' : `Mean ± standard deviation over ${seeds} seeds.`} Options and defaults: brownian train --model vapo --help.`,
      },
    ],
    figures: [],
  };
}

/** What s, ε, η, end time, tolerance, estimator and time input do to VAPO, one at a time. */
export const vapoSensitivity: Experiment = {
  name: 'vapo-sensitivity',
  title: 'What the options of VAPO do',
  summary: 's, ε, η, end time, tolerance, solver, estimator, time input and optimizer, one at a time',
  options: {
    data: {
      kind: 'text',
      meaning: '8-gaussians, or labelled images that brownian train takes',
      standard: '8-gaussians',
    },
    changes: {
      kind: 'words',
      meaning:
        'options of vapo that differ from its defaults, with + between those of one change, and none (default: 17 for points, 17 for images)',
      standard: null,
    },
    seeds: seedsOption('1'),
    iterations: { kind: 'whole number', meaning: 'iterations of each training', standard: '2000' },
    samples: { kind: 'whole number', meaning: 'samples that are measured', standard: '4000' },
    network: { kind: 'text', meaning: 'what scores images: classifier, or an .onnx network', standard: 'classifier' },
  },
  examples: [
    'brownian reproduce vapo-sensitivity',
    'brownian reproduce vapo-sensitivity --data mnist --iterations 1500 --samples 500',
    'brownian reproduce vapo-sensitivity --seeds 1,2,3 --changes none,path.data-std=0.01+path.epsilon=0.00001',
  ],
  plan,
  async open(scale, bench) {
    const [name, samples] = [textOf(scale, 'data') ?? '', numberOf(scale, 'samples')];
    const judge =
      name === POINTS
        ? undefined
        : (await openJudge(bench, { data: name, samples, network: textOf(scale, 'network') ?? '' }))();
    const data = await openItems(name);
    const trainings = new Trainings(data, bench);
    return (cell) => runCell(cell, data, trainings, judge, bench);
  },
  findings,
};
