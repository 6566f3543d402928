import { COLORS } from '../report/colors.ts';
import { chartsOf } from '../report/comparison.ts';
import { overlaidCurves } from '../report/curves.ts';
import { type Markup, html } from '../report/html.ts';
import type { CellResult } from './experiment.ts';

/** What a cell is called in figures. */
export type LabelOf = (result: CellResult) => string;

/** Records of what was seen at the looks of a training; `names` are the numbers to keep. */
function recordsOf({ curves }: CellResult, names: readonly string[]) {
  return (curves['iteration'] ?? []).map((iteration, i) => ({
    iteration: iteration ?? 0,
    seconds: 0,
    metrics: Object.fromEntries(
      names.flatMap((name) => {
        const value = curves[name]?.[i] ?? null;
        return value === null ? [] : [[name, value] as const];
      }),
    ),
  }));
}

/** Curves of cells over each other, a chart for each number. */
export function looksFigure(
  title: string,
  results: readonly CellResult[],
  names: readonly string[],
  labelOf: LabelOf,
): Markup {
  const runs = results.map((result, i) => ({
    label: labelOf(result),
    color: COLORS[i % COLORS.length] ?? 'currentColor',
    records: recordsOf(result, names),
  }));
  return html`<h2>${title}</h2>
    ${chartsOf(overlaidCurves(runs))}`;
}

/** Pictures of one kind from each cell, side by side. */
export function galleryFigure(
  title: string,
  hint: string,
  results: readonly CellResult[],
  kind: string,
  labelOf: LabelOf,
  picture: (path: string) => string,
): Markup | null {
  const shown = results.flatMap((result) => {
    const path = result.pictures[kind];
    return path === undefined ? [] : [{ label: labelOf(result), path }];
  });
  if (shown.length === 0) return null;
  return html`<h2>${title}</h2>
    <p class="hint">${hint}</p>
    <div class="gallery">
      ${shown.map(
        ({ label, path }) =>
          html`<figure>
            <img class="picture" src="${picture(path)}" alt="${title}: ${label}" />
            <figcaption>${label}</figcaption>
          </figure>`,
      )}
    </div>`;
}

/** Figures that there are. */
export function shownFigures(figures: readonly (Markup | null)[]): Markup[] {
  return figures.filter((figure) => figure !== null);
}
