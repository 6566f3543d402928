import { type NDArray, ndarray } from '@brownian/graph';
import type { Runtime, Stream } from '@brownian/runtime';
import {
  type Modes,
  eieg,
  eiegTest,
  fid,
  inceptionScoreOfProbabilities,
  kid,
  kidOfSubsets,
  meanSquaredErrors,
  medianBandwidths,
  mmd,
  modeCoverage,
  precisionRecall,
  signalToNoise,
  slicedWasserstein,
  structuralSimilarity,
} from 'brownian';

import type { StartTask } from './collect.ts';

/** What is at hand when sets are compared. */
export interface Material {
  readonly runtime: Runtime;
  /** Features `[n, d]` of the samples and `[m, d]` of the reference. */
  readonly features: readonly [samples: NDArray, reference: NDArray];
  /** Class probabilities of both; undefined when the network has none. */
  readonly probabilities: readonly [samples: NDArray, reference: NDArray] | undefined;
  /** Modes of the reference, if it is a mixture of Gaussians. */
  readonly modes: Modes | undefined;
  /** Of this metric alone. */
  readonly stream: Stream;
  readonly start: StartTask;
}

/** A figure that a metric gives. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly error?: number;
  readonly note?: string;
  /** Whether it is one of the reference, given to compare with. */
  readonly ofReference?: boolean;
  /** How many samples, and items of the reference, when not all were used. */
  readonly used?: number;
}

/** A metric of `brownian evaluate`. Its facts say what it needs; nobody asks for its name. */
export type MetricDefinition = {
  /** One line for help and documentation. */
  readonly title: string;
  /** Whether it looks at features of a network, so that its name and hash belong to the score. */
  readonly usesNetwork: boolean;
} & (
  | { readonly needs: 'features' | 'probabilities' | 'modes'; measure(material: Material): Promise<readonly Figure[]> }
  | {
      readonly needs: 'pairs';
      /** One value per pair of images in [-1, 1]. */
      measurePairs(runtime: Runtime, x: NDArray, reference: NDArray): Promise<Float64Array>;
    }
);

const KID_SUBSETS = 100;
const KID_SIZE = 1000;
/** Sets with fewer items are compared whole: subsets of them would say little of how far KID scatters. */
const KID_FEWEST = 100;
const EIEG_CUTOFF = 0.1;
/** Of the two-sample test; its time grows with the square of the items. */
const [PERMUTATIONS, MOST_TESTED] = [999, 1000];

function firstRows({ shape, data }: NDArray, n: number): NDArray {
  return ndarray(data.subarray(0, (data.length / (shape[0] as number)) * n), [n, ...shape.slice(1)]);
}

/** The first rows of both sets, equally many. */
function equally([x, y]: readonly [NDArray, NDArray]): readonly [NDArray, NDArray, number] {
  const n = Math.min(x.shape[0] as number, y.shape[0] as number);
  return [firstRows(x, n), firstRows(y, n), n];
}

async function measureFid({ runtime, features: [x, y] }: Material): Promise<readonly Figure[]> {
  const [n, d] = x.shape as readonly [number, number];
  const fewest = Math.min(n, y.shape[0] as number);
  const note = fewest <= d ? `biased upwards: ${fewest} items for ${d} features; KID is not` : '';
  return [{ name: 'FID', value: await fid(runtime, x, y), note }];
}

async function measureKid({ runtime, features: [x, y], stream, start }: Material): Promise<readonly Figure[]> {
  const fewest = Math.min(x.shape[0] as number, y.shape[0] as number);
  if (fewest < KID_FEWEST) return [{ name: 'KID', value: await kid(runtime, x, y), note: 'of the whole sets' }];
  // At most half of a set, so that subsets differ.
  const size = Math.min(KID_SIZE, Math.floor(fewest / 2));
  const task = start();
  task.start('KID', KID_SUBSETS, 'subsets');
  try {
    const onSubset = (done: number): void => task.update(done);
    const { mean, std } = await kidOfSubsets(runtime, x, y, { count: KID_SUBSETS, size, stream, onSubset });
    return [{ name: 'KID', value: mean, error: std, note: `${KID_SUBSETS} subsets of ${size}` }];
  } finally {
    task.stop();
  }
}

function measureInception({ probabilities }: Material): Promise<readonly Figure[]> {
  const [samples, reference, used] = equally(probabilities as readonly [NDArray, NDArray]);
  return Promise.resolve([
    { name: 'Inception-type score', value: inceptionScoreOfProbabilities(samples), note: 'one split', used },
    {
      name: 'The same of real data',
      value: inceptionScoreOfProbabilities(reference),
      note: 'what the score could be at best',
      used,
      ofReference: true,
    },
  ]);
}

