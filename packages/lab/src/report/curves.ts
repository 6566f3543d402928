import { CHART_GUIDE, type ChartGuide, METRIC_GUIDE, type MetricGuide, gridOf } from '../metric-guide.ts';
import type { MetricsRecord } from '../runs/database.ts';
import { Plot, plotSvg } from './plot.ts';

/** A chart of learning curves, ready for a page. */
export interface Chart {
  readonly title: string;
  readonly meaning: string;
  /** Names and colours of its curves, when there are several. */
  readonly legend: readonly { readonly label: string; readonly color: string }[];
  readonly svg: string;
}

interface Point {
  readonly iteration: number;
  readonly value: number;
}

interface Curve {
  readonly label: string;
  readonly color: string;
  /** The measured values, thinned out by averaging. */
  readonly points: readonly Point[];
  /** The same with the noise averaged away. */
  readonly trend: readonly Point[];
}

const COLORS: readonly string[] = ['var(--data)', 'var(--accent)', 'var(--third)'];
const WIDTH = 470;
const HEIGHT = 210;
const MAX_POINTS = 400;

/** Averages neighbours until at most `count` points are left. */
function thin(points: readonly Point[], count: number): Point[] {
  const size = Math.ceil(points.length / count);
  if (size <= 1) return [...points];
  return Array.from({ length: Math.ceil(points.length / size) }, (_, i) =>
    mean(points.slice(i * size, (i + 1) * size)),
  );
}

function mean(points: readonly Point[]): Point {
  const sum = points.reduce((a, b) => ({ iteration: a.iteration + b.iteration, value: a.value + b.value }), {
    iteration: 0,
    value: 0,
  });
  return { iteration: sum.iteration / points.length, value: sum.value / points.length };
}

/** What `summary` makes of the values near each point: within `reach`, and at the start no further than the start itself, so that fast first changes show. */
function slide(points: readonly Point[], reach: number, summary: (near: readonly Point[]) => number): Point[] {
  return points.map(({ iteration }, i) => ({
    iteration,
    value: summary(points.slice(Math.max(0, i - reach), i + Math.min(i, reach) + 1)),
  }));
}

/** The trend of a noisy curve: a running median, which single spikes do not move, with its steps rounded off. */
function trendOf(points: readonly Point[]): Point[] {
  const reach = Math.floor(points.length / 40);
  const median = slide(points, reach, (near) =>
    quantile(
      near.map(({ value }) => value).toSorted((a, b) => a - b),
      0.5,
    ),
  );
  return slide(median, Math.ceil(reach / 2), (near) => mean(near).value);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.round(share * (sorted.length - 1))] ?? 0;
}

/** A range of y that shows all trends, and the measured values but for rare spikes. */
function domainOf(curves: readonly Curve[]): [low: number, high: number] {
  const values = curves.flatMap(({ points }) => points.map(({ value }) => value)).toSorted((a, b) => a - b);
  const trends = curves.flatMap(({ trend }) => trend.map(({ value }) => value));
  const low = Math.min(quantile(values, 0.01), ...trends);
  const high = Math.max(quantile(values, 0.99), ...trends);
  if (low < high) return [low, high];
  const around = Math.abs(low) * 0.1 || 1;
  return [low - around, high + around];
}

/** Round numbers on a logarithmic axis: 1, 2, 5 of every decade, or fewer of them when it spans many. */
function logTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const digits = decades < 1.6 ? [1, 2, 5] : decades < 3 ? [1, 3] : [1];
  const from = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - from + 1 }, (_, i) => from + i);
  const step = Math.ceil(decades / 6);
  const kept = powers.filter((power) => step <= 1 || power % step === 0);
  return kept
    .flatMap((power) => digits.map((digit) => Number(`${digit}e${power}`)))
    .filter((tick) => tick >= low && tick <= high);
}

function drawLines({ color, points, trend }: Curve): Plot.Markish[] {
  const strong = Plot.lineY(trend, { x: 'iteration', y: 'value', stroke: color, strokeWidth: 1.8, clip: true });
  if (points.every(({ value }, i) => value === trend[i]?.value)) return [strong];
  return [
    Plot.lineY(points, { x: 'iteration', y: 'value', stroke: color, strokeWidth: 1, strokeOpacity: 0.28, clip: true }),
    strong,
  ];
}

function drawChart(curves: readonly Curve[], log: boolean, axis: string): string {
  const [low, high] = domainOf(curves);
  const logarithmic = log && low > 0 && high / low > 15;
  const margin = logarithmic ? 0 : (high - low) * 0.04;
  const last = Math.max(...curves.flatMap(({ points }) => points.map(({ iteration }) => iteration)));
  const ticks = logarithmic ? logTicks(low, high) : 5;
  return plotSvg({
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 52,
    marginRight: 14,
    marginTop: 12,
    marginBottom: 34,
    style: { fontSize: '11px', fontFamily: 'inherit', background: 'none', overflow: 'visible' },
    x: { domain: [0, Math.max(last, 1)] },
    y: { type: logarithmic ? 'log' : 'linear', domain: [low - margin, high + margin], nice: !logarithmic },
    marks: [
      Plot.gridY({ stroke: 'currentColor', strokeOpacity: 0.1, ticks }),
      Plot.axisY({ ticks, tickSize: 0, tickPadding: 8, label: null, tickFormat: tickText, fillOpacity: 0.75 }),
      Plot.axisX({
        ticks: 5,
        tickSize: 4,
        label: axis,
        labelArrow: 'none',
        tickFormat: wholeText,
        fillOpacity: 0.75,
      }),
      ...curves.flatMap(drawLines),
    ],
  });
}

