import { type Markup, html } from '../report/html.ts';
import { MARK, shell } from '../report/shell.ts';
import type { Findings, ReportTable } from './experiment.ts';

/** What the head of a report says besides the findings. */
export interface PageFacts {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly command: string;
  readonly done: number;
  readonly planned: number;
  readonly seconds: number;
  /** Machines that ran cells. */
  readonly machines: readonly string[];
  readonly date: string;
}

function tableMarkup({ title, rows, note }: ReportTable): Markup {
  const [head = [], ...body] = rows;
  return html`<h2>${title}</h2>
    <p class="hint">${note}</p>
    <table>
      <tr>
        ${head.map((cell) => html`<th scope="col">${cell}</th>`)}
      </tr>
      ${body.map(
        ([name = '', ...cells]) =>
          html`<tr>
            <th scope="row">${name}</th>
            ${cells.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
      )}
    </table>`;
}

function minutes(seconds: number): string {
  return `${(seconds / 60).toFixed(1)} min`;
}

/** Says plainly what is missing. */
function missing({ done, planned }: PageFacts): string {
  return done === planned
    ? `All ${planned} cells have been run.`
    : `${done} of ${planned} cells have been run; the same command goes on with the rest.`;
}

/** The report of an experiment as a page that needs nothing but itself. */
export function experimentPage(facts: PageFacts, { lead, tables, figures }: Findings): string {
  const main = html`<header>
      <p class="mark">${MARK} Brownian · ${facts.summary}</p>
      <h1>${facts.title}</h1>
      <p class="lead">${lead}</p>
      <dl class="facts">
        <div>
          <dt>Cells</dt>
          <dd>${facts.done} <small>of ${facts.planned}</small></dd>
        </div>
        <div>
          <dt>Time</dt>
          <dd>${minutes(facts.seconds)}</dd>
        </div>
        <div>
          <dt>Written</dt>
          <dd>${facts.date}</dd>
        </div>
      </dl>
      ${facts.done === facts.planned ? null : html`<p class="notice"><b>Unfinished.</b> ${missing(facts)}</p>`}
    </header>
    ${tables.map(tableMarkup)} ${figures}
    <h2>Do it again</h2>
    <p class="hint">${facts.machines.join('; ')}</p>
    <pre>${facts.command}</pre>`;
  return shell(facts.title, main);
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function tableMarkdown({ title, rows, note }: ReportTable): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(' | ')} |`;
  return [`## ${title}`, '', note, '', line(head), line(head.map(() => '---')), ...body.map(line), ''].join('\n');
}

/** The tables as Markdown, without pictures, which may show data that must not be passed on. */
export function experimentMarkdown(facts: PageFacts, { lead, tables }: Findings): string {
  const head = [
    `# ${facts.title}`,
    '',
    lead,
    '',
    `\`${facts.command}\`, ${facts.date}, ${minutes(facts.seconds)} on ${facts.machines.join('; ') || 'no machine yet'}. ${missing(facts)}`,
    '',
  ];
  return [...head, ...tables.map(tableMarkdown)].join('\n');
}
