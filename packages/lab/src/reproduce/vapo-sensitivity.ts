import { createStream } from '@brownian/runtime';
import { toyDataset } from 'brownian';
import { mergeSettings, resolveConfig, settingsFromFlags } from '../config/settings.ts';
import { openData } from '../data/open.ts';
import { parseChange } from './changes.ts';
import { thin } from './curves.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, Scale } from './experiment.ts';
import { type Judge, openJudge } from './judge.ts';
import { flowEvaluations } from './flow-evaluations.ts';
import { numberOf, textOf, wordsOf } from './options.ts';
import { judgePlane } from './plane.ts';
import { numberText } from './text.ts';
import { milliseconds, train } from './training.ts';

/** What a word of the list of changes stands for. @throws UserError unless it is an option of vapo, or none */
function changeOf(text: string): Record<string, string> {
  return text === 'none' ? {} : parseChange('changes', text, ['vapo']);
}

function plan(scale: Scale): Cell[] {
  const changes = wordsOf(scale, 'changes');
  changes.forEach(changeOf);
  const [data, iterations, samples] = [
    textOf(scale, 'data') ?? '',
    numberOf(scale, 'iterations'),
    numberOf(scale, 'samples'),
  ];
  return changes.map((change) => ({ settings: { data, change, iterations, samples } }));
}

async function runCell({ settings }: Cell, judge: Judge | undefined, bench: Bench): Promise<Measured | null> {
  const name = String(settings['data']);
  const points = name === '8-gaussians';
  const data = points
    ? toyDataset('8-gaussians', createStream(1).split('data'), 20_000)
    : await openData(name, { limit: null, seed: 1 });
  const own = settingsFromFlags(changeOf(String(settings['change'])));
  const iterations = Number(settings['iterations']);
  const config = resolveConfig(mergeSettings({ data: name, model: 'vapo', iterations }, own), data);
  const label = String(settings['change']);
  const end = await train({ label, config: () => config, data, seed: config.seed, budget: { iterations } }, bench);
  if (end === null) return null;
  const [curves, note] = [thin(end.curves), end.stopped];
  try {
    if (note !== '') return { measures: {}, pictures: [], curves, note };
    if (points) return { ...(await judgePlane(bench, '8-gaussians', end, Number(settings['samples']))), curves, note };
    const { measures, pictures } = await (judge as Judge)(end);
    const evaluations = await flowEvaluations(bench.runtime, end, data.itemShape, 100);
    return { measures: { ...measures, evaluations, step: milliseconds(end.pace.wall) }, pictures, curves, note };
  } finally {
    await end.learner.dispose();
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

function findings(results: readonly CellResult[], scale: Scale): Findings {
  const columns = SHOWN.filter(([, name]) => results.some(({ measures }) => typeof measures[name] === 'number'));
  return {
    lead: `Each row is a training of ${numberOf(scale, 'iterations').toLocaleString('en-US')} iterations on ${textOf(scale, 'data')} in which one option differs from the defaults.`,
    tables: [
      {
        title: 'What one option does',
        rows: [
          ['change', ...columns.map(([title]) => title)],
          ...results.map(({ settings, measures, note }) => [
            String(settings['change']),
            ...columns.map(([, name]) => (note === '' ? numberText(measures[name] ?? null) : note)),
          ]),
        ],
        note: 'One seed: differences of a few per cent are chance. Options and defaults: brownian train --model vapo --help.',
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
      meaning: 'options of vapo that differ from its defaults, and none',
      standard: [
        'none',
        'potential.clock=false',
        'flow.estimator=covariance',
        'path.data-std=0.01',
        'path.data-std=0.1',
        'path.epsilon=0.00001',
        'path.epsilon=0.01',
        'flow.poincare=0',
        'flow.poincare=0.01',
        'sampling.t-end=1',
        'sampling.t-end=1.5',
        'sampling.rtol=0.1',
        'sampling.rtol=0.00001',
        'sampling.solver=heun',
        'sampling.step-size=0.05',
        'optimizer.rule=lamb',
        'optimizer.ema=0',
      ].join(','),
    },
    iterations: { kind: 'whole number', meaning: 'iterations of each training', standard: '2000' },
    samples: { kind: 'whole number', meaning: 'samples that are measured', standard: '4000' },
    network: { kind: 'text', meaning: 'what scores images: classifier, or an .onnx network', standard: 'classifier' },
  },
  examples: [
    'brownian reproduce vapo-sensitivity',
    'brownian reproduce vapo-sensitivity --data mnist --iterations 1500 --samples 500 --changes none,potential.clock=true',
  ],
  plan,
  async open(scale, bench) {
    const [name, samples] = [textOf(scale, 'data') ?? '', numberOf(scale, 'samples')];
    const images = name !== '8-gaussians';
    const judge = images
      ? (await openJudge(bench, { data: name, samples, network: textOf(scale, 'network') ?? '' }))()
      : undefined;
    return (cell) => runCell(cell, judge, bench);
  },
  findings,
};
