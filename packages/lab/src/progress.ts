import cliProgress from 'cli-progress';
import type { Metrics } from 'brownian';
import { METRIC_GUIDE } from './metric-guide.ts';

/** How far a run has come. */
export interface Position {
  readonly iteration: number;
  /** Seconds since the run began, over all resumes. */
  readonly seconds: number;
}

/** What shows the user that training goes on. */
export interface Progress {
  start(goal: { readonly iterations: number; readonly minutes: number | null }, from: Position): void;
  update(now: Position & { readonly metrics: Metrics }): void;
  /** A message for the user, on a line of its own. */
  note(text: string): void;
  stop(): void;
}

/** A duration as people write it: `48s`, `3m 05s`, `2h 14m`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h ${two(Math.floor((whole % 3600) / 60))}m`;
}

/** A number with three significant digits. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1);
  return size >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

/** The metrics worth a glance while training, such as `R 12.3  Φ data 4.1`. */
export function keyMetrics(metrics: Metrics): string {
  const shown = METRIC_GUIDE.filter(({ name, short }) => short !== undefined && metrics[name] !== undefined);
  return shown.map(({ name, short }) => `${short ?? name} ${formatNumber(metrics[name] ?? 0)}`).join('  ');
}

/** Rate and time left, from the iterations of this session. */
interface Pace {
  readonly share: number;
  readonly rate: number;
  readonly left: number;
}

/** Follows a run towards whichever of its two goals is nearer. */
function pacer(
  goal: { readonly iterations: number; readonly minutes: number | null },
  from: Position,
): (now: Position) => Pace {
  return ({ iteration, seconds }) => {
    const rate = (iteration - from.iteration) / Math.max(seconds - from.seconds, 1e-9);
    const bySteps = (goal.iterations - iteration) / Math.max(rate, 1e-9);
    const byTime = goal.minutes === null ? Infinity : goal.minutes * 60 - seconds;
    const stepShare = iteration / goal.iterations;
    const timeShare = goal.minutes === null ? 0 : seconds / (goal.minutes * 60);
    return { rate, left: Math.min(bySteps, byTime), share: Math.min(1, Math.max(stepShare, timeShare)) };
  };
}

function paceText({ rate, left }: Pace): string {
  return `${formatNumber(rate)} it/s · ${formatSeconds(left)} left`;
}

/** A bar on a terminal, redrawn in place. */
export function barProgress(stream: NodeJS.WriteStream): Progress {
  const bar = new cliProgress.SingleBar({
    stream,
    format: '{bar} {percentage}% · iteration {iteration} · {pace}{metrics}',
    barCompleteChar: '━',
    barIncompleteChar: '─',
    barsize: 24,
    fps: 8,
    hideCursor: true,
    // The loop ends the bar; a signal must not, since the iteration under way is finished first.
    gracefulExit: false,
  });
  let pace = pacer({ iterations: 1, minutes: null }, { iteration: 0, seconds: 0 });
  return {
    start(goal, from) {
      pace = pacer(goal, from);
      bar.start(1000, Math.round(pace(from).share * 1000), {
        iteration: from.iteration,
        pace: 'preparing',
        metrics: '',
      });
    },
    update({ metrics, ...now }) {
      const current = pace(now);
      const shown = keyMetrics(metrics);
      const text = { iteration: now.iteration, pace: paceText(current), metrics: shown === '' ? '' : ` · ${shown}` };
      bar.update(Math.floor(current.share * 1000), text);
    },
    note(text) {
      stream.write(`\n${text}\n`);
    },
    stop() {
      bar.stop();
    },
  };
}

/** A line every few seconds, for logs and pipes. */
export function lineProgress(write: (line: string) => void, everySeconds = 5): Progress {
  let pace = pacer({ iterations: 1, minutes: null }, { iteration: 0, seconds: 0 });
  let last: (Position & { readonly metrics: Metrics }) | undefined;
  let iterations = 0;
  let written = 0;
  const line = (now: Position & { readonly metrics: Metrics }): void => {
    const shown = keyMetrics(now.metrics);
    write(`iteration ${now.iteration}/${iterations} · ${paceText(pace(now))}${shown === '' ? '' : ` · ${shown}`}`);
    written = now.seconds;
    last = undefined;
  };
  return {
    start(goal, from) {
      pace = pacer(goal, from);
      iterations = goal.iterations;
      written = from.seconds;
    },
    update(now) {
      last = now;
      if (now.seconds - written >= everySeconds) line(now);
    },
    note: write,
    stop() {
      if (last !== undefined) line(last);
    },
  };
}
