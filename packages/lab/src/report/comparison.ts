import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { FIELDS, valueOf, valueText } from '../config/fields.ts';
import { formatNumber, formatSeconds } from '../progress.ts';
import { type MetricsRecord, readMetrics } from '../runs/database.ts';
import { type RunSummary, summarize } from '../runs/list.ts';
import { runFiles } from '../runs/run.ts';
import { type Score, describeComparable } from '../runs/scores.ts';
import { scoreText } from '../scoring/table.ts';
import { COLORS } from './colors.ts';
import { type Chart, overlaidCurves } from './curves.ts';
import { dataTitle, isImages } from './facts.ts';
import { type Markup, html, raw } from './html.ts';
import { MARK, shell } from './shell.ts';

/** A run with what is compared. */
export interface ComparedRun extends RunSummary {
  /** Short name, unlike those of the others. */
  readonly label: string;
  readonly records: readonly MetricsRecord[];
  /** Final samples as base64 PNG; null when there are none. */
  readonly samples: string | null;
}

/** One row of a comparison: a name, and a text for each run. */
export interface ComparisonRow {
  readonly name: string;
  readonly values: readonly string[];
}

/** Iterations at the end of a run whose median stands for its final metrics. */
const FINAL = 50;

/** Reads the runs to compare. @throws UserError when one is no run, or damaged. */
export async function readRuns(paths: readonly string[]): Promise<ComparedRun[]> {
  const names = paths.map((path) => basename(path));
  return await Promise.all(
    paths.map(async (path, i) => ({
      ...(await summarize(path)),
      label: names.indexOf(names[i] ?? '') === names.lastIndexOf(names[i] ?? '') ? (names[i] ?? path) : path,
      records: readMetrics(runFiles(path).database),
      samples: await readFile(runFiles(path).finalGrid, 'base64').catch(() => null),
    })),
  );
}

