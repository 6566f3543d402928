import { type NDArray, float32Data } from '@brownian/graph';
import { createStream } from '@brownian/runtime';
import type { LatentPath, ModelName, Smoothness } from 'brownian';
import { asked } from '../errors.ts';
import { SMOOTH, tryInterpolation } from '../tasks/interpolate.ts';
import { timeOf, timeSettings, timedOptions } from './budget.ts';
import type { Bench, Cell, CellResult, Experiment, Findings, Measured, Scale } from './experiment.ts';
import { pictureFigures } from './figures.ts';
import { numberOf, numbersOf, textOf } from './options.ts';
import { HELD_OUT_DATA, IMAGE_SIZE, modelsOf, sizeOf } from './shared-options.ts';
import { type TaskBench, openTaskBench, trainedModel } from './task-trial.ts';
import { numberText } from './text.ts';

const PATHS: readonly LatentPath[] = ['linear', 'spherical'];
const ROWS = 8;

function plan(scale: Scale): Cell[] {
  const models = modelsOf(scale);
  const size = sizeOf(scale);
  const facts = {
    data: textOf(scale, 'data') ?? '',
    ...timeSettings(scale),
    midpoints: numberOf(scale, 'midpoints'),
    ...(size !== null && { size }),
  };
  return numbersOf(scale, 'seeds').flatMap((seed) => models.map((model) => ({ settings: { ...facts, seed, model } })));
}

/** Root mean square distance between each item and the one `by` places further. */
function meanDistance(x: NDArray, by: number): number {
  const values = float32Data(x);
  const n = x.shape[0] as number;
  const size = values.length / n;
  let total = 0;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    const other = ((i + by) % n) * size;
    for (let k = 0; k < size; k++) sum += ((values[i * size + k] as number) - (values[other + k] as number)) ** 2;
    total += Math.sqrt(sum / size) / n;
  }
  return total;
}

/** What is said of rows: how smooth they are, and how far their ends are apart, for rows that stand still are smooth too. */
function rowMeasures(path: LatentPath, smoothness: readonly Smoothness[], ends: number): Record<string, number> {
  const ratios = smoothness.map(({ ratio }) => ratio).toSorted((a, b) => a - b);
  const smooth = ratios.filter((ratio) => ratio <= SMOOTH).length;
  return {
    [`${path}, smooth rows`]: smooth,
    [`${path}, median ratio`]: ((ratios[(ratios.length >> 1) - 1] ?? 0) + (ratios[ratios.length >> 1] ?? 0)) / 2,
    [`${path}, worst ratio`]: ratios.at(-1) as number,
    [`${path}, distance of ends`]: ends,
  };
}

async function runCell(cell: Cell, on: TaskBench, bench: Bench): Promise<Measured | null> {
  const { settings } = cell;
  const [seed, midpoints] = [Number(settings['seed']), Number(settings['midpoints'])];
  const model = settings['model'] as ModelName;
  const trained = await trainedModel({ model, budget: timeOf(cell), seed }, on, bench);
  if (trained === null) return null;
  const { learner, state, curves, iterations, stopped } = trained;
  try {
    const measures: Record<string, number> = { iterations, 'distance of data': meanDistance(on.images.x, 1) };
    const pictures: Measured['pictures'][number][] = [];
    if (stopped !== '') return { measures, curves, note: stopped, pictures };
    for (const path of PATHS) {
      const draw = createStream(seed).split('interpolate');
      const rows = await asked(() => tryInterpolation({ learner, state, rows: ROWS, midpoints, path }, draw));
      const ends = rows.smoothness.map((_, row) => [row * (midpoints + 2), row * (midpoints + 2) + midpoints + 1]);
      const apart = ends.reduce((sum, [from = 0, to = 0]) => sum + distance(rows.items, from, to) / ROWS, 0);
      Object.assign(measures, rowMeasures(path, rows.smoothness, apart));
      pictures.push({ name: path, format: 'png', bytes: rows.picture });
    }
    return { measures, curves, note: '', pictures };
  } finally {
    await learner.dispose();
  }
}

/** Root mean square distance of two items. */
function distance(x: NDArray, from: number, to: number): number {
  const values = float32Data(x);
  const size = values.length / (x.shape[0] as number);
  let sum = 0;
  for (let k = 0; k < size; k++) sum += ((values[from * size + k] as number) - (values[to * size + k] as number)) ** 2;
  return Math.sqrt(sum / size);
}

const COLUMNS = ['median ratio', 'worst ratio', 'distance of ends'] as const;

function findings(results: readonly CellResult[], _: Scale, picture: (path: string) => string): Findings {
  const row = ({ settings, measures }: CellResult, path: string): string[] => [
    `${settings['model']}, seed ${settings['seed']}`,
    path,
    String(measures[`${path}, smooth rows`] ?? '–'),
    ...COLUMNS.map((name) => numberText(measures[`${path}, ${name}`] ?? null)),
    numberText(measures['distance of data'] ?? null),
  ];
  const rows = results.flatMap((result) => PATHS.map((path) => row(result, path)));
  return {
    lead:
      `${ROWS} rows between two drawn latents each: linear between ends clipped to [-1, 1], as Fig. 14 has it, and along the arc. Ratio: the largest step between neighbours over the median step of a row; ` +
      `a row is smooth at a ratio of at most ${SMOOTH}. Distances are root mean squares over pixels in [-1, 1].`,
    tables: [
      {
        title: 'How smoothly rows change',
        rows: [
          [
            'model',
            'path',
            `smooth rows of ${ROWS}`,
            'median ratio',
            'worst ratio',
            'ends apart',
            'images of the data apart',
          ],
          ...rows,
        ],
        note: 'Rows whose ends are hardly apart would be smooth too: compare the last two columns. The paper shows pictures and measures nothing.',
      },
    ],
    figures: pictureFigures(results, ['linear', 'spherical'], 'A row each, from end to end; none was picked.', picture),
  };
}

/** Interpolation in the hidden space of generalised GCN (Fig. 14). */
export const ggcnInterpolation: Experiment = {
  name: 'ggcn-interpolation',
  title: 'Interpolation in the hidden space',
  summary: 'rows of digits or faces between two latents, and how smoothly they change (generalised GCN, Fig. 14)',
  options: {
    data: HELD_OUT_DATA,
    models: { kind: 'words', meaning: 'models that have latents', standard: 'ggcn-star,ggcn' },
    seeds: { kind: 'numbers', meaning: 'seeds of parameters, batches and latents', standard: '1' },
    ...timedOptions('180'),
    midpoints: { kind: 'whole number', meaning: 'images between the two ends', standard: '8' },
    size: IMAGE_SIZE,
  },
  examples: [
    'brownian reproduce ggcn-interpolation',
    'brownian reproduce ggcn-interpolation --models ggcn-star --seconds 600',
    'brownian reproduce ggcn-interpolation --data ./faces --size 64 --models ggcn-star --seconds 1800',
  ],
  plan,
  async open(scale, bench) {
    const data = { name: textOf(scale, 'data') ?? '', size: sizeOf(scale), count: 500 };
    const on = await openTaskBench(data, bench);
    return (cell) => runCell(cell, on, bench);
  },
  findings,
};
