import { access } from 'node:fs/promises';
import { type Runtime, createStream } from '@brownian/runtime';
import { nodeRuntime } from '@brownian/runtime/node';
import { type FeatureNetwork, identityNetwork } from 'brownian';
import { UserError } from '../errors.ts';
import { writeReport } from '../report/report.ts';
import { type Run, openRun, runFiles } from '../runs/run.ts';
import { addScores } from '../runs/scores.ts';
import { type StartTask, silently } from '../scoring/collect.ts';
import { evaluate } from '../scoring/evaluate.ts';
import { type Items, datasetItems, sampledItems } from '../scoring/items.ts';
import { METRICS, type MetricName } from '../scoring/metric-table.ts';
import { openNetwork } from '../scoring/networks.ts';
import { type Reference, openReference, openSamples } from '../scoring/reference.ts';
import { defaultMetrics, itemCount, parseMetrics, wholeNumber } from '../scoring/request.ts';
import { scoreLines } from '../scoring/table.ts';
import type { Context, ExitCode } from './context.ts';
import { openTrained } from './trained.ts';

/** What `brownian evaluate` was given, as text. */
export interface EvaluateRequest {
  /** A run, or data: a folder or a file. */
  readonly what: string;
  readonly against?: string;
  readonly split?: string;
  readonly metrics?: string;
  readonly samples?: string;
  readonly reference?: string;
  readonly network?: string;
  readonly networkSpec?: string;
  readonly seed?: string;
  readonly json?: boolean;
}

/** Samples of a run when the user does not say how many. */
const RUN_SAMPLES = 1000;
/** Items of data when the user does not say how many. */
const MOST_ITEMS = 10_000;
const LARGEST_SEED = 0xffff_ffff;

/** What is scored, opened: a run with a session to sample from it, or data. */
type Subject = { readonly items: Items; readonly run?: Run; close(): Promise<void> };

async function isRun(path: string): Promise<boolean> {
  return await access(runFiles(path).record).then(
    () => true,
    () => false,
  );
}

/** Samples of a run's newest checkpoint, the same as `brownian sample --seed` draws. */
async function openRunSamples(context: Context, run: Run, count: number, seed: number): Promise<Subject> {
  const { learner, state, close } = await openTrained(context, run.path);
  const facts = { name: `samples of ${run.path}`, itemShape: run.record.data.itemShape, count };
  return { items: sampledItems(learner, state, facts, createStream(seed).split('samples')), run, close };
}

async function openDataItems(
  request: EvaluateRequest,
  reference: Reference,
  seed: number,
  paired: boolean,
): Promise<Subject> {
  const data = await openSamples(request.what, reference, paired);
  const count = itemCount('--samples', request.samples, data, MOST_ITEMS);
  const choose = paired ? undefined : createStream(seed).split('samples');
  return { items: datasetItems(data, count, choose), close: () => Promise.resolve() };
}

/** The items compared with: as many as the samples, in order, when they are compared item by item. */
function referenceItems(
  { data }: Reference,
  request: EvaluateRequest,
  paired: boolean,
  seed: number,
  pairs: number,
): Items {
  if (!paired) {
    const count = itemCount('--reference', request.reference, data, MOST_ITEMS);
    return datasetItems(data, count, createStream(seed).split('reference'));
  }
  return datasetItems(data, Math.min(pairs, data.size));
}

function isPaired(metrics: readonly MetricName[] | undefined): boolean {
  return metrics?.some((metric) => METRICS[metric].needs === 'pairs') === true;
}

/** @throws UserError when samples that have no counterpart would be compared item by item */
function refusePairs(run: Run | undefined, metrics: readonly MetricName[] | undefined): void {
  const paired = metrics?.find((metric) => METRICS[metric].needs === 'pairs');
  if (run === undefined || paired === undefined) return;
  throw new UserError(
    `${paired} compares item by item and needs pairs; samples of a run have no counterpart in the data: give a folder or file of reconstructions instead of ${run.path}.`,
  );
}

