import { type NDArray, ndarray } from '@brownian/graph';
import {
  auroc,
  fid,
  inceptionScore,
  kid,
  meanSquaredErrors,
  precisionRecall,
  signalToNoise,
  structuralSimilarity,
} from 'brownian';
import { type Conform, type Reference, ReferenceError, inputOf } from '../reference.ts';
import { runtime } from '../runtime.ts';

function mean(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** A number of the spec, or what it is when the file leaves it out. */
function optional(reference: Reference, name: string, otherwise: number): number {
  const value = reference.spec[name];
  return typeof value === 'number' ? value : otherwise;
}

type Score = (reference: Reference) => Promise<number> | number;

const features = (reference: Reference): [NDArray, NDArray] => [
  inputOf(reference, 'featuresA'),
  inputOf(reference, 'featuresB'),
];
const images = (reference: Reference): [NDArray, NDArray] => [
  inputOf(reference, 'imagesA'),
  inputOf(reference, 'imagesB'),
];
/** Images of a reference file are in [0, 1] unless it says otherwise. */
const range = (reference: Reference): number => optional(reference, 'dataRange', 1);
const neighbour = (reference: Reference): number => optional(reference, 'k', 3);

const SCORES: Readonly<Record<string, Score>> = {
  fid: (reference) => fid(runtime(), ...features(reference)),
  kid: (reference) => kid(runtime(), ...features(reference)),
  precision: async (reference) =>
    (await precisionRecall(runtime(), ...features(reference), neighbour(reference))).precision,
  recall: async (reference) => (await precisionRecall(runtime(), ...features(reference), neighbour(reference))).recall,
  inceptionScore: (reference) => inceptionScore(inputOf(reference, 'logits')),
  mse: async (reference) => mean(await meanSquaredErrors(runtime(), ...images(reference))),
  psnr: async (reference) => mean(await signalToNoise(runtime(), ...images(reference), range(reference))),
  ssim: async (reference) => mean(await structuralSimilarity(runtime(), ...images(reference), range(reference))),
  auroc: (reference) =>
    auroc(inputOf(reference, 'scores').data as Float32Array, inputOf(reference, 'labels').data as Float32Array),
};

/** Scores of features, logits, images and ranked samples, each from its own inputs. */
export const conformMetrics: Conform = async (reference) => {
  const results: Record<string, NDArray> = {};
  for (const name of Object.keys(reference.expected)) {
    const score = SCORES[name];
    if (score === undefined)
      throw new ReferenceError(`expected.${name} is not known; known are ${Object.keys(SCORES).join(', ')}.`);
    results[name] = ndarray(Float64Array.of(await score(reference)), []);
  }
  return results;
};
