// `npm run demo`: trains a wGCN on MNIST for a few minutes, scores its samples, and says where the report is.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';

const ROOT = resolve(import.meta.dirname, '..');
const BUILT = join(ROOT, 'packages/lab/dist/cli.js');
const COMMAND = join(ROOT, 'packages/lab/bin/brownian.js');
/** Minutes of training; the classifier that scores the samples takes about one more, the first time. */
const MINUTES = '3.9';
/** Iterations in which the learning rate falls to zero: about what two cores make of that time. */
const ITERATIONS = '1100';

/**
 * Runs a program in this terminal and returns its exit code.
 *
 * @param {string[]} args for node
 */
function node(args) {
  // Ctrl-C reaches the child as well, which then ends in good order: this process only waits for it.
  process.on('SIGINT', () => undefined);
  const { status, signal } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  return status ?? (signal === 'SIGINT' ? 130 : 1);
}

function main() {
  if (!existsSync(BUILT)) {
    console.log('Building the packages first.');
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const packages = ['graph', 'runtime', 'brownian', 'lab'].map((name) => `packages/${name}`);
    const built = node([compiler, '-b', ...packages]);
    if (built !== 0) return built;
  }
  // What is given after `npm run demo --` comes last, and the last of two equal flags counts.
  return node([
    COMMAND,
    'train',
    'mnist',
    '--model',
    'wgcn',
    '--minutes',
    MINUTES,
    '--iterations',
    ITERATIONS,
    ...process.argv.slice(2),
  ]);
}

process.exitCode = main();