/** The options in which runs differ. */
export function differingSettings(runs: readonly ComparedRun[]): ComparisonRow[] {
  const rows = FIELDS.map((field) => ({
    name: field.path,
    values: runs.map(({ config }) => valueText(valueOf({ ...config }, field))),
  }));
  return rows.filter(({ values }) => new Set(values).size > 1);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** What the scores of runs were measured with: scores compare only where this is the same. */
function sourcesOf(runs: readonly ComparedRun[]): readonly string[] {
  return [...new Set(runs.flatMap(({ scores }) => scores.map(({ provenance }) => describeComparable(provenance))))];
}

/** A line for each number that marks scores in {@link results}, and what it stands for; none when there are no scores. */
export function scoreSources(runs: readonly ComparedRun[]): string[] {
  const sources = sourcesOf(runs);
  if (sources.length === 1) return [`Scores: ${sources[0]}`];
  return sources.map((source, i) => `[${i + 1}] ${source}`);
}

/** A row for scores of one name that compare: unlike networks, counts or data get rows of their own, marked by a number. */
function scoreRows(runs: readonly ComparedRun[]): ComparisonRow[] {
  const sources = sourcesOf(runs);
  const names = [...new Set(runs.flatMap(({ scores }) => scores.map(({ name }) => name)))];
  const rows = names.flatMap((name) =>
    sources.map((source, i) => {
      const isOfRow = (score: Score): boolean => score.name === name && describeComparable(score.provenance) === source;
      // Of several that differ in their seed alone the newest.
      const found = runs.map(({ scores }) => scores.findLast(isOfRow));
      return { name: sources.length === 1 ? name : `${name} [${i + 1}]`, found };
    }),
  );
  return rows
    .filter(({ found }) => found.some((score) => score !== undefined))
    .map(({ name, found }) => ({ name, values: found.map((score) => (score === undefined ? '–' : scoreText(score))) }));
}

/** How far runs came, the medians of their last metrics, and their scores. */
export function results(runs: readonly ComparedRun[]): ComparisonRow[] {
  const last = runs.map(({ records }) => records.slice(-FINAL));
  const metrics = [...new Set(last.flatMap((records) => records.flatMap((record) => Object.keys(record.metrics))))];
  const number = (value: number | undefined): string =>
    value === undefined || Number.isNaN(value) ? '–' : formatNumber(value);
  return [
    { name: 'state', values: runs.map(({ state }) => state) },
    { name: 'iterations', values: runs.map(({ iterations }) => String(iterations)) },
    { name: 'time', values: runs.map(({ records }) => formatSeconds(records.at(-1)?.seconds ?? 0)) },
    ...scoreRows(runs),
    ...metrics.map((name) => ({
      name,
      values: last.map((records) => number(median(records.flatMap((record) => record.metrics[name] ?? [])))),
    })),
  ];
}

function table(runs: readonly ComparedRun[], rows: readonly ComparisonRow[]): Markup {
  return html`<table>
    <tr>
      <th></th>
      ${runs.map(({ label }, i) => html`<th scope="col">${key(label, colorOf(i))}</th>`)}
    </tr>
    ${rows.map(
      ({ name, values }) =>
        html`<tr>
          <th scope="row">${name}</th>
          ${values.map((value) => html`<td class="number">${value}</td>`)}
        </tr>`,
    )}
  </table>`;
}

function colorOf(i: number): string {
  return COLORS[i % COLORS.length] ?? 'currentColor';
}

/** A name with its colour. */
export function key(label: string, color: string): Markup {
  return html`<span class="key"><i style="background: ${color}"></i>${label}</span>`;
}

/** Charts of overlaid runs, each with the colours of its runs. */
export function chartsOf(drawn: readonly Chart[]): Markup {
  return html`<div class="charts">
    ${drawn.map(
      ({ title, meaning, legend, svg }) =>
        html`<figure>
          <div class="charthead">
            <h3>${title}</h3>
            ${legend.map(({ label, color }) => key(label, color))}
          </div>
          ${raw(svg)}
          <p>${meaning}</p>
        </figure>`,
    )}
  </div>`;
}

function charts(runs: readonly ComparedRun[]): Markup | null {
  const drawn = overlaidCurves(runs.map(({ label, records }, i) => ({ label, records, color: colorOf(i) })));
  if (drawn.length === 0) return null;
  return html`<h2>Learning curves</h2>
    <p class="hint">The running median of each run.</p>
    ${chartsOf(drawn)}`;
}

function pictures(runs: readonly ComparedRun[]): Markup | null {
  if (runs.every(({ samples }) => samples === null)) return null;
  return html`<h2>Samples</h2>
    <div class="charts">
      ${runs.map((run, i) =>
        run.samples === null
          ? null
          : html`<figure>
              <img
                class="picture ${isImages(run) ? 'pixels' : 'points'}"
                src="data:image/png;base64,${run.samples}"
                alt="Samples of ${run.label}"
              />
              <figcaption>${key(run.label, colorOf(i))}</figcaption>
            </figure>`,
      )}
    </div>`;
}

/** A page that compares runs: settings that differ, results, curves laid over each other, samples. */
export function comparisonPage(runs: readonly ComparedRun[]): string {
  const data = [...new Set(runs.map(dataTitle))].join(', ');
  const differing = differingSettings(runs);
  const main = html`<header>
      <p class="mark">${MARK} Brownian · comparison of runs</p>
      <h1>${runs.length} runs on ${data}</h1>
    </header>
    <h2>Results</h2>
    <p class="hint">Metrics are medians of the last ${FINAL} iterations.</p>
    ${table(runs, results(runs))} ${scoreSources(runs).map((source) => html`<p class="hint">${source}</p>`)}
    <h2>Settings that differ</h2>
    ${differing.length === 0 ? html`<p class="hint">None: the runs have the same options.</p>` : table(runs, differing)}
    ${charts(runs)} ${pictures(runs)}`;
  return shell(`Comparison on ${data}`, main);
}
