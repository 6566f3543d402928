import { type Runtime, createStream } from '@brownian/runtime';
import type { FeatureNetwork, Modes } from 'brownian';
import { UserError } from '../errors.ts';
import type { Score } from '../runs/scores.ts';
import { type StartTask, collectOutputs, meanOverPairs } from './collect.ts';
import type { Items } from './items.ts';
import { type Figure, METRICS, type Material, type MetricDefinition, type MetricName } from './metric-table.ts';

/** Two sets and how to compare them. */
export interface Evaluation {
  readonly runtime: Runtime;
  readonly samples: Items;
  readonly reference: Items;
  /** Part of the data that the reference is, for the record. */
  readonly split: string;
  readonly metrics: readonly MetricName[];
  readonly network: FeatureNetwork;
  /** Modes of the reference, if it is a mixture of Gaussians. */
  readonly modes?: Modes;
  /** Seed of all that is drawn here, and for the record of the samples. */
  readonly seed: number;
  readonly start: StartTask;
}

/** A score with all that it was measured with. */
function scoreOf(evaluation: Evaluation, metric: MetricName, figure: Figure): Score {
  const { samples, reference, split, network, seed } = evaluation;
  const { name, hash } = network;
  return {
    name: figure.name,
    value: Number.isFinite(figure.value) ? figure.value : null,
    error: figure.error ?? null,
    note: figure.note ?? '',
    provenance: {
      metric,
      network: METRICS[metric].usesNetwork ? { name, hash } : null,
      samples: figure.ofReference === true ? 0 : (figure.used ?? samples.count),
      reference: { data: reference.name, split, items: figure.used ?? reference.count },
      seed,
    },
  };
}

/** @throws UserError naming what the metric needs and the data or the network lack */
function checkNeeds(name: MetricName, { needs }: MetricDefinition, evaluation: Evaluation): void {
  const { samples, reference, network, modes } = evaluation;
  if (needs === 'probabilities' && !network.hasClasses)
    throw new UserError(`${name} needs class probabilities, and ${network.name} gives none; use another --network.`);
  if (needs === 'modes' && modes === undefined) {
    throw new UserError(
      `${name} needs data that are a mixture of Gaussians with known modes, such as 8-gaussians; "${reference.name}" is not.`,
    );
  }
  if (needs !== 'pairs') return;
  const [ours, theirs] = [samples, reference].map(({ itemShape }) => itemShape.join('×'));
  if (ours !== theirs || samples.count !== reference.count) {
    throw new UserError(
      `${name} compares item by item and needs pairs: ${samples.name} has ${samples.count} items of ${ours}, ${reference.name} ${reference.count} of ${theirs}.`,
    );
  }
  if (name === 'ssim' && (samples.itemShape.length !== 3 || Math.min(...samples.itemShape.slice(1)) < 11))
    throw new UserError(`ssim needs images of at least 11×11 pixels; items of ${samples.name} are ${ours}.`);
}

/** Metrics that compare sets, from the features of both. */
async function compareSets(evaluation: Evaluation, metrics: readonly MetricName[]): Promise<Score[]> {
  const { runtime, network, samples, reference, modes, seed, start } = evaluation;
  if (metrics.length === 0) return [];
  const x = await collectOutputs(network, samples, 'samples', start);
  const y = await collectOutputs(network, reference, 'data', start);
  const probabilities = x.probabilities && y.probabilities ? ([x.probabilities, y.probabilities] as const) : undefined;
  const scores: Score[] = [];
  for (const metric of metrics) {
    const definition: MetricDefinition = METRICS[metric];
    if (definition.needs === 'pairs') continue;
    const stream = createStream(seed).split(metric);
    const material: Material = { runtime, features: [x.features, y.features], probabilities, modes, stream, start };
    scores.push(...(await definition.measure(material)).map((figure) => scoreOf(evaluation, metric, figure)));
  }
  return scores;
}

/** Metrics that compare item by item. */
async function comparePairs(evaluation: Evaluation, metrics: readonly MetricName[]): Promise<Score[]> {
  const { runtime, samples, reference, start } = evaluation;
  if (metrics.length === 0) return [];
  const means = await meanOverPairs(
    async (x, y) => {
      const scores: Record<string, Float64Array> = {};
      for (const metric of metrics) {
        const definition: MetricDefinition = METRICS[metric];
        if (definition.needs === 'pairs') scores[metric] = await definition.measurePairs(runtime, x, y);
      }
      return scores;
    },
    samples,
    reference,
    start,
  );
  return metrics.map((metric) =>
    scoreOf(evaluation, metric, {
      name: metric.toUpperCase(),
      value: means[metric] as number,
      note: 'mean over items',
    }),
  );
}

/**
 * Scores of samples against a reference, each with its network, counts, split and seed.
 *
 * @throws UserError when a metric needs what the items or the network do not have
 */
export async function evaluate(evaluation: Evaluation): Promise<Score[]> {
  const { metrics } = evaluation;
  for (const metric of metrics) checkNeeds(metric, METRICS[metric], evaluation);
  const isPaired = (metric: MetricName): boolean => METRICS[metric].needs === 'pairs';
  const sets = await compareSets(
    evaluation,
    metrics.filter((metric) => !isPaired(metric)),
  );
  return [...sets, ...(await comparePairs(evaluation, metrics.filter(isPaired)))];
}
