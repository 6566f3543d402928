import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { csvFormatRows } from 'd3-dsv';
import { UserError, asked } from '../errors.ts';
import { gridPng } from '../images/grid.ts';
import { detectionPage, separationTable } from '../report/detection.ts';
import { writeAtomically } from '../runs/atomic.ts';
import { wholeNumber } from '../scoring/request.ts';
import { type Detection, type DetectionScore, detect } from '../tasks/detect.ts';
import { openDetectionSets } from '../tasks/detection-sets.ts';
import type { Context, ExitCode } from './context.ts';
import { choiceOf, folderOf, progressOf, seedOf } from './task.ts';
import { openTrained } from './trained.ts';

/** What `brownian detect` was given, as text. */
export interface DetectRequest {
  readonly run: string;
  readonly in?: string;
  readonly out?: readonly string[];
  readonly n?: string;
  readonly asRun?: boolean;
  readonly score?: string;
  readonly seed?: string;
  readonly folder?: string;
  readonly json?: boolean;
}

const SCORES: readonly DetectionScore[] = ['potential', 'typicality'];

/** A row per item: set, number and file, Φ, score, p-value. */
function scoreRows({ sets }: Detection): string {
  const rows = sets.flatMap(({ role, name, items, potentials, scores, pValues }) =>
    Array.from(potentials, (value, i) => {
      const { index, where } = items.origin(i);
      return [role, name, index, where, String(value), String(scores[i]), String(pValues[i])];
    }),
  );
  return `${csvFormatRows([['role', 'set', 'index', 'item', 'potential', 'score', 'p_value'], ...rows])}\n`;
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
function summary(
  { score, sets, reference, separations }: Detection,
  notes: readonly string[],
  settings: object,
): string {
  const result = {
    settings: { ...settings, score },
    reference: { role: reference.role, name: reference.name },
    notes,
    sets: sets.map(({ role, name, items, potentials }) => ({
      role,
      name,
      items: potentials.length,
      of: items.total,
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
  const count = request.n === undefined ? null : wholeNumber('--n', request.n, 2, 1_000_000);
  const score = choiceOf('--score', request.score, SCORES) ?? 'potential';
  const trained = await openTrained(context, request.run);
  const { run, learner, state, iteration } = trained;
  const note = (text: string): void => (request.json === true ? undefined : context.print(text));
  try {
    if (learner.potential === undefined)
      throw new UserError(
        `${learner.name} of ${run.path} has no potential Φ that scores a single item, which detect needs; give a run of a model that has one, such as wgcn, gcn or vapo.`,
      );
    const seed = seedOf(run, request.seed);
    const { itemShape, paths } = run.record.data;
    const from = { path: run.path, config: run.config, itemShape, paths };
    const { sets, notes } = await openDetectionSets(from, {
      ...(request.in !== undefined && { in: request.in }),
      out: request.out ?? [],
      count,
      seed,
      asRun: request.asRun === true,
    });
    const detection = await asked(() => detect(learner, state, sets, score, progressOf(context, request.json)));
    const folder = folderOf(run, request.folder, 'detect');
    await mkdir(folder, { recursive: true });
    const settings = { run: run.path, iteration, seed, n: count };
    const json = summary(detection, notes, settings);
    const title = `What ${learner.name} finds normal`;
    const about = `${run.path}, iteration ${iteration.toLocaleString('en-US')}, seed ${seed}.`;
    const page = detectionPage({ title, about, notes, detection, examples: await pictures(detection) });
    await writeAtomically(join(folder, 'scores.csv'), [scoreRows(detection)]);
    await writeAtomically(join(folder, 'detect.json'), [json]);
    await writeAtomically(join(folder, 'report.html'), [page]);
    context.print(request.json === true ? json.trimEnd() : separationTable(detection));
    notes.forEach(note);
    note(`Histograms and ROC curves: ${join(folder, 'report.html')}; a score per item: ${join(folder, 'scores.csv')}`);
    return 0;
  } finally {
    await trained.close();
  }
}
