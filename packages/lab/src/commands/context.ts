import type { Engine } from '../engine.ts';
import type { Progress } from '../progress.ts';
import type { TaskProgress } from '../task-progress.ts';

/** What a command has of the world outside; tests give their own. */
export interface Context {
  readonly engine: Engine;
  /** Prints a line for the user. */
  print(line: string): void;
  progress(): Progress;
  /** Shows how far work other than training has come. */
  task(): TaskProgress;
  /** The command line as the user typed it, for the report. */
  readonly commandLine: string;
  /** Folder in which new runs are made. */
  readonly runsFolder: string;
}

/** What a command that ended in good order tells the shell: 0, or 130 after Ctrl-C, or 1. */
export type ExitCode = 0 | 1 | 130;
