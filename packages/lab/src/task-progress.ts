import cliProgress from 'cli-progress';
import { formatSeconds } from './progress.ts';

/** Work of a known length that is under way. */
export interface Task {
  /** How much is done, of the total. */
  update(done: number): void;
  stop(): void;
}

/** Begins to show work of a known length. */
export type StartTask = (label: string, total: number) => Task;

/** Bars on a terminal, redrawn in place. */
export function barTasks(stream: NodeJS.WriteStream): StartTask {
  return (label, total) => {
    const bar = new cliProgress.SingleBar({
      stream,
      format: '{label} {bar} {percentage}% · {value}/{total} · {left} left',
      barCompleteChar: '━',
      barIncompleteChar: '─',
      barsize: 24,
      fps: 8,
      hideCursor: true,
      clearOnComplete: true,
    });
    const start = performance.now();
    bar.start(total, 0, { label: label.padEnd(24), left: '–' });
    return {
      update: (done) => {
        const seconds = (performance.now() - start) / 1000;
        bar.update(done, { left: formatSeconds((seconds / Math.max(done, 1)) * (total - done)) });
      },
      stop: () => bar.stop(),
    };
  };
}

/** A line every few seconds, for logs and pipes; work that ends sooner says nothing. */
export function lineTasks(write: (line: string) => void, everySeconds = 5): StartTask {
  return (label, total) => {
    const start = performance.now();
    let written = start;
    return {
      update: (done) => {
        const now = performance.now();
        if (now - written < everySeconds * 1000) return;
        written = now;
        const left = ((now - start) / 1000 / Math.max(done, 1)) * (total - done);
        write(`${label} ${done}/${total} · ${formatSeconds(left)} left`);
      },
      stop: () => undefined,
    };
  };
}

/** Shows nothing. */
export const silentTasks: StartTask = () => ({ update: () => undefined, stop: () => undefined });