function wholeText(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en-US') : '';
}

function tickText(value: number): string {
  const size = Math.abs(value);
  const short = Number(value.toPrecision(3));
  const text =
    size >= 1e5 || (size > 0 && size < 1e-3) ? short.toExponential().replace('e+', 'e') : short.toLocaleString('en-US');
  return text.replaceAll('-', '−');
}

function curveOf(name: string, label: string, color: string, records: readonly MetricsRecord[]): Curve | undefined {
  const points = records.flatMap(({ iteration, metrics }) => {
    const value = metrics[name];
    return typeof value === 'number' ? [{ iteration, value }] : [];
  });
  if (points.length < 2) return undefined;
  const thinned = thin(points, MAX_POINTS);
  return { label, color, points: thinned, trend: trendOf(thinned) };
}

/** Which metrics make which charts, over what. */
export interface Guides {
  readonly metrics: readonly MetricGuide[];
  readonly charts: readonly ChartGuide[];
  /** What the horizontal axis counts. */
  readonly axis: string;
}

const TRAINING: Guides = { metrics: METRIC_GUIDE, charts: CHART_GUIDE, axis: 'iteration' };

interface PlannedChart {
  readonly guide: ChartGuide;
  readonly curves: readonly { readonly name: string; readonly label: string }[];
}

/** A chart of a known kind: with several grids, one chart with a curve for each if it shows one metric, else a chart for each grid. */
function plannedCharts(guide: ChartGuide, metrics: readonly MetricGuide[], names: readonly string[]): PlannedChart[] {
  const shown = metrics.filter(
    ({ name, chart }) => chart === guide.key && names.some((given) => gridOf(given)[0] === name),
  );
  const heights = [...new Set(names.map((name) => gridOf(name)[1]))].toSorted(
    (a, b) => (a ?? Infinity) - (b ?? Infinity),
  );
  const gridText = (height: number | null): string => (height === null ? 'finest grid' : `grid of ${height} px`);
  const nameAt = (name: string, height: number | null): string => (height === null ? name : `${name}@${height}`);
  const [only] = shown;
  if (only !== undefined && shown.length === 1 && heights.length > 1) {
    const curves = heights.map((height) => ({ name: nameAt(only.name, height), label: gridText(height) }));
    return [{ guide, curves: curves.filter(({ name }) => names.includes(name)) }];
  }
  return heights.map((height) => ({
    guide: heights.length > 1 ? { ...guide, title: `${guide.title}, ${gridText(height)}` } : guide,
    curves: shown
      .map(({ name, label }) => ({ name: nameAt(name, height), label }))
      .filter(({ name }) => names.includes(name)),
  }));
}

/** The charts that the known metrics make, then one for each metric that no chart is known for. */
function plan(names: readonly string[], { metrics, charts }: Guides): PlannedChart[] {
  const known = charts.flatMap((guide) => plannedCharts(guide, metrics, names));
  const others = names
    .filter((name) => METRIC_GUIDE.every((metric) => metric.name !== gridOf(name)[0]))
    .map((name) => ({ guide: { key: name, title: name, meaning: '', log: true }, curves: [{ name, label: name }] }));
  return [...known, ...others].filter(({ curves }) => curves.length > 0);
}

function isFlat(curves: readonly Curve[]): boolean {
  const first = curves[0]?.points[0]?.value;
  return curves.every(({ points }) => points.every(({ value }) => value === first));
}

/** Draws the learning curves of a run, or with other guides what else was recorded; metrics that never change are left out. */
export function learningCurves(records: readonly MetricsRecord[], guides: Guides = TRAINING): Chart[] {
  const names = [...new Set(records.flatMap(({ metrics }) => Object.keys(metrics)))];
  return plan(names, guides).flatMap(({ guide, curves: wanted }) => {
    const several = wanted.length > 1;
    const curves = wanted.flatMap(({ name, label }, i) => {
      const color = several ? COLORS[i % COLORS.length] : 'var(--accent)';
      return curveOf(name, label, color ?? 'currentColor', records) ?? [];
    });
    if (curves.length === 0 || isFlat(curves)) return [];
    const legend = several ? curves.map(({ label, color }) => ({ label, color })) : [];
    return [{ title: guide.title, meaning: guide.meaning, legend, svg: drawChart(curves, guide.log, guides.axis) }];
  });
}

/** A run whose curves are laid over those of others. */
export interface OverlaidRun {
  readonly label: string;
  readonly color: string;
  readonly records: readonly MetricsRecord[];
}

/** Draws each metric as one chart with the trend of every run that has it. */
export function overlaidCurves(runs: readonly OverlaidRun[]): Chart[] {
  const names = [...new Set(runs.flatMap(({ records }) => records.flatMap(({ metrics }) => Object.keys(metrics))))];
  return plan(names, TRAINING).flatMap(({ guide, curves: wanted }) =>
    wanted.flatMap(({ name, label }) => {
      const curves = runs.flatMap((run) => curveOf(name, run.label, run.color, run.records) ?? []);
      // Measured values of several runs would hide each other: only the trends are drawn.
      const trends = curves.map(({ label: run, color, trend }) => ({ label: run, color, trend, points: trend }));
      if (trends.length === 0 || isFlat(trends)) return [];
      const title = wanted.length > 1 ? `${guide.title}, ${label}` : guide.title;
      const legend = trends.map(({ label: run, color }) => ({ label: run, color }));
      return [{ title, meaning: guide.meaning, legend, svg: drawChart(trends, guide.log, TRAINING.axis) }];
    }),
  );
}
