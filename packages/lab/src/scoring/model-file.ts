import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Runtime } from '@brownian/runtime';
import { type FeatureNetwork, type ImageModelSpec, modelNetwork } from 'brownian';
import { z } from 'zod';
import { parseJson } from '../config/settings.ts';
import { UserError, fileProblem, systemCode } from '../errors.ts';

const positive: z.ZodInt = z.int().min(1);

const SPEC = z.strictObject({
  name: z.string().min(1).exactOptional(),
  size: z.tuple([positive, positive]),
  layout: z.enum(['nchw', 'nhwc']).exactOptional(),
  channels: z.enum(['rgb', 'bgr', 'grey']).exactOptional(),
  range: z.tuple([z.number(), z.number()]),
  mean: z.array(z.number()).exactOptional(),
  std: z.array(z.number().positive()).exactOptional(),
  antialias: z.boolean().exactOptional(),
  features: z.string().min(1),
  probabilities: z.string().min(1).exactOptional(),
  logits: z.string().min(1).exactOptional(),
});

const EXAMPLE = '{"size":[224,224],"range":[-1,1],"features":"pool","probabilities":"probs"}';

/** Where the description of a model is: in the text given, in the file given, or beside the model. */
async function readSpecText(model: string, given: string | undefined): Promise<{ text: string; where: string }> {
  if (given?.trimStart().startsWith('{') === true) return { text: given, where: '--network-spec' };
  const file = given ?? model.replace(/\.onnx$/i, '.json');
  try {
    return { text: await readFile(file, 'utf8'), where: file };
  } catch (error) {
    const missing = given === undefined && systemCode(error) === 'ENOENT';
    const remedy = `say what ${basename(model)} expects, in that file or with --network-spec '${EXAMPLE}'`;
    throw new UserError(`Cannot read ${file}: ${fileProblem(error)}${missing ? `; ${remedy}` : ''}.`, { cause: error });
  }
}

async function readSpec(model: string, given: string | undefined): Promise<ImageModelSpec & { name?: string }> {
  const { text, where } = await readSpecText(model, given);
  const parsed = SPEC.safeParse(parseJson(text, where));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const place = issue?.path.join('.') ?? '';
  const what = place === '' ? '' : ` "${place}":`;
  throw new UserError(`${where} does not describe a model:${what} ${issue?.message}; an example is ${EXAMPLE}.`);
}

/**
 * A feature network from an `.onnx` file and its description: a JSON file of the same name beside it, or what `given` says.
 *
 * @param given the text of a JSON object, or the path of a file with one
 * @throws UserError in one sentence when the files cannot be read or do not fit together
 */
export async function openModelFile(
  runtime: Runtime,
  path: string,
  given: string | undefined,
): Promise<FeatureNetwork> {
  const { name = basename(path), ...spec } = await readSpec(path, given);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UserError(`Cannot read ${path}: ${fileProblem(error)}.`, { cause: error });
  }
  const hash = createHash('sha256').update(bytes).digest('hex');
  try {
    return modelNetwork(runtime, await runtime.loadModel(bytes, path), spec, { name, hash });
  } catch (error) {
    throw new UserError((error as Error).message, { cause: error });
  }
}
