// A command for tests in the browser: the same code in Node, to compare with.
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '..');
const run = promisify(execFile);

/**
 * Runs a TypeScript file of this workspace on the packages' sources, in a Node of its own, and returns what it printed.
 *
 * @type {import('vitest/node').BrowserCommand<[file: string]>}
 * @throws Error with what the file wrote to stderr, when it fails or takes longer than a minute
 */
export async function runInNode(_context, file) {
  const args = ['--conditions=source', '--import', 'tsx', resolve(ROOT, file)];
  const { stdout } = await run(process.execPath, args, { cwd: ROOT, timeout: 60_000, maxBuffer: 2 ** 26 });
  return stdout;
}
