import type { Runtime } from '@brownian/runtime';
import { type FeatureNetwork, identityNetwork } from 'brownian';
import { openData } from '../data/open.ts';
import { UserError } from '../errors.ts';
import type { TaskProgress } from '../task-progress.ts';
import { classifierFeatures, classifierFor, isClassified } from './classifier.ts';
import type { StartTask } from './collect.ts';
import type { Items } from './items.ts';
import { openModelFile } from './model-file.ts';
import { type Reference, openPart } from './reference.ts';

/** Which network the user asked for. */
interface NetworkRequest {
  readonly network?: string;
  readonly networkSpec?: string;
}

/** The name of the network that is used when the user does not say. */
function defaultNetwork({ data }: Reference): string {
  if (data.itemShape.length !== 3) return 'values';
  if (isClassified(data)) return 'classifier';
  throw new UserError(
    `"${data.name}" has no labels to train a classifier on; name a feature network with --network model.onnx, or --network values for pixels.`,
  );
}

/** A classifier of the reference data, trained once and kept. */
async function openClassifier(
  runtime: Runtime,
  { name, data, options }: Reference,
  items: Items,
  start: StartTask,
): Promise<FeatureNetwork> {
  if (!isClassified(data)) {
    throw new UserError(
      `--network classifier needs data with labels of two classes or more, which "${data.name}" has not; give --network model.onnx.`,
    );
  }
  const [ours, theirs] = [items.itemShape, data.itemShape].map((shape) => shape.join('×'));
  if (ours !== theirs) {
    throw new UserError(
      `A classifier of ${data.name} takes items of ${theirs}, those of ${items.name} are ${ours}; an image model (--network model.onnx) resizes both.`,
    );
  }
  const train = await openData(name, options);
  const [{ data: test }] = await openPart(name, options, undefined);
  let task: TaskProgress | undefined;
  try {
    const classifier = await classifierFor(runtime, train, test, ({ step, steps }) => {
      if (task === undefined) {
        task = start();
        task.start('training a classifier', steps, 'steps');
      }
      task.update(step + 1);
    });
    return classifierFeatures(runtime, classifier);
  } finally {
    task?.stop();
  }
}

/**
 * Opens the feature network: `classifier`, `values`, or an `.onnx` file with its description.
 *
 * @throws UserError when there is no such network or it does not fit the items
 */
export async function openNetwork(
  runtime: Runtime,
  reference: Reference,
  items: Items,
  { network, networkSpec }: NetworkRequest,
  start: StartTask,
): Promise<FeatureNetwork> {
  const name = network ?? defaultNetwork(reference);
  if (name === 'values') return identityNetwork();
  if (name === 'classifier') return await openClassifier(runtime, reference, items, start);
  if (/\.onnx$/i.test(name)) return await openModelFile(runtime, name, networkSpec);
  throw new UserError(
    `--network is ${JSON.stringify(name)}; it must be classifier, values, or the path of an .onnx file.`,
  );
}
