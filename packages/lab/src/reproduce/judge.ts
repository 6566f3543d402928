import type { NDArray, Tree } from '@brownian/graph';
import { type Stream, createStream } from '@brownian/runtime';
import type { Dataset, FeatureNetwork, Learner } from 'brownian';
import type { ImageOptions } from '../config/run-config.ts';
import { openData } from '../data/open.ts';
import { gridPng } from '../images/grid.ts';
import { silently } from '../scoring/collect.ts';
import { evaluate } from '../scoring/evaluate.ts';
import { type Items, datasetItems } from '../scoring/items.ts';
import { openNetwork } from '../scoring/networks.ts';
import { openReference } from '../scoring/reference.ts';
import type { Bench, Measured, Scale } from './experiment.ts';
import { numberOf, textOf } from './options.ts';

/** A model at the end of a trial. */
export interface TrainedModel {
  readonly learner: Learner;
  readonly state: Tree<NDArray>;
  /** Of its own, for what is drawn from the model. */
  readonly stream: Stream;
}

/** What is measured of a trained model, with pictures of it. */
export type Judgement = Pick<Measured, 'measures' | 'pictures'>;

/** Scores new samples of a model, and shows some of them. */
export type Judge = (model: TrainedModel) => Promise<Judgement>;

/** What samples are compared with, and how many there are of both. */
export interface Comparison {
  /** Labelled data that `brownian train` takes; a classifier of all of its classes is trained once and kept. */
  readonly data: string;
  readonly samples: number;
  /** `classifier`, or the path of an `.onnx` network. */
  readonly network: string;
  /** How the images are prepared. Default: as they are. */
  readonly images?: ImageOptions;
}

/** Samples in pictures: eight rows of eight. */
const SHOWN = 64;

function itemsOf(x: NDArray): Items {
  const count = x.shape[0] as number;
  async function* batches(): AsyncGenerator<NDArray> {
    yield await Promise.resolve(x);
  }
  return { name: 'new samples', itemShape: x.shape.slice(1), count, batches };
}

function firstOf({ shape: [n = 0, ...item], data }: NDArray, count: number): NDArray {
  const kept = Math.min(n, count);
  return { dtype: 'float32', shape: [kept, ...item], data: (data as Float32Array).slice(0, (data.length / n) * kept) };
}

async function judgeBy(
  { runtime }: Bench,
  network: FeatureNetwork,
  reference: Dataset,
  { samples }: Comparison,
  { learner, state, stream }: TrainedModel,
): Promise<Judgement> {
  const x = await learner.sample(state, samples, stream);
  const count = Math.min(samples, reference.size);
  const scores = await evaluate({
    runtime,
    network,
    samples: itemsOf(x),
    reference: datasetItems(reference, count, createStream(1).split('reference')),
    split: 'test',
    metrics: network.hasClasses ? ['is', 'fid', 'kid'] : ['fid', 'kid'],
    seed: 1,
    start: silently,
  });
  const valueOf = (name: string): number | null => scores.find((score) => score.name === name)?.value ?? null;
  return {
    measures: {
      ...(network.hasClasses && {
        score: valueOf('Inception-type score'),
        realScore: valueOf('The same of real data'),
      }),
      fid: valueOf('FID'),
      kid: valueOf('KID'),
    },
    pictures: [{ name: 'samples', format: 'png', bytes: await gridPng(firstOf(x, SHOWN)) }],
  };
}

/**
 * Judges of models of some data: FID, KID and, with a network that has classes, the Inception-type score of new samples. Every model is compared
 * with the same held-out images; `choose` takes some of them, such as those of a class.
 *
 * @throws UserError when the data or the network cannot be opened
 */
export async function openJudge(
  bench: Bench,
  comparison: Comparison,
): Promise<(choose?: (test: Dataset) => Promise<Dataset>) => Judge> {
  const { data, network: name, images } = comparison;
  const found = await openReference({ what: data, against: data, ...(images && { images }) }, undefined, false);
  const items = datasetItems(found.data, 1);
  const network = await openNetwork(bench.runtime, found, items, { network: name }, () => bench.task);
  bench.note(`Samples are scored by ${network.name} against images of the ${found.split} part.`);
  return (choose) => async (model) =>
    judgeBy(bench, network, (await choose?.(found.data)) ?? found.data, comparison, model);
}

/** Labelled images, and who scores what is generated like them. */
export interface ImageBench {
  readonly data: Dataset;
  readonly judge: Judge;
}

/**
 * Opens images and the network that scores samples of them.
 *
 * @param scale with the options `samples` and `network`
 * @param images how they are prepared; left out, they are taken as they are
 * @throws UserError when one cannot be opened
 */
export async function openImages(name: string, scale: Scale, bench: Bench, images?: ImageOptions): Promise<ImageBench> {
  const data = await openData(name, { limit: null, seed: 1, ...(images && { images }) });
  // What is compared with new samples is not changed by chance.
  const steady = images && { images: { ...images, flip: false, dequantise: false } };
  const judgeOf = await openJudge(bench, { ...comparisonOf(name, scale), ...steady });
  return { data, judge: judgeOf() };
}

/** The comparison that the options `samples` and `network` describe. */
export function comparisonOf(data: string, scale: Scale): Comparison {
  return { data, samples: numberOf(scale, 'samples'), network: textOf(scale, 'network') ?? '' };
}
