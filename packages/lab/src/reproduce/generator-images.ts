import { type NDArray, float32Data, ndarray } from '@brownian/graph';
import { embedInPlane } from '../images/embed.ts';
import { gridPng } from '../images/grid.ts';
import { classesPng } from '../images/plane.ts';
import { windowOf } from '../images/scatter.ts';
import type { CellPicture } from './experiment.ts';
import { type GeneratorAt, type Numbers, featuresOf } from './generator-trial.ts';
import type { ImageBench } from './judge.ts';

/** Scores of a generator as it stands. */
export async function scoresOf({ judge }: ImageBench, { learner, state, stream }: GeneratorAt): Promise<Numbers> {
  return (await judge({ learner, state, stream })).measures;
}

/** Samples in pictures: four rows of eight. */
const SHOWN = 32;
/** Data whose features are drawn. */
const DRAWN = 1000;

/** Samples, and the features of data: as they are when there are two, else laid out by UMAP. Colours are classes. */
export async function imagePictures({ data }: ImageBench, at: GeneratorAt): Promise<CellPicture[]> {
  const samples = await at.learner.sample(at.state, SHOWN, at.stream.split('pictures'));
  const pictures: CellPicture[] = [
    { name: 'samples', format: 'png', bytes: await gridPng(samples, { columns: 8, scale: 2 }) },
  ];
  if (at.config.discriminator.features < 2 || at.state.discriminator === undefined) return pictures;
  const { x, labels } = await data.batch(Array.from({ length: Math.min(DRAWN, data.size) }, (_, i) => i));
  const features = await featuresOf(at, x);
  const plane = features.shape[1] === 2 ? features : embedInPlane(features, at.stream.split('embedding'));
  const classes = labels === undefined ? [] : Array.from(labels.data as Int32Array);
  return [...pictures, { name: 'features', format: 'png', bytes: await classesPng(plane, classes, windowOf(plane)) }];
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
