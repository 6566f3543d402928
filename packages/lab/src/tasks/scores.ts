import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { NDArray } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { type FeatureNetwork, identityNetwork } from 'brownian';
import { csvFormatRows } from 'd3-dsv';
import { writeAtomically } from '../runs/atomic.ts';
import { type Score, describeProvenance } from '../runs/scores.ts';
import type { StartTask } from '../scoring/collect.ts';
import { evaluate } from '../scoring/evaluate.ts';
import { arrayItems } from '../scoring/items.ts';
import type { MetricName } from '../scoring/metric-table.ts';
import { scoreText } from '../scoring/table.ts';
import { textTable } from '../text-table.ts';
import type { TaskImages } from './images.ts';

/** What images are compared by. */
export interface Comparison {
  readonly runtime: Runtime;
  /** Gives the features of FID; left out, there is no FID. */
  readonly network?: FeatureNetwork;
  readonly seed: number;
  readonly start: StartTask;
}

/** Scores of one way to make images. */
export interface ScoredWay {
  /** What sets it apart, such as `{ mask: 'square', fill: 'encode' }`: the first columns of the table. */
  readonly way: Readonly<Record<string, string>>;
  readonly scores: readonly Score[];
}

/** The smallest side of an image that SSIM's window fits. */
const SSIM_SIDE = 11;

/** MSE, PSNR, SSIM and FID of images against those they should be. */
export async function compareImages(
  x: NDArray,
  originals: TaskImages,
  name: string,
  { runtime, network, seed, start }: Comparison,
): Promise<readonly Score[]> {
  const [count = 0, , height = 0, width = 0] = x.shape;
  const metrics: MetricName[] = ['mse', 'psnr'];
  if (Math.min(height, width) >= SSIM_SIDE) metrics.push('ssim');
  if (network !== undefined && count >= 2) metrics.push('fid');
  const scores = await evaluate({
    runtime,
    samples: arrayItems(name, x),
    reference: arrayItems(originals.name, originals.x),
    split: originals.split,
    metrics,
    network: network ?? identityNetwork(),
    seed,
    start,
  });
  return scores.toSorted((a, b) => metrics.indexOf(metricOf(a)) - metrics.indexOf(metricOf(b)));
}

function metricOf({ provenance }: Score): MetricName {
  return provenance.metric as MetricName;
}

/** Rows of a table: a head, and a row for each way. */
function rowsOf(scored: readonly ScoredWay[], text: (score: Score) => string): string[][] {
  const labels = Object.keys(scored[0]?.way ?? {});
  const names = [...new Set(scored.flatMap(({ scores }) => scores.map(({ name }) => name)))];
  const rows = scored.map(({ way, scores }) => [
    ...labels.map((label) => way[label] ?? ''),
    ...names.map((name) => {
      const score = scores.find((candidate) => candidate.name === name);
      return score === undefined ? '' : text(score);
    }),
  ]);
  return [[...labels, ...names], ...rows];
}

/** A table for a terminal, and under it with what its scores were measured. */
export function scoreTable(scored: readonly ScoredWay[]): string[] {
  const notes = new Set(
    scored.flatMap(({ scores }) =>
      scores
        .filter(({ name }) => name === 'FID')
        .map(({ note, provenance }) => `FID: ${describeProvenance(provenance)}${note === '' ? '' : `; ${note}`}`),
    ),
  );
  return [...textTable(rowsOf(scored, scoreText)), '', ...notes];
}

/** Writes `scores.json`, with what scores were measured by, and `scores.csv`. */
export async function writeScoreFiles(
  folder: string,
  settings: Readonly<Record<string, unknown>>,
  scored: readonly ScoredWay[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeAtomically(join(folder, 'scores.json'), [`${JSON.stringify({ settings, scores: scored }, null, 2)}\n`]);
  const digits = ({ value }: Score): string => (value === null ? 'Infinity' : String(value));
  await writeAtomically(join(folder, 'scores.csv'), [`${csvFormatRows(rowsOf(scored, digits))}\n`]);
}
