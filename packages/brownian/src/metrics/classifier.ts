import {
  type NDArray,
  type Tensor,
  cast,
  constant,
  equal,
  float32Data,
  logSoftmax,
  ndarray,
  relu,
  valueAndGrad,
} from '@brownian/graph';
import type { Runtime, Stream } from '@brownian/runtime';
import { batchIndices } from '../data/epochs.ts';
import type { Dataset, Params, SymbolicParams } from '../interfaces.ts';
import { conv, dense, flatten, pointwise, pool } from '../nets/layers.ts';
import { type Layer, type Net, chain, withWeights } from '../nets/net.ts';
import { adam } from '../optim/optimizers.ts';
import { cosineDecay } from '../optim/schedules.ts';
import { type SymbolicState, type TransformState, applyUpdates } from '../optim/transform.ts';

/** The first layers of the classifier; the parameters of a network are a list with an entry for each. */
function convolutions(): Layer[] {
  const act = pointwise(relu);
  return [conv({ channels: 16, kernel: 5 }), act, pool(2), conv({ channels: 32, kernel: 3 }), act];
}

/** A network whose last layer reads classes off features. */
export interface ClassifierNet extends Net {
  /** Length of a feature vector. */
  readonly featureSize: number;
  /** What the last layer reads: `[n, ...item] → [n, featureSize]`. */
  features(params: SymbolicParams, x: Tensor): Tensor;
  /** Logits of features: `[n, featureSize] → [n, classes]`. */
  logits(params: SymbolicParams, features: Tensor): Tensor;
}

/** A convolutional classifier of small images: two convolutions with pooling, two dense layers; `[n, ...item] → [n, classes]`. */
export function classifierNet(itemShape: readonly number[], classes: number): ClassifierNet {
  const act = pointwise(relu);
  const layers = [...convolutions(), pool(2), flatten(), dense(96), act];
  const trunk = chain(...layers)(itemShape);
  const head = dense(classes)(trunk.outputShape);
  return {
    ...chain(...layers, dense(classes))(itemShape),
    featureSize: trunk.outputShape[0] as number,
    features: (params, x) => trunk.apply((params as readonly SymbolicParams[]).slice(0, -1), x),
    logits: (params, features) => head.apply((params as readonly SymbolicParams[]).at(-1) as SymbolicParams, features),
  };
}

/**
 * The convolutions of a trained {@link classifierNet} as fixed filters: `[n, c, h, w] → [n, 32, h/2, w/2]`.
 *
 * @param params of the whole classifier, or of these layers alone
 */
export function classifierFilters(params: Params): Layer {
  const layers = convolutions();
  const own = layers.map((_, i) => (params as readonly Params[])[i] ?? []);
  return (inputShape) => withWeights(chain(...layers)(inputShape), own);
}

/** Settings of {@link trainClassifier}. */
export interface ClassifierOptions {
  /** Passes over the training set. Default 3. */
  readonly epochs?: number;
  /** Default 100. */
  readonly batchSize?: number;
  /** Peak of the cosine schedule. Default 2e-3. */
  readonly learningRate?: number;
  /** Called after every update. */
  readonly onStep?: (progress: { readonly step: number; readonly steps: number; readonly loss: number }) => void;
}

/** Mean cross-entropy of logits `[n, classes]` against labels `[n]`, in nats. */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const [n, classes] = logits.shape as readonly [number, number];
  const every = constant(
    ndarray(
      Int32Array.from({ length: classes }, (_, i) => i),
      [1, classes],
    ),
  );
  const hot = cast(equal(cast(labels, 'int32').reshape([n, 1]), every), 'float32');
  return logSoftmax(logits)
    .mul(hot)
    .sum()
    .mul(-1 / n);
}

/**
 * Trains a classifier with Adam on the cross-entropy.
 *
 * @throws RangeError when the data set has no labels
 */
export async function trainClassifier(
  runtime: Runtime,
  net: Net,
  data: Dataset,
  key: Stream,
  options: ClassifierOptions = {},
): Promise<Params> {
  const { epochs = 3, batchSize = 100, learningRate = 2e-3, onStep } = options;
  const order = batchIndices(key.split('order'), data.size, batchSize);
  const steps = Math.ceil(epochs * order.stepsPerEpoch);
  const optimizer = adam(cosineDecay(learningRate, steps));
  const update = runtime.compile(
    (params: SymbolicParams, state: SymbolicState, x: Tensor, labels: Tensor) => {
      const [loss, gradients] = valueAndGrad((p: SymbolicParams) => crossEntropy(net.apply(p, x), labels))(params);
      const [updates, next] = optimizer.update(gradients, state, params);
      return { params: applyUpdates(params, updates), state: next, loss };
    },
    { name: 'classifier update' },
  );
  let params = net.init(key.split('params'));
  let state: TransformState = optimizer.init(params);
  try {
    for (let step = 0; step < steps; step++) {
      const { x, labels } = await data.batch(order.indicesAt(step));
      if (labels === undefined)
        throw new RangeError(`A classifier needs labels; the data set "${data.name}" has none.`);
      const result = await update(params, state, x, labels);
      ({ params, state } = result);
      onStep?.({ step, steps, loss: Number(result.loss.data[0]) });
    }
  } finally {
    await update.dispose();
  }
  return params;
}

/** Logits `[n, classes]` of a network with fixed parameters, in batches of at most `batchSize`. */
export async function predict(
  runtime: Runtime,
  net: Net,
  params: Params,
  x: NDArray,
  batchSize = 250,
): Promise<NDArray> {
  const [n, ...item] = x.shape as readonly [number, ...number[]];
  const size = item.reduce((a, b) => a * b, 1);
  const all = float32Data(x);
  const apply = runtime.compile((p: SymbolicParams, batch: Tensor) => net.apply(p, batch), {
    name: 'classifier',
    frozen: [0],
  });
  const parts: Float32Array[] = [];
  try {
    for (let from = 0; from < n; from += batchSize) {
      const count = Math.min(batchSize, n - from);
      const batch = ndarray(all.subarray(from * size, (from + count) * size), [count, ...item]);
      parts.push(float32Data(await apply(params, batch)));
    }
  } finally {
    await apply.dispose();
  }
  const width = net.outputShape.reduce((a, b) => a * b, 1);
  const out = new Float32Array(n * width);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return ndarray(out, [n, ...net.outputShape]);
}

/** The class with the largest logit, for each row of `[n, classes]`. */
export function argmaxRows(logits: NDArray): Int32Array {
  const [n, classes] = logits.shape as readonly [number, number];
  const data = float32Data(logits);
  return Int32Array.from({ length: n }, (_, i) => {
    let best = 0;
    for (let c = 1; c < classes; c++)
      if ((data[i * classes + c] as number) > (data[i * classes + best] as number)) best = c;
    return best;
  });
}

/** Share of rows whose largest logit is at the label. */
export function accuracy(logits: NDArray, labels: NDArray): number {
  const guesses = argmaxRows(logits);
  let right = 0;
  guesses.forEach((guess, i) => {
    if (guess === Number(labels.data[i])) right++;
  });
  return right / guesses.length;
}
