import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createStream } from '@brownian/runtime';
import { csvFormatRows } from 'd3-dsv';
import type { Dataset } from 'brownian';
import { openData } from '../data/open.ts';
import { UserError, asked } from '../errors.ts';
import { gridPng } from '../images/grid.ts';
import { detectionPage, separationTable } from '../report/detection.ts';
import { writeAtomically } from '../runs/atomic.ts';
import type { Run } from '../runs/run.ts';
import { type Items, datasetItems } from '../scoring/items.ts';
import { openPart } from '../scoring/reference.ts';
import { wholeNumber } from '../scoring/request.ts';
import { type Detection, type DetectionScore, type DetectionSet, detect, interpolatedItems } from '../tasks/detect.ts';
import type { Context, ExitCode } from './context.ts';
import { choiceOf, folderOf, progressOf, seedOf } from './task.ts';
import { openTrained } from './trained.ts';

/** What `brownian detect` was given, as text. */
export interface DetectRequest {
  readonly run: string;
  readonly in?: string;
  readonly out?: readonly string[];
  readonly n: string;
  readonly score?: string;
  readonly seed?: string;
  readonly folder?: string;
  readonly json?: boolean;
}

const SCORES: readonly DetectionScore[] = ['potential', 'typicality'];
/** The name of half-and-half mixtures of the `in` set. */
const INTERPOLATED = 'interpolated';

/** A data set in the shape of the run's items: other images are scaled and coloured to fit. */
async function openFitting({ config, record, path }: Run, name: string): Promise<Dataset> {
  const { itemShape } = record.data;
  const [channels, height, width] = itemShape;
  const fitting = itemShape.length === 3 && height === width && name !== config.data;
  const images = {
    ...config.images,
    testShare: name === config.data ? config.images.testShare : null,
    flip: false,
    dequantise: false,
    ...(fitting && { size: height as number, color: channels === 1 ? ('grey' as const) : ('rgb' as const) }),
  };
  const [data] = await openPart(name, { limit: null, seed: config.seed, images }, undefined);
  if (data.itemShape.join() !== itemShape.join())
    throw new UserError(
      `The items of ${name} have the shape [${data.itemShape.join(', ')}], those of ${path} [${itemShape.join(', ')}]; give data of that shape.`,
    );
  return data;
}

async function openSets(run: Run, request: DetectRequest, count: number, seed: number): Promise<DetectionSet[]> {
  const { config } = run;
  const choose = createStream(seed).split('detect');
  const itemsOf = (data: Dataset, name: string): Items => ({
    ...datasetItems(data, Math.min(count, data.size), choose.split(name)),
    name,
  });
  const inside = request.in ?? config.data;
  const like = itemsOf(await openFitting(run, inside), inside);
  const sets: DetectionSet[] = [
    { role: 'train', items: itemsOf(await openData(config.data, config), config.data) },
    { role: 'in', items: { ...like, name: `${inside} (new)` } },
  ];
  for (const name of request.out ?? []) {
    const items =
      name === INTERPOLATED
        ? await interpolatedItems(like, choose.split('pairs'))
        : itemsOf(await openFitting(run, name), name);
    sets.push({ role: 'out', items });
  }
  return sets;
}

/** A row per item: set, index, Φ, score, p-value. */
function scoreRows({ sets }: Detection): string {
  const rows = sets.flatMap(({ role, name, potentials, scores, pValues }) =>
    Array.from(potentials, (value, i) => [role, name, String(i), String(value), String(scores[i]), String(pValues[i])]),
  );
  return `${csvFormatRows([['role', 'set', 'item', 'potential', 'score', 'p_value'], ...rows])}\n`;
}

async function pictures({ sets }: Detection): Promise<{ name: string; least: string; most: string }[]> {
  const base64 = async (x: Parameters<typeof gridPng>[0]): Promise<string> =>
    Buffer.from(await gridPng(x, { columns: 4 })).toString('base64');
  const images = sets.filter(({ least }) => least.shape.length === 4);
  return await Promise.all(
    images.map(async ({ name, least, most }) => ({ name, least: await base64(least), most: await base64(most) })),
  );
}

/** Scores and summary without the items themselves. */
function summary({ score, sets, separations }: Detection, settings: object): string {
  const result = {
    settings: { ...settings, score },
    sets: sets.map(({ role, name, potentials }) => ({
      role,
      name,
      items: potentials.length,
      meanPotential: potentials.reduce((a, b) => a + b, 0) / potentials.length,
    })),
    separations: separations.map(({ name, auroc, falsePositivesAt95 }) => ({ name, auroc, falsePositivesAt95 })),
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}

/**
 * `brownian detect`: scores items by how normal a trained model finds them, and measures how well that tells its data from others.
 *
 * @throws UserError for a model without a potential, and for anything else the user can put right
 */
export async function detectCommand(context: Context, request: DetectRequest): Promise<ExitCode> {
  const count = wholeNumber('--n', request.n, 2, 1_000_000);
  const score = choiceOf('--score', request.score, SCORES) ?? 'potential';
  const trained = await openTrained(context, request.run);
  const { run, learner, state, iteration } = trained;
  try {
    if (learner.potential === undefined)
      throw new UserError(
        `${run.config.model} has no potential to score items by; detect is for models such as wgcn, gcn or vapo.`,
      );
    const seed = seedOf(run, request.seed);
    const sets = await openSets(run, request, count, seed);
    const detection = await asked(() => detect(learner, state, sets, score, progressOf(context, request.json)));
    const folder = folderOf(run, request.folder, 'detect');
    await mkdir(folder, { recursive: true });
    const settings = { run: run.path, iteration, seed, n: count };
    const json = summary(detection, settings);
    const title = `What ${learner.name} finds normal`;
    const about = `${run.path}, iteration ${iteration.toLocaleString('en-US')}; at most ${count.toLocaleString('en-US')} items of each set, seed ${seed}.`;
    const page = detectionPage({ title, about, detection, examples: await pictures(detection) });
    await writeAtomically(join(folder, 'scores.csv'), [scoreRows(detection)]);
    await writeAtomically(join(folder, 'detect.json'), [json]);
    await writeAtomically(join(folder, 'report.html'), [page]);
    context.print(request.json === true ? json.trimEnd() : separationTable(detection.separations));
    if (request.json !== true)
      context.print(
        `Histograms and ROC curves: ${join(folder, 'report.html')}; a score per item: ${join(folder, 'scores.csv')}`,
      );
    return 0;
  } finally {
    await trained.close();
  }
}
