import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';

const CLI = resolve(import.meta.dirname, '../../src/cli.ts');

/** The arguments with which node runs the command on its sources. */
export function commandArguments(argv: readonly string[]): string[] {
  return ['--conditions=source', '--import', import.meta.resolve('tsx'), CLI, ...argv];
}

/** What a process printed, and how it ended. */
export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** Waits for a process to end. */
export async function finished(child: ChildProcess): Promise<Finished> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  return await new Promise((done, failed) => {
    child.on('error', failed);
    child.on('close', (code, signal) => done({ code, signal, out, err }));
  });
}

/** Starts the command as a process of its own, on its sources and the real engine. */
export function start(
  argv: readonly string[],
  options: { readonly cwd?: string; readonly uid?: number } = {},
): ChildProcess {
  return spawn(process.execPath, commandArguments(argv), { stdio: ['ignore', 'pipe', 'pipe'], ...options });
}