async function measurePrecisionRecall({ runtime, features }: Material): Promise<readonly Figure[]> {
  const [x, y, used] = equally(features);
  const { precision, recall } = await precisionRecall(runtime, y, x);
  const note = '3rd nearest neighbours';
  return [
    { name: 'Precision', value: precision, note, used },
    { name: 'Recall', value: recall, note, used },
  ];
}

async function measureEieg({ runtime, features: [x, y], stream }: Material): Promise<readonly Figure[]> {
  const dimension = Math.min(2, x.shape[1] as number);
  const kernel = { dimension, cutoff: EIEG_CUTOFF };
  const value = await eieg(runtime, x, y, kernel);
  const used = Math.min(MOST_TESTED, x.shape[0] as number, y.shape[0] as number);
  const { pValue } = await eiegTest(runtime, firstRows(x, used), firstRows(y, used), kernel, {
    stream,
    permutations: PERMUTATIONS,
  });
  return [
    { name: 'EIEG metric', value, note: `kernel dimension ${dimension}, cut-off ${EIEG_CUTOFF}` },
    { name: 'EIEG p-value', value: pValue, note: `${PERMUTATIONS} permutations; small when the two differ`, used },
  ];
}

async function measureMmd({ runtime, features: [x, y] }: Material): Promise<readonly Figure[]> {
  const bandwidths = await medianBandwidths(runtime, y);
  const list = bandwidths.map((sigma) => sigma.toPrecision(3)).join(', ');
  return [{ name: 'MMD²', value: await mmd(runtime, x, y, bandwidths), note: `Gaussian kernels of width ${list}` }];
}

async function measureSliced({ runtime, features: [x, y], stream }: Material): Promise<readonly Figure[]> {
  const projections = 256;
  const value = await slicedWasserstein(runtime, x, y, stream, projections);
  return [{ name: 'Sliced Wasserstein-2', value, note: `${projections} directions` }];
}

function measureModes({ features: [x], modes }: Material): Promise<readonly Figure[]> {
  const found = modeCoverage(x, modes as Modes);
  return Promise.resolve([
    { name: 'Modes covered', value: found.covered, note: `of ${found.modes}` },
    { name: 'High-quality share', value: found.share, note: 'within 3 standard deviations of a mode' },
  ]);
}

/** The name of a metric of `brownian evaluate`. */
export type MetricName = 'fid' | 'kid' | 'is' | 'pr' | 'mmd' | 'sw' | 'eieg' | 'modes' | 'mse' | 'psnr' | 'ssim';

/** The metrics that `brownian evaluate` knows. */
export const METRICS: Readonly<Record<MetricName, MetricDefinition>> = {
  fid: { title: 'Fréchet distance of features; 0 is best', usesNetwork: true, needs: 'features', measure: measureFid },
  kid: {
    title: 'kernel distance of features, unbiased; 0 is best',
    usesNetwork: true,
    needs: 'features',
    measure: measureKid,
  },
  is: {
    title: 'Inception Score by a network’s classes; higher is better',
    usesNetwork: true,
    needs: 'probabilities',
    measure: measureInception,
  },
  pr: {
    title: 'precision and recall by nearest neighbours; 1 is best',
    usesNetwork: true,
    needs: 'features',
    measure: measurePrecisionRecall,
  },
  mmd: {
    title: 'squared maximum mean discrepancy, Gaussian kernels; 0 is best',
    usesNetwork: true,
    needs: 'features',
    measure: measureMmd,
  },
  sw: {
    title: 'sliced Wasserstein-2 distance; 0 is best',
    usesNetwork: true,
    needs: 'features',
    measure: measureSliced,
  },
  eieg: { title: 'elastic interaction energy; 0 is best', usesNetwork: true, needs: 'features', measure: measureEieg },
  modes: {
    title: 'modes covered and share of points near one',
    usesNetwork: false,
    needs: 'modes',
    measure: measureModes,
  },
  mse: {
    title: 'mean squared error, item by item; 0 is best',
    usesNetwork: false,
    needs: 'pairs',
    measurePairs: meanSquaredErrors,
  },
  psnr: {
    title: 'peak signal-to-noise ratio in dB, item by item; higher is better',
    usesNetwork: false,
    needs: 'pairs',
    measurePairs: signalToNoise,
  },
  ssim: {
    title: 'structural similarity, item by item; 1 is best',
    usesNetwork: false,
    needs: 'pairs',
    measurePairs: structuralSimilarity,
  },
};

/** Metrics that a set of samples alone cannot have, and why. */
export const OTHER_METRICS: Readonly<Record<string, string>> = {
  auroc:
    'it ranks scores of items against labels (such as in-distribution or not), which a set of samples does not have; use auroc() of the package "brownian"',
  r: 'the response distance is one of a model’s own filters; it is recorded while a run trains, and its report shows it',
};
