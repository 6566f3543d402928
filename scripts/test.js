// `npm test`: runs every suite, each in a Vitest process of its own, and counts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ensureChromium } from './chromium.js';
import { SUITES } from './suites.js';

/** @import { Suite } from './suites.js' */

/**
 * What became of one suite: what was counted, and a sentence where the counts do not tell.
 *
 * @typedef {{ passed: number; failed: number; skipped: number; seconds: number; note?: string }} Outcome
 */

const ROOT = resolve(import.meta.dirname, '..');
const SHARED = resolve(ROOT, '../shared');

const HELP = `Usage: npm test -- [--suite NAME]... [ARGUMENT]...

Runs the suites ${SUITES.map((suite) => suite.name).join(', ')}, in this order.

  --suite NAME   run only this suite; may be repeated
  --help         print this text
  ARGUMENT       anything else goes to Vitest: a part of a test file's path, -t "a test's name", -u to update snapshots

The data suite reads ../shared (${SHARED}); without that folder it is not run, which is an error when CI=true.
The browser suite needs Chromium or Chrome. BROWNIAN_CHROMIUM chooses one; otherwise an installed one is found, or installed.`;

/** Splits our own options from what is Vitest's. */
function readArguments() {
  const { values, tokens } = parseArgs({
    args: process.argv.slice(2),
    options: { suite: { type: 'string', multiple: true }, help: { type: 'boolean' } },
    strict: false,
    tokens: true,
  });
  const ours = new Set(tokens.filter((token) => token.kind === 'option' && ['suite', 'help'].includes(token.name)));
  const taken = new Set(
    [...ours].flatMap((token) => (hasOwnValue(token) ? [token.index, token.index + 1] : [token.index])),
  );
  const rest = process.argv.slice(2).filter((_, index) => !taken.has(index));
  const names = (values.suite ?? []).map(String);
  return { help: values.help === true, names, rest };
}

/** @param {{ kind: string; value?: unknown; inlineValue?: boolean | undefined }} token */
function hasOwnValue(token) {
  return token.value !== undefined && token.inlineValue === false;
}

/**
 * @param {string[]} names
 * @returns {readonly Suite[]}
 */
function chosenSuites(names) {
  const unknown = names.find((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    console.error(`There is no suite "${unknown}": the suites are ${SUITES.map((suite) => suite.name).join(', ')}.`);
    process.exit(2);
  }
  return names.length === 0 ? SUITES : SUITES.filter((suite) => names.includes(suite.name));
}

/**
 * @param {Suite} suite
 * @param {string[]} rest
 * @param {boolean} named whether the user asked for this suite by name
 * @returns {Outcome}
 */
function runSuite(suite, rest, named) {
  const none = { passed: 0, failed: 0, skipped: 0, seconds: 0 };
  if (suite.needs === 'shared data' && !existsSync(SHARED)) {
    const required = named || process.env['CI'] === 'true';
    const note = `The ${suite.name} suite was not run: its tests read ${SHARED}, and that folder does not exist.`;
    return { ...none, failed: required ? 1 : 0, note };
  }
  const env = { ...process.env };
  if (suite.needs === 'chromium') {
    try {
      env['BROWNIAN_CHROMIUM'] = ensureChromium();
    } catch (error) {
      return {
        ...none,
        failed: 1,
        note: `The ${suite.name} suite was not run. ${/** @type {Error} */ (error).message}`,
      };
    }
  }
  return runVitest(suite.name, rest, env);
}

/**
 * @param {string} name
 * @param {string[]} rest
 * @param {NodeJS.ProcessEnv} env
 * @returns {Outcome}
 */
function runVitest(name, rest, env) {
  const folder = mkdtempSync(join(tmpdir(), 'brownian-test-'));
  const report = join(folder, 'report.json');
  const args = ['run', '--project', name, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  if (rest.length > 0) args.push('--passWithNoTests');
  const start = performance.now();
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const { status } = spawnSync(process.execPath, [vitest, ...args, ...rest], { cwd: ROOT, env, stdio: 'inherit' });
  const seconds = (performance.now() - start) / 1000;
  const counts = countReport(report);
  rmSync(folder, { recursive: true });
  if (status === 0 || counts.failed > 0) return { ...counts, seconds };
  const empty = counts.passed + counts.skipped === 0;
  const note = empty
    ? `The ${name} suite has no tests, or stopped before the first.`
    : `Errors outside the ${name} tests.`;
  return { ...counts, failed: 1, seconds, note };
}

/** @param {string} path Where Vitest wrote its JSON report. */
function countReport(path) {
  if (!existsSync(path)) return { passed: 0, failed: 0, skipped: 0 };
  const report = JSON.parse(readFileSync(path, 'utf8'));
  /** @type {{ status: string; assertionResults: { status: string }[] }[]} */
  const files = report.testResults;
  // A file that could not be loaded, or whose hook threw, fails without a failed test in it.
  const broken = files.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  return {
    passed: Number(report.numPassedTests),
    failed: Number(report.numFailedTests) + broken.length,
    skipped: Number(report.numPendingTests) + Number(report.numTodoTests),
  };
}

/** @param {[string, Outcome][]} outcomes */
function printSummary(outcomes) {
  console.log(
    `\n${'suite'.padEnd(14)}${['passed', 'failed', 'skipped', 'seconds'].map((title) => title.padStart(9)).join('')}`,
  );
  for (const [name, { passed, failed, skipped, seconds }] of outcomes) {
    const cells = [passed, failed, skipped, seconds.toFixed(1)].map((value) => String(value).padStart(9));
    console.log(`${name.padEnd(14)}${cells.join('')}`);
  }
  for (const [, { note }] of outcomes) if (note !== undefined) console.log(note);
}

function main() {
  const { help, names, rest } = readArguments();
  if (help) {
    console.log(HELP);
    return;
  }
  /** @type {[string, Outcome][]} */
  const outcomes = chosenSuites(names).map((suite) => {
    console.log(`\n# ${suite.name}`);
    return [suite.name, runSuite(suite, rest, names.length > 0)];
  });
  printSummary(outcomes);
  /** @param {'passed' | 'failed' | 'skipped'} key */
  const total = (key) => outcomes.reduce((sum, [, outcome]) => sum + outcome[key], 0);
  const skipped = total('skipped') > 0 ? `, ${total('skipped')} skipped` : '';
  if (total('passed') + total('failed') === 0) console.log('No test was run.');
  console.log(`\n${total('passed')} passed, ${total('failed')} failed${skipped}`);
  process.exitCode = total('failed') > 0 || total('passed') === 0 ? 1 : 0;
}

main();
