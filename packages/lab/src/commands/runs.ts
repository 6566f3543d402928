import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError, fileProblem } from '../errors.ts';
import { writeCsv } from '../export/csv.ts';
import { writeTensorboard } from '../export/tensorboard.ts';
import { formatNumber } from '../progress.ts';
import { comparisonPage, differingSettings, readRuns, results, scoreSources } from '../report/comparison.ts';
import { writeAtomically } from '../runs/atomic.ts';
import { type RunSummary, listRuns } from '../runs/list.ts';
import { lockRun } from '../runs/lock.ts';
import { openRun } from '../runs/run.ts';
import { describeComparable, headlineOf } from '../runs/scores.ts';
import { textTable } from '../text-table.ts';
import type { Context, ExitCode } from './context.ts';

/** The headline of a run's scores: the one its report has at the top. */
function headline({ scores }: RunSummary): string {
  const score = headlineOf(scores);
  return score === undefined || score.value === null ? '–' : `${score.name} ${formatNumber(score.value)}`;
}

/** Whether headlines of one name were measured with different things, so that they do not compare though they look it. */
function headlinesMislead(runs: readonly RunSummary[]): boolean {
  const measured = new Map<string, string>();
  return runs.some(({ scores }) => {
    const score = headlineOf(scores);
    if (score === undefined) return false;
    const how = describeComparable(score.provenance);
    const other = measured.get(score.name) ?? how;
    measured.set(score.name, how);
    return other !== how;
  });
}

/** `brownian runs`: the runs of a folder, as a table. @throws UserError when the folder cannot be read. */
export async function listCommand(context: Context, folder: string | undefined): Promise<ExitCode> {
  const where = folder ?? context.runsFolder;
  const { runs, problems } = await listRuns(where);
  const row = (run: RunSummary): string[] => [
    run.path,
    run.config.model,
    run.record.data.name,
    `${run.iterations}/${run.config.iterations}`,
    run.state,
    headline(run),
    run.record.created.slice(0, 16).replace('T', ' '),
  ];
  if (runs.length === 0) context.print(`There are no runs in ${where}; make one with: brownian train mnist`);
  else {
    const head = ['run', 'model', 'data', 'iterations', 'state', 'score', 'started (UTC)'];
    for (const line of textTable([head, ...runs.map(row)])) context.print(line);
    if (headlinesMislead(runs))
      context.print('Not all of these scores compare; brownian runs compare says what each was measured with.');
  }
  for (const problem of problems) context.print(`Left out: ${problem}`);
  return 0;
}

/** `brownian runs compare`: tables on the terminal and a page. @throws UserError when there are not two runs. */
export async function compareCommand(
  context: Context,
  paths: readonly string[],
  out: string | undefined,
): Promise<ExitCode> {
  if (paths.length < 2) throw new UserError(`Name at least two runs to compare; ${paths.length} was given.`);
  const runs = await readRuns(paths);
  const labels = runs.map(({ label }) => label);
  const print = (title: string, rows: ReturnType<typeof results>): void => {
    for (const line of textTable([[title, ...labels], ...rows.map(({ name, values }) => [name, ...values])]))
      context.print(line);
    context.print('');
  };
  print('results', results(runs));
  const sources = scoreSources(runs);
  for (const source of sources) context.print(source);
  if (sources.length > 0) context.print('');
  const differing = differingSettings(runs);
  if (differing.length === 0) context.print('The runs have the same settings.');
  else print('settings that differ', differing);
  const file = out ?? join(dirname(paths[0] ?? ''), 'comparison.html');
  await writeAtomically(file, [comparisonPage(runs)]);
  context.print(`Curves: ${file}`);
  return 0;
}

/** `brownian runs delete`: deletes runs for good. @throws UserError when one is no run or in use; none is then deleted. */
export async function deleteCommand(context: Context, paths: readonly string[], yes: boolean): Promise<ExitCode> {
  for (const path of paths) {
    await openRun(path);
    (await lockRun(path)).release();
  }
  const what = paths.length === 1 ? (paths[0] ?? '') : `${paths.length} runs (${paths.join(', ')})`;
  if (!yes && !(await context.confirm(`Delete ${what} for good?`))) {
    context.print('Nothing was deleted.');
    return 0;
  }
  for (const path of paths) {
    // Taken again: a process may have begun to work on it while the user was thinking.
    (await lockRun(path)).release();
    try {
      await rm(path, { recursive: true });
    } catch (error) {
      throw new UserError(`Cannot delete ${path}: ${fileProblem(error)}.`, { cause: error });
    }
    context.print(`Deleted ${path}`);
  }
  return 0;
}

const EXPORTS = { csv: writeCsv, tensorboard: writeTensorboard } as const;

/** `brownian runs export`: metrics for other tools. @throws UserError when the format is unknown or nothing can be written. */
export async function exportCommand(
  context: Context,
  path: string,
  { format, out }: { readonly format: string; readonly out: string },
): Promise<ExitCode> {
  if (!Object.hasOwn(EXPORTS, format))
    throw new UserError(`--format is ${JSON.stringify(format)}; it must be one of ${Object.keys(EXPORTS).join(', ')}.`);
  await openRun(path);
  const written = await EXPORTS[format as keyof typeof EXPORTS](path, out);
  context.print(`${written.what}: ${written.file}`);
  return 0;
}
