import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type NDArray, type Tree, flatten } from '@brownian/graph';
import { type Runtime, createStream } from '@brownian/runtime';
import {
  type ClassifierNet,
  type Dataset,
  type FeatureNetwork,
  type Params,
  accuracy,
  classifierNet,
  classifierNetwork,
  predict,
  trainClassifier,
} from 'brownian';
import { cacheFolder } from '../cache.ts';
import { fingerprint } from '../data/fingerprint.ts';
import { readTensors, writeTensors } from '../runs/safetensors.ts';

/** A classifier whose outputs scores are made of, with what has to be said of it. */
export interface NamedClassifier {
  /** Such as `cnn-16-32-96 trained on mnist`. */
  readonly name: string;
  readonly net: ClassifierNet;
  readonly params: Params;
  /** Share of right answers on held-out data. */
  readonly testAccuracy: number;
}

/** How far training has come, for a progress bar. */
export type OnClassifierStep = (progress: { readonly step: number; readonly steps: number }) => void;

const NETWORK = 'cnn-16-32-96';
const EPOCHS = 3;
const SEED = 1;

/** Accuracy on a whole data set. */
async function testAccuracyOf(runtime: Runtime, net: ClassifierNet, params: Params, test: Dataset): Promise<number> {
  const { x, labels } = await test.batch(Array.from({ length: test.size }, (_, i) => i));
  return accuracy(await predict(runtime, net, params, x), labels as NDArray);
}

/** Puts stored arrays, by path, into the structure of fresh parameters. */
function fill(template: Params, tensors: ReadonlyMap<string, NDArray>): Params | undefined {
  const { paths } = flatten<NDArray>(template);
  if (!paths.every((path) => tensors.has(path))) return undefined;
  const build = (tree: Tree<NDArray>, path: string): Tree<NDArray> => {
    const inside = (key: string | number): string => (path === '' ? String(key) : `${path}.${key}`);
    if (Array.isArray(tree)) return tree.map((item, i) => build(item as Tree<NDArray>, inside(i)));
    if (tensors.has(path)) return tensors.get(path) as NDArray;
    return Object.fromEntries(
      Object.entries(tree).map(([key, value]) => [key, build(value as Tree<NDArray>, inside(key))]),
    );
  };
  return build(template, '');
}

async function load(file: string, template: Params): Promise<{ params: Params; testAccuracy: number } | undefined> {
  try {
    const { tensors, metadata } = await readTensors(file);
    const params = fill(template, tensors);
    const testAccuracy = Number(metadata['testAccuracy']);
    return params === undefined || !Number.isFinite(testAccuracy) ? undefined : { params, testAccuracy };
  } catch {
    // Missing or damaged: it is a cache, so it is made again.
    return undefined;
  }
}

/** Whether a classifier can learn from data: they have labels of two classes or more. */
export function isClassified({ classes = [] }: Dataset): boolean {
  return classes.length >= 2;
}

/**
 * A classifier trained on `train` (once; later calls read it from the cache) and measured on `test`, or on
 * `train` again where `test` has no labels.
 *
 * @throws RangeError unless {@link isClassified}
 */
export async function classifierFor(
  runtime: Runtime,
  train: Dataset,
  test: Dataset,
  onStep?: OnClassifierStep,
): Promise<NamedClassifier> {
  const classes = train.classes?.length ?? 0;
  if (!isClassified(train))
    throw new RangeError(`A classifier needs labels of at least two classes; "${train.name}" has ${classes}.`);
  const net = classifierNet(train.itemShape, classes);
  const name = `${NETWORK} trained on ${train.name}`;
  const print = await fingerprint(train, { most: 1000, atOnce: 1000, head: `${NETWORK} ${EPOCHS} ${SEED} ` });
  const file = join(cacheFolder('classifiers'), `${NETWORK}-${print}.safetensors`);
  const stored = await load(file, net.init(createStream(SEED)));
  if (stored !== undefined) return { name, net, ...stored };
  const params = await trainClassifier(runtime, net, train, createStream(SEED), {
    epochs: EPOCHS,
    ...(onStep && { onStep }),
  });
  const testAccuracy = await testAccuracyOf(runtime, net, params, test.classes === undefined ? train : test);
  const { leaves, paths } = flatten<NDArray>(params);
  const tensors = new Map(paths.map((path, i) => [path, leaves[i] as NDArray]));
  await mkdir(cacheFolder('classifiers'), { recursive: true });
  await writeTensors(file, { tensors, metadata: { name, testAccuracy: String(testAccuracy) } });
  return { name, net, params, testAccuracy };
}

/** SHA-256 of parameters: of each array's path, shape and bytes, in order. */
function hashOf(params: Params): string {
  const { leaves, paths } = flatten<NDArray>(params);
  const hash = createHash('sha256');
  leaves.forEach(({ shape, data }, i) => {
    hash.update(`${paths[i]} ${shape.join('x')}\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  });
  return hash.digest('hex');
}

/** The classifier as a feature network: what its last layer reads, and its probabilities. */
export function classifierFeatures(runtime: Runtime, { name, net, params }: NamedClassifier): FeatureNetwork {
  return classifierNetwork(runtime, net, params, { name, hash: hashOf(params) });
}
