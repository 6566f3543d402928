import { mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeRuntime } from '@brownian/runtime/node';
import { MODELS } from 'brownian';
import { UserError, fileProblem, systemCode } from '../errors.ts';
import { filesOfCard, modelCard } from '../export/model-card.ts';
import { type OnnxExport, exportFunction } from '../export/onnx.ts';
import { writeAtomically } from '../runs/atomic.ts';
import { readScores } from '../runs/scores.ts';
import { wholeNumber } from '../scoring/request.ts';
import { version } from '../version.ts';
import type { Context, ExitCode } from './context.ts';
import { type Trained, openTrained } from './trained.ts';

/** What `brownian export` was given, as text. */
export interface ExportRequest {
  readonly run: string;
  readonly out?: string;
  readonly batch?: string;
}

const CARD = 'README.md';

/** @throws UserError for a model that says nothing of what it consists of */
async function exportAll(
  context: Context,
  { run, learner, state }: Trained,
  batch: number | undefined,
): Promise<OnnxExport[]> {
  const functions = learner.exports?.(state) ?? [];
  if (functions.length === 0)
    throw new UserError(`${learner.name} has no functions to export; ${run.path} can only be used with brownian.`);
  const { threads } = run.config;
  const runtime = nodeRuntime(threads === null ? {} : { threads });
  const task = context.task();
  task.start('exporting', functions.length, 'functions');
  try {
    const files: OnnxExport[] = [];
    for (const fn of functions) {
      files.push(await exportFunction(runtime, fn, batch));
      task.update(files.length);
    }
    return files;
  } finally {
    task.stop();
    await runtime.dispose();
  }
}

/**
 * The files of an earlier export in a folder.
 *
 * @throws UserError when the folder holds anything else, which an export might replace
 */
async function earlierFiles(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = (await readdir(folder)).filter((name) => !name.startsWith('.'));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw new UserError(`Cannot export into ${folder}: ${fileProblem(error)}.`, { cause: error });
  }
  const card = await readFile(join(folder, CARD), 'utf8').catch(() => '');
  const files = filesOfCard(card);
  const ours = files === undefined ? [] : [CARD, ...files];
  const other = names.find((name) => !ours.includes(name));
  if (other !== undefined)
    throw new UserError(
      `The folder ${folder} has ${other}, which is not of an export; give another folder with --out.`,
    );
  return names.filter((name) => name !== CARD);
}

/** `brownian export`: the functions of a trained model as ONNX files, with a model card. @throws UserError for anything the user can put right */
export async function exportCommand(context: Context, request: ExportRequest): Promise<ExitCode> {
  const batch = request.batch === undefined ? undefined : wholeNumber('--batch', request.batch, 1, 100_000);
  const folder = request.out ?? join(request.run, 'export');
  const earlier = await earlierFiles(folder);
  const trained = await openTrained(context, request.run);
  try {
    const { run, iteration } = trained;
    const files = await exportAll(context, trained, batch);
    await mkdir(folder, { recursive: true });
    const stale = earlier.filter((file) => !files.some(({ name }) => file === `${name}.onnx`));
    for (const file of stale) await rm(join(folder, file), { force: true });
    const { title, description } = MODELS[run.config.model];
    const facts = { run, title, description, iteration, scores: await readScores(run.path), version: version() };
    const card = join(folder, CARD);
    // The card is first, so that files of an export that was cut short are known for what they are.
    await writeAtomically(card, [modelCard(facts, files)]);
    for (const { name, bytes } of files) await writeAtomically(join(folder, `${name}.onnx`), [bytes]);
    for (const { name, inputs, outputs, batch: size } of files) {
      const list = (
        values: readonly { readonly name: string; readonly shape: readonly (number | string)[] }[],
      ): string => values.map((value) => `${value.name} [${value.shape.join(', ')}]`).join(', ');
      const note = size === null ? '' : ` (${size} items at a time)`;
      context.print(`${join(folder, `${name}.onnx`)}: ${list(inputs)} → ${list(outputs)}${note}`);
    }
    context.print(`Model card: ${card}`);
    return 0;
  } finally {
    await trained.close();
  }
}
