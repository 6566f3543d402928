import { COLORS } from '../report/colors.ts';
import { Plot, plotSvg } from '../report/plot.ts';
import type { CellResult } from './experiment.ts';
import { groupOf } from './figures.ts';

/** R above this leaves the frame: what collapses would flatten everything else. */
const CEILING = 1000;
const [PANEL_WIDTH, PANEL_HEIGHT, LEFT, RIGHT] = [190, 110, 50, 230];

interface Point {
  readonly iteration: number;
  readonly distance: number;
  readonly flow: string;
  /** λ, which columns differ in. */
  readonly column: string;
  /** Images and the other settings, which rows differ in. */
  readonly row: string;
}

function pointsOf(result: CellResult): Point[] {
  const column = `λ ${result.settings['lambda']}`;
  const row = groupOf(result).replace(`${column}, `, '');
  const flow = String(result.settings['flow']);
  return (result.curves['responseDistance'] ?? []).flatMap((distance, i) =>
    distance === null || distance <= 0 ? [] : [{ iteration: i + 1, distance, flow, column, row }],
  );
}

/**
 * R over iterations on a logarithmic scale, a panel for each λ and each set of images, a line for each flow: an SVG that shows no image and may be passed on.
 *
 * @returns undefined when nothing was measured
 */
export function curvesPlot(results: readonly CellResult[], flows: readonly string[]): string | undefined {
  const points = results.flatMap(pointsOf);
  if (points.length === 0) return undefined;
  const columns = [...new Set(results.map(({ settings }) => Number(settings['lambda'])))].toSorted((a, b) => a - b);
  const rows = [...new Set(points.map(({ row }) => row))];
  const low = Math.min(...points.map(({ distance }) => distance));
  const high = Math.min(CEILING, Math.max(...points.map(({ distance }) => distance)));
  const legend = flows.map((flow, i) =>
    Plot.text([flow], {
      text: [flow],
      fx: [`λ ${columns.at(-1)}`],
      fy: [rows[0]],
      frameAnchor: 'top-right',
      dx: -4,
      dy: 4 + 13 * i,
      fill: COLORS[i % COLORS.length] as string,
      fontWeight: 'bold',
    }),
  );
  return plotSvg({
    width: LEFT + RIGHT + PANEL_WIDTH * columns.length,
    height: 70 + PANEL_HEIGHT * rows.length,
    marginLeft: LEFT,
    marginRight: RIGHT,
    style: { fontSize: '11px', fontFamily: 'sans-serif', background: 'white', color: '#222', overflow: 'visible' },
    fx: { label: null, domain: columns.map((lambda) => `λ ${lambda}`) },
    fy: { label: null, domain: rows },
    x: { label: 'iteration', ticks: 2 },
    y: { type: 'log', domain: [low, Math.max(high, 2 * low)], label: 'R', ticks: 3, tickFormat: '~s', grid: true },
    color: { domain: [...flows], range: flows.map((_, i) => COLORS[i % COLORS.length] as string) },
    marks: [
      Plot.frame({ strokeOpacity: 0.2 }),
      Plot.lineY(points, {
        x: 'iteration',
        y: 'distance',
        z: 'flow',
        stroke: 'flow',
        fx: 'column',
        fy: 'row',
        strokeWidth: 1.4,
        clip: true,
      }),
      ...legend,
    ],
  });
}
