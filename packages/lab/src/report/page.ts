import { formatSeconds } from '../progress.ts';
import { describeProvenance, headlineOf } from '../runs/scores.ts';
import { scoreText } from '../scoring/table.ts';
import { quoteArgument } from '../shell-words.ts';
import { learningCurves } from './curves.ts';
import { explanation, samplesDrawn } from './explain/explanation.ts';
import { type ReportFacts, dataTitle, isImages, itemNoun } from './facts.ts';
import { type Markup, html, jsonFor, raw } from './html.ts';
import { SCRIPT } from './script.ts';
import { machineTable, settingsTables } from './settings.ts';
import { MARK, shell } from './shell.ts';
import { fineSeconds, timeSpent } from './time.ts';
import { trajectorySection } from './trajectory.ts';

function image(run: ReportFacts['run'], png: string, alt: string, id?: string): Markup {
  const kind = isImages(run) ? 'pixels' : 'points';
  return html`<img
    class="picture ${kind}"
    ${id === undefined ? null : raw(` id="${id}"`)}
    src="data:image/png;base64,${png}"
    alt="${alt}"
  />`;
}

function header(facts: ReportFacts): Markup {
  const { run, model } = facts;
  const { record } = run;
  const noun = itemNoun(run);
  const headline = headlineOf(facts.scores);
  const tiles: [string, string, string][] = [
    ['Iterations', record.iterations.toLocaleString('en-US'), ''],
    [
      'Time',
      formatSeconds(record.seconds.total),
      `${record.machine.threads} CPU ${record.machine.threads === 1 ? 'thread' : 'threads'}`,
    ],
    ['Per iteration', record.iterations > 0 ? fineSeconds(record.seconds.training / record.iterations) : '–', ''],
    ['Learned from', record.data.size.toLocaleString('en-US'), noun],
    ...(headline === undefined ? [] : [[headline.name, scoreText(headline), ''] as [string, string, string]]),
  ];
  return html`<header>
    <p class="mark">${MARK} Brownian · report of a training run</p>
    <h1>${model.title} on ${dataTitle(run)}</h1>
    <p class="lead">${lead(facts)}</p>
    <dl class="facts">
      ${tiles.map(
        ([name, value, unit]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}${unit === '' ? null : html` <small>${unit}</small>`}</dd>
          </div>`,
      )}
    </dl>
    ${notice(facts)}
  </header>`;
}

function lead({ run, model }: ReportFacts): string {
  const { record } = run;
  const threads = record.machine.threads === 1 ? 'one CPU thread' : `${record.machine.threads} CPU threads`;
  const time = `${formatSeconds(record.seconds.total)} on ${threads}`;
  return `${model.title} (${model.description}) that learned ${dataTitle(run)} in ${time}.`;
}

function notice({ run: { path, record } }: ReportFacts): Markup | null {
  if (record.status === 'diverged')
    return html`<p class="notice"><b>This run diverged.</b> ${record.message ?? ''}</p>`;
  if (record.status === 'failed')
    return html`<p class="notice">
      <b>This run failed:</b> ${record.message ?? ''} Go on with it: <code>brownian resume ${quoteArgument(path)}</code>
    </p>`;
  if (record.status === 'running')
    return html`<p class="notice"><b>This run had not ended</b> when the report was written.</p>`;
  if ((record.status === 'finished' || record.status === 'out of time') && record.message !== null)
    return html`<p class="notice">
      <b>It was trained to its end, but not all of its samples could be drawn:</b> ${record.message} Draw them:
      <code>brownian sample ${quoteArgument(path)}</code>
    </p>`;
  if (record.status !== 'interrupted') return null;
  return html`<p class="notice">
    <b>This run was interrupted</b> after iteration ${record.iterations}. Go on with it:
    <code>brownian resume ${quoteArgument(path)}</code>
  </p>`;
}

function scoreTable({ scores }: ReportFacts): Markup | null {
  if (scores.length === 0) return null;
  return html`<h3>Scores</h3>
    <table class="scores">
      ${scores.map(
        (score) =>
          html`<tr>
            <th scope="row">
              ${score.name}
              <div class="note">${score.note}</div>
              <div class="note" title="sha256 ${score.provenance.network?.hash ?? 'of no network'}">
                ${describeProvenance(score.provenance)}
              </div>
            </th>
            <td class="number">${scoreText(score)}</td>
          </tr>`,
      )}
    </table>`;
}

function pictures(facts: ReportFacts): Markup | null {
  const { run, samples, realData, frames } = facts;
  const shown = samples ?? frames.at(-1)?.png;
  if (shown === undefined) return null;
  const noun = itemNoun(run);
  const colors = isImages(run) ? '' : ' Grey: data. Orange: particles.';
  const caption =
    samples === null
      ? html`<b>Particles</b> after iteration ${frames.at(-1)?.iteration ?? 0}, the last that was drawn.${colors}`
      : html`<b>Samples.</b> New ${noun} that this model made, ${samplesDrawn(run.config)}; none was picked by
          hand.${colors}`;
  return html`<div class="pair">
    <figure>
      ${image(run, shown, 'Samples of the trained model')}
      <figcaption>${caption}</figcaption>
    </figure>
    <div>
      ${
        realData === null
          ? null
          : html`<figure>
              ${image(run, realData, 'Real data')}
              <figcaption>
                <b>Real data.</b> Some of the ${run.record.data.size.toLocaleString('en-US')} ${noun} it learned from.
              </figcaption>
            </figure>`
      }
      ${scoreTable(facts)}
    </div>
  </div>`;
}

function landscape({ landscape: svg }: ReportFacts): Markup | null {
  if (svg === null) return null;
  return html`<h2>The potential</h2>
    <p class="hint">Φ over the plane, the lighter the higher; arrows show its slope, dots are samples.</p>
    <figure>${raw(svg)}</figure>`;
}

function film({ run, frames }: ReportFacts): Markup | null {
  const last = frames.at(-1);
  if (last === undefined || frames.length < 2) return null;
  const noun = isImages(run) ? 'them emerge' : 'them find their places';
  return html`<section id="film" hidden>
    <h2>Watch ${noun}</h2>
    <p class="hint">
      The model’s particles while it learned, from the first iteration to the last. As an animation:
      <code>samples/training.webp</code> in the run’s folder.
    </p>
    <div class="film">
      <figure>${image(run, last.png, 'Particles', 'frame')}</figure>
      <div>
        <div class="when" id="when">Iteration ${last.iteration.toLocaleString('en-US')}</div>
        <div class="label" id="after">${last.caption}</div>
        <div class="controls">
          <button id="play" type="button" aria-label="Play">
            <svg viewBox="0 0 18 18"><path d="M4 2l12 7-12 7z" /></svg>
          </button>
          <input
            type="range"
            id="time"
            min="0"
            max="${frames.length - 1}"
            value="${frames.length - 1}"
            step="1"
            aria-label="Time"
          />
        </div>
      </div>
    </div>
    <script type="application/json" id="frames">
      ${jsonFor(frames)}
    </script>
  </section>`;
}

function curves({ records }: ReportFacts): Markup | null {
  const charts = learningCurves(records);
  if (charts.length === 0) return null;
  return html`<h2>Learning curves</h2>
    <p class="hint">Faint lines are what the iterations measured, strong lines their running median.</p>
    <div class="charts">
      ${charts.map(
        ({ title, meaning, legend, svg }) =>
          html`<figure>
            <div class="charthead">
              <h3>${title}</h3>
              ${legend.map(({ label, color }) => html`<span class="key"><i style="background: ${color}"></i>${label}</span>`)}
            </div>
            ${raw(svg)}
            <p>${meaning}</p>
          </figure>`,
      )}
    </div>`;
}

function again({ run: { path, record }, command }: ReportFacts): Markup {
  const run = quoteArgument(path);
  return html`<h2>Do it again</h2>
    <p class="hint">The same seed gives the same parameters, bit for bit, on the same kind of machine.</p>
    <pre><span class="comment"># this run</span>
${command}
<span class="comment"># more samples</span>
brownian sample ${run} --n 100 --seed 7
<span class="comment"># train it further</span>
brownian resume ${run} --iterations ${Math.max(2 * record.iterations, 1000)} --minutes none</pre>`;
}

/** The report of a run: one page that needs nothing but itself. */
export function renderPage(facts: ReportFacts): string {
  const { run } = facts;
  const title = `${facts.model.title} on ${dataTitle(run)}`;
  const main = html`${header(facts)} ${pictures(facts)}
    <h2>What you see</h2>
    ${explanation(facts)} ${landscape(facts)} ${trajectorySection(facts)} ${film(facts)} ${curves(facts)}
    <h2>Settings</h2>
    <p class="hint">
      Every option of the run. Those in colour differ from the model’s defaults; hover for what they mean.
    </p>
    ${settingsTables(facts)}
    <div class="columns">
      <section>
        <h2>Time</h2>
        ${timeSpent(run)}
      </section>
      <section>
        <h2>Machine</h2>
        ${machineTable(run)}
      </section>
    </div>
    ${again(facts)}`;
  return shell(
    title,
    main,
    html`<script>
      ${raw(SCRIPT)};
    </script>`,
  );
}
