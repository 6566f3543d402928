import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { describeMachine } from '../runs/machine.ts';
import { writeAtomically } from '../runs/atomic.ts';
import { lockRun } from '../runs/lock.ts';
import type { Bench, CellResult, Experiment, Scale } from './experiment.ts';
import { experimentMarkdown, experimentPage } from './page.ts';
import { cellKey, prepareFolder, readResults, writeResult } from './store.ts';

/** A sitting at an experiment. */
export interface Sitting {
  readonly experiment: Experiment;
  readonly scale: Scale;
  readonly folder: string;
  readonly command: string;
  /** No cell is begun after this many seconds; null is no limit. */
  readonly seconds: number | null;
  readonly bench: Bench;
}

/** How far an experiment came. */
export interface Progressed {
  readonly done: number;
  readonly planned: number;
  readonly page: string;
  readonly markdown: string;
}

const TYPES: Readonly<Record<string, string>> = { '.png': 'image/png', '.webp': 'image/webp' };

/** Pictures of cells as `data:` addresses, read before the page is made. */
async function pictureReader(folder: string, results: readonly CellResult[]): Promise<(path: string) => string> {
  const paths = [...new Set(results.flatMap(({ pictures }) => Object.values(pictures)))];
  const read = await Promise.all(
    paths.map(async (path) => {
      const base64 = await readFile(join(folder, path), 'base64').catch(() => '');
      return [path, `data:${TYPES[extname(path)] ?? 'image/png'};base64,${base64}`] as const;
    }),
  );
  const found = new Map(read);
  return (path) => found.get(path) ?? 'data:,';
}

/** Writes `report.html`, `table.md` and, for experiments that have them, `curves.svg` from the cells that have been run. */
export async function writeExperimentReport(sitting: Omit<Sitting, 'bench' | 'seconds'>): Promise<Progressed> {
  const { experiment, scale, folder, command } = sitting;
  const cells = experiment.plan(scale);
  const stored = await readResults(folder);
  const results = cells.flatMap((cell) => stored.get(cellKey(cell)) ?? []);
  const findings = experiment.findings(results, scale, await pictureReader(folder, results));
  const facts = {
    name: experiment.name,
    title: experiment.title,
    summary: experiment.summary,
    command,
    done: results.length,
    planned: cells.length,
    seconds: results.reduce((sum, { seconds }) => sum + seconds, 0),
    machines: [...new Set(results.map(({ machine }) => machine))],
    date: new Date().toISOString().slice(0, 10),
  };
  const [page, markdown] = [join(folder, 'report.html'), join(folder, 'table.md')];
  await writeAtomically(page, [experimentPage(facts, findings)]);
  await writeAtomically(markdown, [experimentMarkdown(facts, findings)]);
  if (findings.curves !== undefined) await writeAtomically(join(folder, 'curves.svg'), [findings.curves]);
  return { done: results.length, planned: cells.length, page, markdown };
}

/** Runs cells that are missing, one after the other, until they are done, the time is up, or the user stops. */
async function runMissing({ experiment, scale, folder, seconds, bench }: Sitting): Promise<void> {
  const stored = await readResults(folder);
  const cells = experiment.plan(scale);
  const missing = cells.filter((cell) => !stored.has(cellKey(cell)));
  if (missing.length === 0) return;
  bench.note(`${missing.length} of ${cells.length} cells are to be run.`);
  const run = await experiment.open(scale, bench);
  const { cpu, threads, node, runtime } = describeMachine(bench.threads, bench.runtime.name);
  const machine = `${cpu}, ${threads === 1 ? '1 thread' : `${threads} threads`}, Node ${node}, ${runtime}`;
  const began = performance.now();
  for (const [i, cell] of missing.entries()) {
    const before = performance.now();
    if (bench.stop.aborted || (seconds !== null && before - began >= seconds * 1000)) return;
    const measured = await run(cell);
    if (measured === null) return;
    const spent = Math.round(performance.now() - before) / 1000;
    await writeResult(folder, cell, measured, { seconds: spent, ended: new Date().toISOString(), machine });
    bench.note(`${i + 1}/${missing.length} ${Object.values(cell.settings).join(' ')}: ${spent.toFixed(1)}s`);
  }
}

/**
 * Goes on with an experiment: every cell is kept as it ends, so that a sitting that is interrupted loses one cell at most.
 *
 * @throws UserError for anything the user can put right, also when another process is at the same experiment
 */
export async function reproduce(sitting: Sitting): Promise<Progressed> {
  await prepareFolder(sitting.folder);
  const lock = await lockRun(sitting.folder);
  try {
    await runMissing(sitting);
    return await writeExperimentReport(sitting);
  } finally {
    lock.release();
  }
}
