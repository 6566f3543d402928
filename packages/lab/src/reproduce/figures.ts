import { gridOf } from '../metric-guide.ts';
import { overlaidCurves } from '../report/curves.ts';
import { COLORS } from '../report/colors.ts';
import { chartsOf } from '../report/comparison.ts';
import { type Markup, html } from '../report/html.ts';
import type { CellResult } from './experiment.ts';

/** Metrics whose curves are drawn: R, and the energies of Fig. 7. */
const DRAWN: ReadonlySet<string> = new Set([
  'responseDistance',
  'potentialParticles',
  'potentialData',
  'energy',
  'gradientNorm',
]);

/** What a group of runs has in common: its images, λ, δ and the bound of the weights. */
export function groupOf({ settings }: CellResult): string {
  const { class: member, image, data, images, settings: changed, lambda, delta, clip = 'none', seed } = settings;
  return [
    ...[data, image, member].filter((part) => part !== undefined),
    ...(images === undefined ? [] : [`${images} images`]),
    ...(changed === undefined ? [] : [changed]),
    ...(lambda === undefined ? [] : [`λ ${lambda}`]),
    ...(delta === undefined ? [] : [`δ ${delta}`]),
    ...(clip === 'none' ? [] : [`|θ| ≤ ${clip}`]),
    ...(seed === undefined ? [] : [`seed ${seed}`]),
  ].join(', ');
}

/** What sets a cell apart within its group. */
function labelOf({ settings }: CellResult): string {
  const { flow, model, run, scales } = settings;
  return scales === undefined
    ? String(flow ?? model ?? run)
    : `${flow}, ${scales} ${scales === 1 ? 'scale' : 'scales'}`;
}

/** Cells by the images and the λ that they share, with a name for each group. */
export function grouped(results: readonly CellResult[]): ReadonlyMap<string, readonly CellResult[]> {
  const groups = new Map<string, CellResult[]>();
  for (const result of results) {
    const name = groupOf(result);
    groups.set(name, [...(groups.get(name) ?? []), result]);
  }
  return groups;
}

function colorOf(i: number): string {
  return COLORS[i % COLORS.length] ?? 'currentColor';
}

/** Records as a run has them, from the curves of a cell. */
function recordsOf({ curves }: CellResult): { iteration: number; seconds: number; metrics: Record<string, number> }[] {
  const drawn = Object.keys(curves).filter((name) => DRAWN.has(gridOf(name)[0]));
  const length = Math.max(0, ...drawn.map((name) => curves[name]?.length ?? 0));
  return Array.from({ length }, (_, i) => ({
    iteration: i + 1,
    seconds: 0,
    metrics: Object.fromEntries(
      drawn.flatMap((name) => {
        const value = curves[name]?.[i] ?? null;
        return value === null ? [] : [[name, value] as const];
      }),
    ),
  }));
}

/** Curves of R and of Φ, which is minus the learned part of the energy, of the flows on the same images (wFRAME, Fig. 7). */
export function curveFigures(results: readonly CellResult[]): Markup[] {
  return [...grouped(results)].map(([name, cells]) => {
    const runs = cells.map((cell, i) => ({
      label: labelOf(cell),
      color: colorOf(i),
      records: recordsOf(cell),
    }));
    return html`<h2>Curves: ${name}</h2>
      ${chartsOf(overlaidCurves(runs))}`;
  });
}

/** Pictures of the cells on the same images side by side: the first kind once, for it is the same for all of them, the others for each flow. */
export function pictureFigures(
  results: readonly CellResult[],
  [shared, ...own]: readonly [string, ...string[]],
  hint: string,
  picture: (path: string) => string,
): Markup[] {
  return [...grouped(results)].map(([name, cells]) => {
    const common = cells[0]?.pictures[shared];
    const shown = common === undefined ? [] : [{ label: shared, path: common }];
    for (const cell of cells) {
      for (const kind of own) {
        const path = cell.pictures[kind];
        if (path !== undefined)
          shown.push({ label: own.length > 1 ? `${labelOf(cell)}, ${kind}` : labelOf(cell), path });
      }
    }
    return html`<h2>${name}</h2>
      <p class="hint">${hint}</p>
      <div class="gallery">
        ${shown.map(
          ({ label, path }) =>
            html`<figure>
              <img class="picture pixels" src="${picture(path)}" alt="${label} of ${name}" />
              <figcaption>${label}</figcaption>
            </figure>`,
        )}
      </div>`;
  });
}
