import type { Lines } from './measure.ts';

/** Everything that was measured. */
export interface Report {
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Peers that could not be started, and what would help. */
  readonly missing: Readonly<Record<string, string>>;
  readonly threads: number;
  /** GFLOP/s of one 1024³ MatMul in ONNX Runtime. */
  readonly peak: number;
  readonly workloads: readonly WorkloadReport[];
  readonly startup: readonly StartupReport[];
}

export interface WorkloadReport {
  readonly name: string;
  readonly title: string;
  readonly lines: Lines;
  /** Peak resident memory, bytes, by contender. */
  readonly memory: Readonly<Record<string, number>>;
}

export interface StartupReport {
  readonly title: string;
  /** Milliseconds, by contender. */
  readonly times: Readonly<Record<string, number>>;
}

const OURS = 'Brownian';
const REFERENCE = 'PyTorch';

/** Three significant digits. */
export function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : (bytes / 2 ** 20).toFixed(0);
}

/** Our time over PyTorch's. */
function ratio(lines: Lines): number | undefined {
  const [ours, theirs] = [lines[OURS]?.time, lines[REFERENCE]?.time];
  return ours === undefined || theirs === undefined ? undefined : ours / theirs;
}

/** A table of text with its columns aligned: the first to the left, others to the right. Valid Markdown. */
export function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(3, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  const [head, ...body] = rows.map(line);
  return [head, rule, ...body].join('\n');
}

function cell(lines: Lines, contender: string): string {
  const line = lines[contender];
  return line === undefined ? '' : line.time === undefined ? (line.unsupported ?? '') : short(line.time);
}

function speedTable({ workloads, peak, versions }: Report): string {
  const others = Object.keys(versions).filter((name) => name !== OURS);
  const head = ['workload', OURS, ...others, 'ratio', 'GFLOP/s', 'of peak', 'MB', 'MB PyTorch'];
  const rows = workloads.map(({ title, lines, memory }) => {
    const ours = lines[OURS];
    const r = ratio(lines);
    const speed = ours?.time !== undefined && ours.flops !== undefined ? ours.flops / ours.time / 1e6 : undefined;
    return [
      title,
      cell(lines, OURS),
      ...others.map((name) => cell(lines, name)),
      r === undefined ? '' : r.toFixed(2),
      speed === undefined ? '' : short(speed),
      speed === undefined ? '' : `${((100 * speed) / peak).toFixed(0)} %`,
      megabytes(memory[OURS]),
      megabytes(memory[REFERENCE]),
    ];
  });
  return align([head, ...rows]);
}

function startupTable({ startup }: Report): string {
  const rows = startup.map(({ title, times }) => {
    const [ours, theirs] = [times[OURS], times[REFERENCE]];
    return [
      title,
      ours === undefined ? '' : short(ours),
      theirs === undefined ? '' : short(theirs),
      ours && theirs ? (ours / theirs).toFixed(2) : '',
    ];
  });
  return align([['start of the process to the end of the first step', OURS, REFERENCE, 'ratio'], ...rows]);
}

/** Geometric mean of the ratios to PyTorch. */
export function geometricMean({ workloads }: Report): number | undefined {
  const logs = workloads
    .map(({ lines }) => ratio(lines))
    .filter((r) => r !== undefined)
    .map(Math.log);
  return logs.length === 0 ? undefined : Math.exp(logs.reduce((a, b) => a + b, 0) / logs.length);
}

/** For each peer but PyTorch, how many times our time it takes. */
function slowdowns({ workloads, versions }: Report): string[] {
  return Object.keys(versions)
    .filter((name) => name !== OURS && name !== REFERENCE)
    .flatMap((name) => {
      const factors = workloads
        .map(({ lines }) => (lines[name]?.time ?? Number.NaN) / (lines[OURS]?.time ?? Number.NaN))
        .filter(Number.isFinite);
      if (factors.length === 0) return [];
      return [
        `${name} takes ${short(Math.min(...factors))} to ${short(Math.max(...factors))} times as long as ${OURS}.`,
      ];
    });
}

/** The report as Markdown. */
export function formatReport(report: Report): string {
  const mean = geometricMean(report);
  const tuned = (fact: 'format' | 'environment', value: string): string[] => {
    const names = report.workloads.filter(({ lines }) => lines[REFERENCE]?.[fact] === value).map(({ name }) => name);
    return names.length === 0 ? [] : [`PyTorch with ${value}, which was faster here: ${names.join(', ')}.`];
  };
  const notes = [
    'Median milliseconds per step; ratio is Brownian to PyTorch, below 1 is faster; peak resident memory of a fresh process.',
    ...tuned('format', 'channels-last'),
    ...tuned('environment', 'OMP_WAIT_POLICY=PASSIVE'),
    ...(mean === undefined ? [] : [`Geometric mean of the ratios: ${mean.toFixed(2)}.`]),
    ...slowdowns(report),
    ...Object.entries(report.missing).map(([name, reason]) => `${name} is not in the table: ${reason}.`),
  ];
  return [
    `${report.machine}; ${Object.values(report.versions).join('; ')}; ${report.threads} threads; MatMul peak ${report.peak.toFixed(0)} GFLOP/s.`,
    '',
    ...(report.workloads.length > 0 ? [speedTable(report), ''] : []),
    ...(report.startup.length > 0 ? [startupTable(report), ''] : []),
    ...notes,
  ].join('\n');
}
