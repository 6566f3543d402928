import cliProgress from 'cli-progress';

/** Shows how far a piece of work of known or unknown length has come. */
export interface TaskProgress {
  /** @param total in units; 0 when it is not known */
  start(label: string, total: number, unit: string): void;
  update(done: number): void;
  stop(): void;
}

/** A bar on a terminal, redrawn in place. */
export function barTask(stream: NodeJS.WriteStream): TaskProgress {
  const bar = new cliProgress.SingleBar({
    stream,
    format: '{bar} {percentage}% · {label} · {value}/{total} {unit} · {eta_formatted} left',
    barCompleteChar: '━',
    barIncompleteChar: '─',
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
  });
  return {
    start: (label, total, unit) => bar.start(total, 0, { label, unit }),
    update: (done) => bar.update(Math.round(done)),
    stop: () => bar.stop(),
  };
}

/** Milliseconds after which a log has word again, though no quarter is reached: long work must not look stuck. */
const SILENCE = 60_000;

/** A line at every quarter and every minute, for logs and pipes; every hundred units where the total is not known. */
export function lineTask(write: (line: string) => void, now: () => number = () => performance.now()): TaskProgress {
  let task = { label: '', total: 0, unit: '', quarters: 0, written: 0 };
  return {
    start: (label, total, unit) => {
      task = { label, total, unit, quarters: 0, written: now() };
    },
    update(done) {
      const quarters = Math.floor(done / (task.total === 0 ? 100 : task.total / 4));
      if (quarters <= task.quarters && now() - task.written < SILENCE) return;
      task = { ...task, quarters, written: now() };
      write(`${task.label}: ${Math.round(done)}${task.total === 0 ? '' : `/${task.total}`} ${task.unit}`);
    },
    stop: () => undefined,
  };
}
