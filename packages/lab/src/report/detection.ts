import { textTable } from '../text-table.ts';
import type { Detection, ScoredSet, Separation } from '../tasks/detect.ts';
import { COLORS } from './colors.ts';
import { type Markup, html, raw } from './html.ts';
import { Plot, plotSvg } from './plot.ts';
import { MARK, shell } from './shell.ts';

/** A detection with its pictures. */
export interface DetectionFacts {
  readonly title: string;
  /** Where it was measured: run, iteration, counts. */
  readonly about: string;
  readonly detection: Detection;
  /** Of each set the least and the most likely items as base64 PNG; empty for items that are no images. */
  readonly examples: readonly { readonly name: string; readonly least: string; readonly most: string }[];
}

const WIDTH = 470;
const HEIGHT = 260;
const BINS = 60;

function labelOf({ role, name }: Pick<ScoredSet, 'role' | 'name'>): string {
  return role === 'train' ? `${name} (learned from)` : name;
}

function keys(labels: readonly string[]): Markup {
  return html`${labels.map(
    (label, i) =>
      html`<span class="key"><i style="background: ${COLORS[i % COLORS.length] ?? 'currentColor'}"></i>${label}</span>`,
  )}`;
}

interface Bin {
  readonly from: number;
  readonly to: number;
  /** Share of the set in this bin. */
  readonly share: number;
}

/** Histograms of sets on common bins that leave out the outermost half per cent of all values. */
export function histograms(sets: readonly ArrayLike<number>[]): Bin[][] {
  const all = Float64Array.from(sets.flatMap((set) => Array.from(set))).toSorted();
  const at = (share: number): number => all[Math.round(share * (all.length - 1))] as number;
  const [low, high] = [at(0.005), at(0.995)];
  const width = (high - low) / BINS || 1;
  return sets.map((set) => {
    const counts = new Float64Array(BINS);
    for (let i = 0; i < set.length; i++) {
      const bin = Math.floor(((set[i] as number) - low) / width);
      if (bin >= 0 && bin < BINS) counts[bin] = (counts[bin] as number) + 1;
    }
    return Array.from(counts, (count, i) => ({
      from: low + i * width,
      to: low + (i + 1) * width,
      share: count / set.length,
    }));
  });
}

/** Histograms of Φ, drawn over each other. */
export function histogramSvg(sets: readonly ScoredSet[]): string {
  const bins = histograms(sets.map(({ potentials }) => potentials));
  return plotSvg({
    width: WIDTH * 1.6,
    height: HEIGHT,
    marginLeft: 50,
    x: { label: 'Φ', labelArrow: 'none', ticks: 6 },
    y: { label: 'share of items', labelArrow: 'none', ticks: 4, tickFormat: '%', grid: true },
    marks: bins.flatMap((set, i) => [
      Plot.rectY(set, {
        x1: 'from',
        x2: 'to',
        y: 'share',
        fill: COLORS[i % COLORS.length] as string,
        fillOpacity: 0.35,
      }),
      Plot.ruleY([0]),
    ]),
  });
}

/** ROC curves, with the diagonal of a score that tells nothing. */
export function rocSvg(separations: readonly Separation[], colors: readonly string[]): string {
  const diagonal = [
    { falsePositives: 0, truePositives: 0 },
    { falsePositives: 1, truePositives: 1 },
  ];
  const line = { x: 'falsePositives', y: 'truePositives' };
  return plotSvg({
    width: WIDTH * 0.8,
    height: WIDTH * 0.8,
    marginLeft: 50,
    x: { label: 'share of the others let pass', labelArrow: 'none', ticks: 5 },
    y: { label: 'share of data let pass', labelArrow: 'none', ticks: 5, grid: true },
    marks: [
      Plot.line(diagonal, { ...line, stroke: 'currentColor', strokeOpacity: 0.3, strokeDasharray: '4 4' }),
      ...separations.map(({ roc }, i) => Plot.line([...roc], { ...line, stroke: colors[i] as string, strokeWidth: 2 })),
    ],
  });
}

/** AUROC of each set as text. */
export function separationTable(separations: readonly Separation[]): string {
  const lines = textTable([
    ['set', 'AUROC', 'passes at 95 %'],
    ...separations.map(({ name, auroc, falsePositivesAt95 }) => [
      name,
      auroc.toFixed(3),
      `${(100 * falsePositivesAt95).toFixed(1)} %`,
    ]),
  ]);
  return lines.join('\n');
}

const SCORES = {
  potential: 'An item counts as normal when its potential Φ is high.',
  typicality:
    'An item counts as normal when its potential Φ is near the median of the data that the model learned from.',
} as const;

function table(separations: readonly Separation[]): Markup {
  return html`<table class="scores">
    ${separations.map(
      ({ name, auroc, falsePositivesAt95 }) =>
        html`<tr>
          <th scope="row">
            ${name}
            <div class="note">
              ${(100 * falsePositivesAt95).toFixed(1)} % of them pass a threshold that lets 95 % of the data pass
            </div>
          </th>
          <td class="number">${auroc.toFixed(3)}</td>
        </tr>`,
    )}
  </table>`;
}

/** A page on how well a model tells its data from others. */
export function detectionPage({ title, about, detection, examples }: DetectionFacts): string {
  const { sets, separations, score } = detection;
  const labels = sets.map(labelOf);
  const others = sets
    .filter(({ role }) => role !== 'in')
    .map((set) => COLORS[sets.indexOf(set) % COLORS.length] as string);
  const main = html`<header>
      <p class="mark">${MARK} Brownian · detection</p>
      <h1>${title}</h1>
      <p class="lead">${about}</p>
    </header>
    <div class="text">
      <p>
        The potential Φ gives every item one number. ${SCORES[score]} The <b>AUROC</b> is the probability that a random
        item of the data that the model did not learn from is found more normal than one of the other set: 1 tells them
        apart perfectly, 0.5 not at all, and below 0.5 the model finds the others <i>more</i> normal. For data that it
        did learn from it should be near 0.5: otherwise the model has learned them by heart.
      </p>
    </div>
    ${
      separations.length === 0
        ? null
        : html`<div class="pair">
            <figure>${raw(rocSvg(separations, others))}</figure>
            <div>
              <h3>AUROC</h3>
              ${table(separations)}
            </div>
          </div>`
    }
    <h2>Potentials</h2>
    <figure>
      <div class="charthead">${keys(labels)}</div>
      ${raw(histogramSvg(sets))}
    </figure>
    ${examples.map(
      ({ name, least, most }) =>
        html`<h2>${name}</h2>
          <div class="pair">
            <figure>
              <img class="picture pixels" src="data:image/png;base64,${least}" alt="Items with the lowest scores" />
              <figcaption><b>Least normal.</b></figcaption>
            </figure>
            <figure>
              <img class="picture pixels" src="data:image/png;base64,${most}" alt="Items with the highest scores" />
              <figcaption><b>Most normal.</b></figcaption>
            </figure>
          </div>`,
    )}`;
  return shell(title, main);
}