/** @throws UserError when items of two shapes would be compared, unless an image model brings both to one size */
function requireOneShape(items: Items, { data, name }: Reference, network: string | undefined): void {
  const [ours, theirs] = [items.itemShape, data.itemShape];
  if (ours.join() === theirs.join()) return;
  const images = ours.length === 3 && theirs.length === 3;
  if (images && network?.toLowerCase().endsWith('.onnx') === true) return;
  const or = images ? ', or an image model (--network model.onnx), which resizes both' : '';
  throw new UserError(
    `The items of ${items.name} have the shape [${ours.join(', ')}], those of ${name} [${theirs.join(', ')}]; give data of one shape${or}.`,
  );
}

async function openSubject(
  context: Context,
  request: EvaluateRequest,
  reference: Reference,
  run: Run | undefined,
  seed: number,
  paired: boolean,
): Promise<Subject> {
  if (run === undefined) return await openDataItems(request, reference, seed, paired);
  const count = wholeNumber('--samples', request.samples ?? String(RUN_SAMPLES), 2, 1_000_000);
  return await openRunSamples(context, run, count, seed);
}

/**
 * `brownian evaluate`: scores samples of a run, or data, against data. Scores of a run are kept in it, and its report is written
 * anew.
 *
 * @throws UserError for anything the user can put right.
 */
export async function evaluateCommand(context: Context, request: EvaluateRequest): Promise<ExitCode> {
  const asked = request.metrics === undefined ? undefined : parseMetrics(request.metrics);
  const run = (await isRun(request.what)) ? await openRun(request.what) : undefined;
  refusePairs(run, asked);
  const seed =
    request.seed === undefined ? (run?.config.seed ?? 1) : wholeNumber('--seed', request.seed, 0, LARGEST_SEED);
  const paired = isPaired(asked);
  const reference = await openReference(request, run, paired);
  // Lines of progress would spoil JSON on the same output.
  const start = request.json === true ? silently : () => context.task();
  const threads = run?.config.threads ?? undefined;
  const runtime = nodeRuntime(threads === undefined ? {} : { threads });
  const subject = await openSubject(context, request, reference, run, seed, paired);
  try {
    const plain = asked?.every((metric) => !METRICS[metric].usesNetwork) === true;
    requireOneShape(subject.items, reference, plain ? undefined : request.network);
    const network = plain ? identityNetwork() : await openNetwork(runtime, reference, subject.items, request, start);
    await score(context, request, { runtime, run, subject, reference, network, asked, seed, paired, start });
  } finally {
    await Promise.all([subject.close(), runtime.dispose()]);
  }
  return 0;
}

/** All that is open while scores are measured. */
interface Opened {
  readonly runtime: Runtime;
  readonly run: Run | undefined;
  readonly subject: Subject;
  readonly reference: Reference;
  readonly network: FeatureNetwork;
  readonly asked: readonly MetricName[] | undefined;
  readonly seed: number;
  readonly paired: boolean;
  readonly start: StartTask;
}

async function score(context: Context, request: EvaluateRequest, opened: Opened): Promise<void> {
  const { runtime, run, subject, reference, network, asked, seed, paired, start } = opened;
  const { items } = subject;
  const { modes } = reference;
  const metrics =
    asked ??
    defaultMetrics({ points: items.itemShape.length === 1, modes: modes !== undefined, classes: network.hasClasses });
  const scores = await evaluate({
    runtime,
    samples: items,
    reference: referenceItems(reference, request, paired, seed, items.count),
    split: reference.split,
    metrics,
    network,
    ...(modes && { modes }),
    seed,
    start,
  });
  if (run !== undefined) {
    await addScores(run.path, scores);
    await writeReport(run.path);
  }
  if (request.json === true) {
    context.print(JSON.stringify({ samples: items.name, scores }, null, 2));
    return;
  }
  for (const line of scoreLines(scores)) context.print(line);
  if (run !== undefined) context.print(`Kept in ${runFiles(run.path).scores}; report: ${runFiles(run.path).report}`);
}
