import { type NDArray, type Tensor, item, ndarray } from '@brownian/graph';
import type { Stream } from '@brownian/runtime';
import {
  type ModeCoverage,
  type Potential,
  auroc,
  eieg,
  fid,
  inceptionScore,
  inceptionScoreOfProbabilities,
  kid,
  meanSquaredErrors,
  mmd,
  modeCoverage,
  precisionRecall,
  responseDistance,
  signalToNoise,
  slicedWasserstein,
  structuralSimilarity,
} from 'brownian';
import { type Conform, type Reference, ReferenceError, inputOf } from '../reference.ts';
import { runtime } from '../runtime.ts';
import { count, eitherOf, number, numbers, optional, readSpec, requireKnownInputs } from '../spec.ts';

const FIELDS = {
  /** Images of a reference file are in [0, 1] unless it says otherwise. */
  dataRange: optional(number, 1),
  /** The neighbour of precision and recall. */
  k: optional(count, 3),
  /** σ of the Gaussian kernels of MMD, one or a list. */
  bandwidth: optional(numbers('a number or a list of numbers'), undefined),
  bandwidths: optional(numbers('a number or a list of numbers'), undefined),
  /** The elastic kernel of EIEG. */
  dimension: optional(number, undefined),
  cutoff: optional(number, undefined),
  /** Standard deviation of the modes, and how many of them are near. */
  std: optional(number, undefined),
  within: optional(number, 3),
};

const INPUTS = [
  'featuresA',
  'featuresB',
  'directions',
  'logits',
  'probabilities',
  'imagesA',
  'imagesB',
  'scores',
  'labels',
  'points',
  'centres',
];

interface Given extends ReturnType<typeof readSpec<typeof FIELDS>> {
  readonly reference: Reference;
}

type Score = (given: Given) => Promise<number> | number;

function mean(values: Float64Array): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** A field that one score needs. @throws ReferenceError when the file lacks it */
function needed<T>(value: T | undefined, score: string, name: string): T {
  if (value === undefined) throw new ReferenceError(`expected.${score} needs spec.${name}.`);
  return value;
}

const features = ({ reference }: Given): [NDArray, NDArray] => [
  inputOf(reference, 'featuresA'),
  inputOf(reference, 'featuresB'),
];
const images = ({ reference }: Given): [NDArray, NDArray] => [
  inputOf(reference, 'imagesA'),
  inputOf(reference, 'imagesB'),
];

function inception({ reference }: Given): number {
  const { logits, probabilities } = reference.inputs;
  if (logits !== undefined && probabilities !== undefined)
    throw new ReferenceError(
      'expected.inceptionScore is of inputs.logits or of inputs.probabilities; give one of them.',
    );
  return probabilities === undefined
    ? inceptionScore(inputOf(reference, 'logits'))
    : inceptionScoreOfProbabilities(probabilities);
}

function discrepancy({ bandwidth, bandwidths, reference }: Given): Promise<number> {
  const widths = needed(eitherOf({ bandwidth, bandwidths }), 'mmd', 'bandwidth');
  return mmd(runtime(), inputOf(reference, 'featuresA'), inputOf(reference, 'featuresB'), [widths].flat());
}

/** Directions `[projections, d]`, in the place of random ones. */
async function sliced(given: Given): Promise<number> {
  const along = inputOf(given.reference, 'directions');
  const [x, y] = features(given);
  if (along.shape.length !== 2 || along.shape[1] !== x.shape[1])
    throw new ReferenceError(`inputs.directions is [${along.shape.join(', ')}]; its rows must be as long as features.`);
  const [projections, d] = along.shape as readonly [number, number];
  const rows = along.data as Float32Array;
  const columns = rows.map((_, i) => rows[(i % projections) * d + Math.floor(i / projections)] as number);
  const draw = { normal: () => ndarray(columns, [d, projections]) } as unknown as Stream;
  return slicedWasserstein(runtime(), x, y, draw, projections);
}

/** Features in the place of the responses of filters. */
async function responses(given: Given): Promise<number> {
  const filters = { init: () => [], responses: (_: unknown, x: Tensor) => x } as unknown as Potential;
  const compute = runtime().compile(
    (x: Tensor, y: Tensor) => responseDistance(filters, [], x.mean(0), y.mean(0)) as Tensor,
    { name: 'response distance reference', precision: 'double' },
  );
  return item(await compute(...features(given)));
}

function modes({ reference, std, within }: Given, score: string): ModeCoverage {
  const centres = inputOf(reference, 'centres');
  if (centres.shape.length !== 2 || centres.shape[1] !== 2)
    throw new ReferenceError(`inputs.centres is [${centres.shape.join(', ')}]; it must have rows of two.`);
  const pairs = Array.from(
    { length: centres.shape[0] as number },
    (_, i) => [Number(centres.data[2 * i]), Number(centres.data[2 * i + 1])] as const,
  );
  return modeCoverage(inputOf(reference, 'points'), { centres: pairs, std: needed(std, score, 'std') }, within);
}

const SCORES: Readonly<Record<string, Score>> = {
  fid: (given) => fid(runtime(), ...features(given)),
  kid: (given) => kid(runtime(), ...features(given)),
  mmd: discrepancy,
  eieg: (given) =>
    eieg(runtime(), ...features(given), {
      dimension: needed(given.dimension, 'eieg', 'dimension'),
      cutoff: needed(given.cutoff, 'eieg', 'cutoff'),
    }),
  slicedWasserstein: sliced,
  responseDistance: responses,
  precision: async (given) => (await precisionRecall(runtime(), ...features(given), given.k)).precision,
  recall: async (given) => (await precisionRecall(runtime(), ...features(given), given.k)).recall,
  inceptionScore: inception,
  mse: async (given) => mean(await meanSquaredErrors(runtime(), ...images(given))),
  psnr: async (given) => mean(await signalToNoise(runtime(), ...images(given), given.dataRange)),
  ssim: async (given) => mean(await structuralSimilarity(runtime(), ...images(given), given.dataRange)),
  auroc: ({ reference }) =>
    auroc(inputOf(reference, 'scores').data as Float32Array, inputOf(reference, 'labels').data as Float32Array),
  modesCovered: (given) => modes(given, 'modesCovered').covered,
  highQualityShare: (given) => modes(given, 'highQualityShare').share,
};

/** Scores of features, logits, images, ranked samples and points, each from its own inputs. */
export const conformMetrics: Conform = async (reference) => {
  const given = { ...readSpec(reference, FIELDS), reference };
  requireKnownInputs(reference, INPUTS);
  const results: Record<string, NDArray> = {};
  for (const name of Object.keys(reference.expected)) {
    const score = SCORES[name];
    if (score === undefined)
      throw new ReferenceError(`expected.${name} is not known; known are ${Object.keys(SCORES).join(', ')}.`);
    results[name] = ndarray(Float64Array.of(await score(given)), []);
  }
  return results;
};
