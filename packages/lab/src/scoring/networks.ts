import type { Runtime } from '@brownian/runtime';
import { type FeatureNetwork, identityNetwork } from 'brownian';
import { openData } from '../data/open.ts';
import { UserError } from '../errors.ts';
import type { TaskProgress } from '../task-progress.ts';
import { classifierFeatures, classifierFor } from './classifier.ts';
import type { StartTask } from './collect.ts';
import type { Items } from './items.ts';
import { openModelFile } from './model-file.ts';
import type { Reference } from './reference.ts';

/** Which network the user asked for. */
interface NetworkRequest {
  readonly network?: string;
  readonly networkSpec?: string;
}

/** The name of the network that is used when the user does not say. */
function defaultNetwork({ data }: Reference): string {
  if (data.itemShape.length !== 3) return 'values';
  if (data.classes !== undefined) return 'classifier';
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
  if (data.classes === undefined) {
    throw new UserError(
      `--network classifier needs data with labels, and "${data.name}" has none; give --network model.onnx.`,
    );
  }
  const [ours, theirs] = [items.itemShape, data.itemShape].map((shape) => shape.join('×'));
  if (ours !== theirs) {
    throw new UserError(
      `A classifier of ${data.name} takes items of ${theirs}, those of ${items.name} are ${ours}; an image model (--network model.onnx) resizes both.`,
    );
  }
  const open = (split: 'train' | 'test'): ReturnType<typeof openData> => openData(name, { ...options, split });
  const [train, test] = [await open('train'), await open('test')];
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
