import type { Context, ExitCode } from '../commands/context.ts';

/** Runs what a command does and keeps its exit code. */
export type Run = (task: (context: Context) => Promise<ExitCode>) => Promise<void>;

/** Examples at the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`;
}
