import { textTable } from '../text-table.ts';
import { type Detection, type ScoredSet, type Separation, labelOf } from '../tasks/detect.ts';
import { COLORS } from './colors.ts';
import { type Markup, html, raw } from './html.ts';
import { Plot, plotSvg } from './plot.ts';
import { MARK, shell } from './shell.ts';

/** A detection with its pictures. */
export interface DetectionFacts {
  readonly title: string;
  /** Where it was measured: run, iteration, counts. */
  readonly about: string;
  /** What a reader should know of the sets. */
  readonly notes: readonly string[];
  readonly detection: Detection;
  /** Of each set the least and the most likely items as base64 PNG; empty for items that are no images. */
  readonly examples: readonly { readonly name: string; readonly least: string; readonly most: string }[];
}

const WIDTH = 470;
const HEIGHT = 260;
const BINS = 60;

/** A set as charts show it. */
interface Key {
  readonly label: string;
  readonly color: string;
}

/** The colour and the label of each set, which are the same in all charts. */
function keysOf(sets: readonly ScoredSet[]): Key[] {
  return sets.map((set, i) => ({ label: labelOf(set), color: COLORS[i % COLORS.length] as string }));
}

/** Height of a line of a legend, in pixels. */
const LINE = 16;

/** Names and colours above a chart, a line each, so that the picture can be read by itself. */
function legend(keys: readonly Key[]): Plot.Markish[] {
  return keys.flatMap(({ label, color }, i) => {
    const dy = (i - keys.length) * LINE;
    return [
      Plot.dot([0], { frameAnchor: 'top-left', dx: 6, dy, symbol: 'square', r: 5, fill: color, stroke: null }),
      Plot.text([label], { frameAnchor: 'top-left', dx: 16, dy: dy - 5, lineAnchor: 'top', fill: 'currentColor' }),
    ];
  });
}

interface Bin {
  readonly from: number;
  readonly to: number;
  /** Share of the set in this bin. */
  readonly share: number;
}

/** Histograms of sets on common bins that leave out the outermost half per cent of each: a small set far from the others is shown too. */
export function histograms(sets: readonly ArrayLike<number>[]): Bin[][] {
  const sorted = sets.map((set) => Float64Array.from(set).toSorted());
  const ends = (share: number): number[] => sorted.map((set) => set[Math.round(share * (set.length - 1))] as number);
  const [low, high] = [Math.min(...ends(0.005)), Math.max(...ends(0.995))];
  const width = (high - low) / BINS || 1;
  return sets.map((set) => {
    const counts = new Float64Array(BINS);
    for (let i = 0; i < set.length; i++) {
      // The highest value belongs to the last bin.
      const bin = set[i] === high ? BINS - 1 : Math.floor(((set[i] as number) - low) / width);
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
function histogramSvg(sets: readonly ScoredSet[], keys: readonly Key[]): string {
  const bins = histograms(sets.map(({ potentials }) => potentials));
  return plotSvg({
    width: WIDTH * 1.6,
    height: HEIGHT + keys.length * LINE,
    marginLeft: 50,
    marginTop: 20 + keys.length * LINE,
    x: { label: 'Φ', labelArrow: 'none', ticks: 6 },
    y: { label: null, ticks: 4, tickFormat: '%', grid: true },
    marks: [
      ...bins.map((set, i) =>
        Plot.rectY(set, { x1: 'from', x2: 'to', y: 'share', fill: keys[i]?.color as string, fillOpacity: 0.35 }),
      ),
      Plot.ruleY([0]),
      ...legend(keys),
    ],
  });
}

/** ROC curves, with the diagonal of a score that tells nothing. */
function rocSvg(separations: readonly Separation[], keys: readonly Key[]): string {
  const diagonal = [
    { falsePositives: 0, truePositives: 0 },
    { falsePositives: 1, truePositives: 1 },
  ];
  const line = { x: 'falsePositives', y: 'truePositives' };
  return plotSvg({
    width: WIDTH * 0.8,
    height: WIDTH * 0.8 + keys.length * LINE,
    marginLeft: 50,
    marginTop: 20 + keys.length * LINE,
    x: { label: 'share of the others let pass', labelArrow: 'none', ticks: 5 },
    y: { label: 'share of the reference let pass', labelArrow: 'none', labelAnchor: 'center', ticks: 5, grid: true },
    marks: [
      Plot.line(diagonal, { ...line, stroke: 'currentColor', strokeOpacity: 0.3, strokeDasharray: '4 4' }),
      ...separations.map(({ roc }, i) =>
        Plot.line([...roc], { ...line, stroke: keys[i]?.color as string, strokeWidth: 2 }),
      ),
      ...legend(keys),
    ],
  });
}

/** Charts of a detection as SVG. */
export interface DetectionCharts {
  readonly histogram: string;
  /** Null where there is nothing to tell apart. */
  readonly roc: string | null;
}

/** Draws a detection; a set has one colour in all charts. */
export function detectionCharts({ sets, reference, separations }: Detection): DetectionCharts {
  const keys = keysOf(sets);
  const others = keys.filter((_, i) => sets[i] !== reference);
  return {
    histogram: histogramSvg(sets, keys),
    roc: separations.length === 0 ? null : rocSvg(separations, others),
  };
}

/** AUROC of each set as text. */
export function separationTable({ separations, reference }: Detection): string {
  const lines = textTable([
    [`against ${labelOf(reference)}`, 'AUROC', 'passes at 95 %'],
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
              ${(100 * falsePositivesAt95).toFixed(1)} % of them pass a threshold that lets 95 % of the reference pass
            </div>
          </th>
          <td class="number">${auroc.toFixed(3)}</td>
        </tr>`,
    )}
  </table>`;
}

/** A page on how well a model tells its data from others. */
export function detectionPage({ title, about, notes, detection, examples }: DetectionFacts): string {
  const { separations, score, reference } = detection;
  const charts = detectionCharts(detection);
  const main = html`<header>
      <p class="mark">${MARK} Brownian · detection</p>
      <h1>${title}</h1>
      <p class="lead">${about}</p>
    </header>
    <div class="text">
      <p>
        The potential Φ gives every item one number. ${SCORES[score]} The <b>AUROC</b> is the probability that a random
        item of the reference, <b>${labelOf(reference)}</b>, is found more normal than one of the other set: 1 tells
        them apart perfectly, 0.5 not at all, and below 0.5 the model finds the others <i>more</i> normal.
        ${
          reference.role === 'in'
            ? 'For data that it did learn from it should be near 0.5: otherwise the model has learned them by heart.'
            : null
        }
      </p>
      ${notes.map((note) => html`<p class="hint">${note}</p>`)}
    </div>
    ${
      charts.roc === null
        ? null
        : html`<div class="pair">
            <figure>${raw(charts.roc)}</figure>
            <div>
              <h3>AUROC</h3>
              ${table(separations)}
            </div>
          </div>`
    }
    <h2>Potentials</h2>
    <figure>
      ${raw(charts.histogram)}
      <figcaption>Share of each set, by Φ.</figcaption>
    </figure>
    ${examples.map(
      ({ name, least, most }) =>
        html`<h2>${name}</h2>
          <div class="columns">
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
