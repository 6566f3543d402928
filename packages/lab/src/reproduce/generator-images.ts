import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import type { Runtime } from '@brownian/runtime';
import { type AdversarialState, adversarialModel } from 'brownian';
import { inFamily } from '../config/run-config.ts';
import { spreadIndices } from '../data/spread.ts';
import { embedInPlane } from '../images/embed.ts';
import { gridPng } from '../images/grid.ts';
import { classesPng } from '../images/plane.ts';
import { windowOf } from '../images/scatter.ts';
import type { CellPicture } from './experiment.ts';
import type { ImageBench } from './judge.ts';
import type { Numbers } from './looked-trial.ts';
import type { ModelAt } from './training.ts';

/** Scores of a generator as it stands. */
export async function scoresOf({ judge }: ImageBench, { learner, state, stream }: ModelAt): Promise<Numbers> {
  return (await judge({ learner, state, stream })).measures;
}

/** Samples in pictures: four rows of eight. */
const SHOWN = 32;
/** Data whose features are drawn. */
const DRAWN = 1000;

/** Samples, and the features of data: as they are when there are two, else laid out by UMAP. Colours are classes. */
export async function imagePictures(runtime: Runtime, { data }: ImageBench, at: ModelAt): Promise<CellPicture[]> {
  const samples = await at.learner.sample(at.state, SHOWN, at.stream.split('pictures'));
  const pictures: CellPicture[] = [
    { name: 'samples', format: 'png', bytes: await gridPng(samples, { columns: 8, scale: 2 }) },
  ];
  if (!inFamily(at.config, 'adversarial') || at.config.discriminator.features < 2) return pictures;
  const { x, labels } = await data.batch(spreadIndices(data.size, DRAWN));
  const features = await featuresOf(runtime, at, x);
  const plane = features.shape[1] === 2 ? features : embedInPlane(features, at.stream.split('embedding'));
  const classes = labels === undefined ? [] : Array.from(labels.data as Int32Array);
  return [...pictures, { name: 'features', format: 'png', bytes: await classesPng(plane, classes, windowOf(plane)) }];
}

/** Features that a model's discriminator gives to items, `[n, ...item]` → `[n, features]`. @throws RangeError for a model without one */
export async function featuresOf(runtime: Runtime, { config, state, learner }: ModelAt, x: NDArray): Promise<NDArray> {
  const net = inFamily(config, 'adversarial') ? adversarialModel(config.model, config, x.shape.slice(1)) : undefined;
  const params = (state as AdversarialState).discriminator;
  if (net?.discriminator === undefined || params === undefined)
    throw new RangeError(`${learner.name} has no discriminator, so its items have no features.`);
  const { discriminator } = net;
  const compiled = runtime.compile(discriminator.net.apply.bind(discriminator.net), { name: 'features' });
  try {
    return await compiled(params, x);
  } finally {
    await compiled.dispose();
  }
}

/** Pairs that crowding is measured on come from so many vectors. */
const CROWD = 500;

/**
 * How features lie: the root mean square distance from their mean, and the share of pairs nearer than `range`.
 *
 * @param features `[n, d]`
 */
export function crowding(features: NDArray, range: number): { readonly spread: number; readonly crowded: number } {
  const [all = 0, d = 1] = features.shape;
  const n = Math.min(all, CROWD);
  const values = float32Data(ndarray(features.data.subarray(0, n * d), [n, d]));
  const at = (i: number, k: number): number => values[i * d + k] as number;
  const axes = Array.from({ length: d }, (_, k) => k);
  const means = axes.map((k) => Array.from({ length: n }, (_, i) => at(i, k)).reduce((a, b) => a + b, 0) / n);
  let [near, squares] = [0, 0];
  for (let i = 0; i < n; i++) {
    squares += axes.reduce((sum, k) => sum + (at(i, k) - (means[k] as number)) ** 2, 0);
    for (let j = 0; j < i; j++) if (Math.hypot(...axes.map((k) => at(i, k) - at(j, k))) < range) near++;
  }
  return { spread: Math.sqrt(squares / n), crowded: near / ((n * (n - 1)) / 2) };
}
