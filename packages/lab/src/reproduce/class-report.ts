import { LAST } from './measures.ts';
import type { CellResult, Findings, ReportTable, Scale } from './experiment.ts';
import type { ClassExperiment } from './class-experiment.ts';
import { curveFigures, grouped, pictureFigures } from './figures.ts';
import { numbersOf, wordsOf } from './options.ts';
import { numberText } from './text.ts';

/** One run in a few words: final R, the worst of the last iterations, mean Φ. */
function cellText(result: CellResult | undefined): string {
  if (result === undefined) return 'not run';
  const { finalDistance = null, worstDistance = null, meanPotential = null, collapsed } = result.measures;
  if (result.note !== '') return `collapsed: ${result.note}`;
  const text = `${numberText(finalDistance)} · ${numberText(worstDistance)} · ${numberText(meanPotential)}`;
  return collapsed === 1 ? `${text} collapsed` : text;
}

function resultsTable(results: readonly CellResult[], scale: Scale): ReportTable {
  const flows = wordsOf(scale, 'flows');
  const rows: string[][] = [];
  for (const group of grouped(results).values()) {
    const { settings } = group[0] as CellResult;
    const texts = flows.map((flow) => cellText(group.find((cell) => cell.settings['flow'] === flow)));
    rows.push(
      [`${settings['class']}, seed ${settings['seed']}, ${settings['images']} images, λ ${settings['lambda']}`].concat(
        texts,
      ),
    );
  }
  return {
    title: 'Measured here: final R · worst R of the last iterations · mean Φ',
    rows: [['images, λ', ...flows], ...rows],
    note: `Lower R is better. Worst R is over the last ${LAST} iterations. A run collapsed when mean Φ of its particles ended below 0, R ended above twice its least value, or a number was not finite.`,
  };
}

/** Per flow and λ: how many runs collapsed, the median of their final R and the worst R of all. */
function summaryTable(results: readonly CellResult[], scale: Scale): ReportTable {
  const flows = wordsOf(scale, 'flows');
  const text = (flow: string, lambda: number): string => {
    const cells = results.filter(({ settings }) => settings['flow'] === flow && settings['lambda'] === lambda);
    if (cells.length === 0) return 'not run';
    const collapsed = cells.filter(({ measures }) => measures['collapsed'] === 1).length;
    const finals = cells.map(({ measures }) => measures['finalDistance'] ?? Infinity).toSorted((a, b) => a - b);
    const worst = Math.max(...cells.map(({ measures }) => measures['worstDistance'] ?? Infinity));
    const median = finals[Math.floor(finals.length / 2)] ?? Infinity;
    return `${collapsed} of ${cells.length} · ${numberText(median)} · ${numberText(worst)}`;
  };
  const row = (lambda: number): string[] => [String(lambda)].concat(flows.map((flow) => text(flow, lambda)));
  return {
    title: 'Over classes and seeds: collapsed runs · median final R · worst R',
    rows: [['λ', ...flows], ...numbersOf(scale, 'lambda').map(row)],
    note: 'Of the runs made so far. The worst R is over the last iterations of all runs of a cell.',
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
  return {
    lead,
    tables: [summaryTable(results, scale), resultsTable(results, scale), ...beside],
    figures: [...pictureFigures(results, ['data', 'samples', 'film'], hint, picture), ...curveFigures(results)],
  };
}
