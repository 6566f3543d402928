import type { CellResult, Findings, ReportTable, Scale, Setting } from './experiment.ts';
import type { ClassExperiment } from './class-experiment.ts';
import { curvesPlot } from './curves-plot.ts';
import { curveFigures, groupOf, grouped, pictureFigures } from './figures.ts';
import { LAST } from './measures.ts';
import { numbersOf, wordsOf } from './options.ts';
import { numberText } from './text.ts';

/** One run in a few words: final R, mean and worst of the last iterations, mean Φ. */
function cellText(result: CellResult | undefined): string {
  if (result === undefined) return 'not run';
  const { finalDistance, meanDistance, worstDistance, meanPotential, collapsed } = result.measures;
  if (result.note !== '') return `collapsed: ${result.note}`;
  const text = [finalDistance, meanDistance, worstDistance, meanPotential]
    .map((v) => numberText(v ?? null))
    .join(' · ');
  return collapsed === 1 ? `${text} collapsed` : text;
}

function resultsTable(results: readonly CellResult[], flows: readonly string[]): ReportTable {
  const rows = [...grouped(results)].map(([name, group]) =>
    [name].concat(flows.map((flow) => cellText(group.find((cell) => cell.settings['flow'] === flow)))),
  );
  return {
    title: `Measured here: final R · mean R · worst R of the last ${LAST} iterations · mean Φ`,
    rows: [['images and settings', ...flows], ...rows],
    note: `Lower R is better. A run collapsed when mean Φ of its particles ended below 0, R ended above twice its least value, or a number was not finite.`,
  };
}

/** The middle value, or the mean of the two in the middle. */
function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = Infinity, high = Infinity] = [
    sorted[Math.ceil(values.length / 2) - 1],
    sorted[Math.floor(values.length / 2)],
  ];
  return (low + high) / 2;
}

/** How many of these runs collapsed, the median of their final R and the worst R of all. */
function shareText(cells: readonly CellResult[]): string {
  if (cells.length === 0) return 'not run';
  const collapsed = cells.filter(({ measures }) => measures['collapsed'] === 1).length;
  const finals = cells.map(({ measures }) => measures['finalDistance'] ?? Infinity);
  const worst = Math.max(...cells.map(({ measures }) => measures['worstDistance'] ?? Infinity));
  return `${collapsed} of ${cells.length} · ${numberText(medianOf(finals))} · ${numberText(worst)}`;
}

/** Rows of the table of collapses: all runs, and those of each λ, δ and bound that there are several of. */
function shareTable(results: readonly CellResult[], scale: Scale, flows: readonly string[]): ReportTable {
  const row = (name: string, keep: (settings: CellResult['settings']) => boolean): string[] =>
    [name].concat(
      flows.map((flow) => shareText(results.filter(({ settings }) => settings['flow'] === flow && keep(settings)))),
    );
  const rowsOf = (setting: string, values: readonly Setting[], name: (value: Setting) => string): string[][] =>
    values.length < 2 ? [] : values.map((value) => row(name(value), (settings) => settings[setting] === value));
  return {
    title: 'Collapsed runs · median final R · worst R',
    rows: [
      ['', ...flows],
      row('all', () => true),
      ...rowsOf('lambda', numbersOf(scale, 'lambda'), (value) => `λ ${value}`),
      ...rowsOf('delta', numbersOf(scale, 'delta'), (value) => `δ ${value}`),
      ...rowsOf('clip', wordsOf(scale, 'clip'), (value) => (value === 'none' ? 'θ free' : `|θ| ≤ ${value}`)),
    ],
    note: `Of the runs made so far. The worst R is over the last ${LAST} iterations of all runs of a row.`,
  };
}

/** R of each flow over that of `kl` on the same images and settings, where neither collapsed. */
function costTable(results: readonly CellResult[], flows: readonly string[]): ReportTable[] {
  const sound = results.filter(({ measures }) => measures['collapsed'] === 0);
  const others = flows.filter((flow) => flow !== 'kl');
  if (others.length === flows.length || others.length === 0) return [];
  const kl = new Map(sound.filter(({ settings }) => settings['flow'] === 'kl').map((cell) => [groupOf(cell), cell]));
  const ratios = (flow: string, measure: string): number[] =>
    sound.flatMap((cell) => {
      const [own = null, other = null] = [cell.measures[measure], kl.get(groupOf(cell))?.measures[measure]];
      return cell.settings['flow'] !== flow || own === null || other === null ? [] : [own / other];
    });
  const text = (values: readonly number[]): string =>
    values.length === 0
      ? '–'
      : `${numberText(medianOf(values))} (${numberText(Math.min(...values))} to ${numberText(Math.max(...values))})`;
  const row = (flow: string): string[] => [
    flow,
    String(ratios(flow, 'finalDistance').length),
    text(ratios(flow, 'finalDistance')),
    text(ratios(flow, 'meanDistance')),
  ];
  return [
    {
      title: 'R over that of kl, where neither collapsed',
      rows: [['flow', 'pairs', 'final R', `mean R of the last ${LAST} iterations`], ...others.map(row)],
      note: 'Median, and least to largest, over pairs of runs on the same images with the same settings. R of one iteration is noisy, its mean is less so.',
    },
  ];
}

/** What runs take: time is that of the whole run, with compilation and pictures. */
function timeTable(results: readonly CellResult[], flows: readonly string[]): ReportTable {
  const row = (flow: string): string[] => {
    const cells = results.filter(({ settings }) => settings['flow'] === flow);
    const memory = cells.flatMap(({ measures }) => measures['peakMemory'] ?? []);
    return [
      flow,
      cells.length === 0 ? '–' : `${medianOf(cells.map(({ seconds }) => seconds)).toFixed(0)} s`,
      memory.length === 0 ? '–' : `${(Math.max(...memory) / 1000).toFixed(2)} GB`,
    ];
  };
  return {
    title: 'Time and memory of a run',
    rows: [['flow', 'median time', 'peak memory'], ...flows.map(row)],
    note: 'Peak memory is that of the process up to the end of the run.',
  };
}

/** The report of an experiment on images of a class. */
export function classFindings(
  { lead, beside }: ClassExperiment,
  results: readonly CellResult[],
  scale: Scale,
  picture: (path: string) => string,
): Findings {
  const hint =
    'Samples are the particles at the end. Each film runs from the start of the chains to the last iteration, which stays longest.';
  const flows = wordsOf(scale, 'flows');
  return {
    lead,
    tables: [
      shareTable(results, scale, flows),
      ...costTable(results, flows),
      resultsTable(results, flows),
      timeTable(results, flows),
      ...beside,
    ],
    figures: [...pictureFigures(results, ['data', 'samples', 'film'], hint, picture), ...curveFigures(results)],
    curves: curvesPlot(results, flows),
  };
}
